"""A picture is gone over once, before its blocks: how far its values reach, what noise it has."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.batch.items import Stopped
from napari_dip.blocks.cutting import cut, tile
from napari_dip.blocks.plan import Group, Plan, sides_of
from napari_dip.blocks.source import Source, channel_of
from napari_dip.errors import UserError
from napari_dip.file_restoration import with_anisotropy
from napari_dip.files.lazy import LazyPicture
from napari_dip.images import measure_extent
from napari_dip.restoration import prepare
from napari_dip.tasks.base import Task
from napari_dip.value_range import Extent

SAMPLE = {"Y": 256, "X": 256, "Z": 16}
SAMPLES = 16
"""Boxes from all over a picture that stand for it when settings and noise are decided."""

READ_AT_ONCE = {"Y": 1024, "X": 1024, "Z": 16}
"""Pixels along each axis, when the whole picture is gone over for its extent."""

Array = NDArray[Any]


def make_plan(
    source: Source,
    task: Task,
    *,
    data_range: float | None,
    seed: int,
    device: str,
    warm: bool,
    should_stop: Callable[[], bool] = lambda: False,
) -> Plan:
    """Go over a picture once, and decide what all of its blocks share.

    Raises
    ------
    UserError
        When there is nothing in the picture, or the settings do not go with it.
    Stopped
        When `should_stop`, which is asked all along, said so.
    """
    with source.open() as picture:
        if source.fitting.depth == "Z":
            task = with_anisotropy(task, picture.axes)
        guide = None
        if source.guide is not None:
            with source.guide.open() as beside:
                guide = _extents("guide", source.guide, beside, should_stop)[""]
        extents = _extents("image", source, picture, should_stop)
        return _make_plan(source, picture, extents, guide, task, data_range, seed, device, warm)


def _extents(
    name: str, source: Source, picture: LazyPicture, should_stop: Callable[[], bool]
) -> dict[str, Extent]:
    """How far a picture's values reach, by the group of channels."""
    by_channel: dict[str, list[Extent]] = {}
    for box in tile(picture.shape, sides_of(source.fitting, READ_AT_ONCE)).blocks():
        if should_stop():
            raise Stopped
        found = by_channel.setdefault(channel_of(source, box), [])
        values = source.fitted(picture.read(box.slices))
        if extent := measure_extent(values, source.letters):
            found.append(extent)
    return {key: _joined(name, found) for key, found in by_channel.items()}


def _make_plan(
    source: Source,
    picture: LazyPicture,
    extents: dict[str, Extent],
    guide: Extent | None,
    task: Task,
    data_range: float | None,
    seed: int,
    device: str,
    warm: bool,
) -> Plan:
    nominal = reduce(or_, extents.values()).nominal(picture.dtype)
    whole = float(nominal[1] - nominal[0] if data_range is None else data_range)
    groups, factors = {}, (1,) * len(source.axes)
    for key, extent in extents.items():
        values, beside = _sample(source, picture, key)
        job = prepare(
            values,
            task,
            axes=source.letters,
            data_range=whole,
            seed=seed,
            extent=extent,
            guide_extent=guide,
            **beside,
        )
        groups[key] = Group(extent, job.task)
        finer = [b // a for a, b in zip(values.shape, job.result_shape, strict=True)]
        spread = dict(zip(source.kept, finer, strict=True))
        factors = tuple(spread.get(axis, 1) for axis in range(len(source.axes)))
    return Plan(source, groups, guide, factors, whole, seed, device, warm)


def _joined(name: str, found: list[Extent]) -> Extent:
    """The extent of a picture, from those of its boxes."""
    if not found:
        raise UserError(f"{name}: it has no finite pixel")
    extent = reduce(or_, found)
    if extent.lowest == extent.highest:
        value = extent.lowest[0]
        what = "restore" if name == "image" else "follow"
        raise UserError(f"{name}: every pixel is {value:g}; there is nothing to {what}")
    return extent


def _sample(source: Source, picture: LazyPicture, channel: str) -> tuple[Array, dict[str, Any]]:
    """Boxes from all over a picture, one below the other, with what is beside them."""
    grid = cut(picture.shape, sides_of(source.fitting, SAMPLE), (0,) * len(picture.shape))
    boxes = [box for box in grid.blocks() if channel_of(source, box) == channel]
    if "mask" in source.sides:  # there, what is missing is the matter
        boxes = [box for box in boxes if source.mask(box).any()] or boxes
    chosen = np.random.default_rng(0).permutation(len(boxes))[:SAMPLES]
    some = [boxes[i] for i in sorted(chosen)]
    values = [source.fitted(picture.read(box.slices)) for box in some]
    given = [source.beside(box) for box in some]
    beside = dict(given[0])
    for side, axes in (("mask", source.letters), ("guide", beside.get("guide_axes", ""))):
        if side in beside:
            boxed = [one[side] for one in given]
            beside[side] = np.concatenate(boxed, axis=axes.index("Y"))
    return np.concatenate(values, axis=source.letters.index("Y")), beside
