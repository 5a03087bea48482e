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
from napari_dip.blocks.plan import Group, Plan, Source, channel_of, sides_of
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
        boxes = tile(picture.shape, sides_of(source.fitting, READ_AT_ONCE)).blocks()
        by_channel: dict[str, list[Extent]] = {}
        for box in boxes:
            if should_stop():
                raise Stopped
            found = by_channel.setdefault(channel_of(source, box), [])
            values = source.fitted(picture.read(box.slices))
            if extent := measure_extent(values, source.letters):
                found.append(extent)
        extents = {key: _joined(found) for key, found in by_channel.items()}
        return _make_plan(source, picture, extents, task, data_range, seed, device, warm)


def _make_plan(
    source: Source,
    picture: LazyPicture,
    extents: dict[str, Extent],
    task: Task,
    data_range: float | None,
    seed: int,
    device: str,
    warm: bool,
) -> Plan:
    nominal = reduce(or_, extents.values()).nominal(picture.dtype)
    whole = float(nominal[1] - nominal[0] if data_range is None else data_range)
    groups, factors = {}, (1,) * len(source.axes)
    psf = source.psf()
    for key, extent in extents.items():
        values, mask = _sample(source, picture, key)
        job = prepare(
            values,
            task,
            axes=source.letters,
            mask=mask,
            data_range=whole,
            seed=seed,
            extent=extent,
            psf=psf,
        )
        groups[key] = Group(extent, job.task)
        finer = [b // a for a, b in zip(values.shape, job.result_shape, strict=True)]
        spread = dict(zip(source.kept, finer, strict=True))
        factors = tuple(spread.get(axis, 1) for axis in range(len(source.axes)))
    return Plan(source, groups, factors, whole, seed, device, warm)


def _joined(found: list[Extent]) -> Extent:
    """The extent of a picture, from those of its boxes."""
    if not found:
        raise UserError("image: it has no finite pixel")
    extent = reduce(or_, found)
    if extent.lowest == extent.highest:
        value = extent.lowest[0]
        raise UserError(f"image: every pixel is {value:g}; there is nothing to restore")
    return extent


def _sample(source: Source, picture: LazyPicture, channel: str) -> tuple[Array, Array | None]:
    """Boxes from all over a picture, one below the other, with their mask."""
    grid = cut(picture.shape, sides_of(source.fitting, SAMPLE), (0,) * len(picture.shape))
    boxes = [box for box in grid.blocks() if channel_of(source, box) == channel]
    with_mask = "mask" in source.sides
    if with_mask:  # there, what is missing is the matter
        boxes = [box for box in boxes if source.beside(box)["mask"].any()] or boxes
    chosen = np.random.default_rng(0).permutation(len(boxes))[:SAMPLES]
    some = [boxes[i] for i in sorted(chosen)]
    below = source.letters.index("Y")
    values = [source.fitted(picture.read(box.slices)) for box in some]
    masks = [source.beside(box)["mask"] for box in some] if with_mask else []
    return (
        np.concatenate(values, axis=below),
        np.concatenate(masks, axis=below) if with_mask else None,
    )
