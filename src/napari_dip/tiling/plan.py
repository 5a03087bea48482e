"""What all tiles of a picture share, decided once: value range, noise level, settings, seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.axes import AxisPlan
from napari_dip.data.encoding import measure_intensity_range
from napari_dip.data.grid import Tile, TileGrid, cut, tile
from napari_dip.data.value_range import IntensityRange
from napari_dip.errors import UserError
from napari_dip.files.atomic import replacing
from napari_dip.files.lazy import LazyImage
from napari_dip.restoration.files import with_anisotropy
from napari_dip.restoration.job import Job
from napari_dip.restoration.restore import prepare
from napari_dip.scheduling.item import Stopped
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import task_from_dict
from napari_dip.tiling.source import TiledPicture, channel_of

DEPTH = 64
"""Slices of a block of a volume."""


Array = NDArray[Any]


@dataclass(frozen=True)
class PlanGroup:
    """What blocks of one channel (or of all, if they are fitted jointly) share."""

    intensity_range: IntensityRange
    task: Task
    """Nothing is left open."""


@dataclass(frozen=True)
class TilingPlan:
    """What all blocks of a picture share.

    Attributes
    ----------
    source
        The picture.
    groups
        By the channel's number, if channels are fitted one by one; else one group, of "".
    guide
        How far the guide's values reach, if there is one.
    factors
        How many times finer the result is along each axis.
    data_range, seed, device
        As in `restore`.
    warm
        Each frame starts from the weights of the one before.
    """

    source: TiledPicture
    groups: Mapping[str, PlanGroup]
    guide: IntensityRange | None
    factors: tuple[int, ...]
    data_range: float
    seed: int
    device: str
    warm: bool

    def group(self, block: Tile) -> PlanGroup:
        return self.groups[channel_of(self.source, block)]

    def job(self, block: Tile, values: Array, task: Task | None = None) -> Job:
        """The fit of a block with these settings, by default those of its group."""
        group = self.group(block)
        return prepare(
            self.source.fitted(values),
            task or group.task,
            axes=self.source.letters,
            data_range=self.data_range,
            device=self.device,
            seed=self.seed,
            intensity_range=group.intensity_range,
            guide_intensity_range=self.guide,
            **self.source.beside(block),
        )

    def decided(self) -> dict[str, Any]:
        """What was decided, as JSON values."""
        groups = {
            key: {
                "extent": asdict(group.intensity_range),
                "task": {"task": group.task.name, **group.task.to_dict()},
            }
            for key, group in self.groups.items()
        }
        guide = None if self.guide is None else asdict(self.guide)
        shared = {"factors": self.factors, "data_range": self.data_range}
        return {"groups": groups, "guide": guide, **shared}

    @classmethod
    def restored(
        cls, source: TiledPicture, decided: Mapping[str, Any], *, seed: int, device: str, warm: bool
    ) -> Self:
        """The plan that `decided` tells of."""
        groups = {
            key: PlanGroup(_range_from_json(group["extent"]), task_from_dict(group["task"]))
            for key, group in decided["groups"].items()
        }
        guide = None if decided["guide"] is None else _range_from_json(decided["guide"])
        factors = tuple(decided["factors"])
        return cls(source, groups, guide, factors, decided["data_range"], seed, device, warm)


def _range_from_json(told: Mapping[str, Any]) -> IntensityRange:
    """An intensity range from its JSON values."""
    return IntensityRange(**{name: tuple(values) for name, values in told.items()})


def sides_of(fitting: AxisPlan, joint: Mapping[str, int]) -> tuple[int, ...]:
    """Sides of a box: one pixel along axes that are gone through, all of the others not named."""
    letters = zip(fitting.letters, fitting.fitted, strict=True)
    return tuple(1 if own in fitting.each else joint.get(a, 10**9) for own, a in letters)


@dataclass(frozen=True)
class Layout:
    """Blocks, and over how many pixels they fade into each other along each axis."""

    grid: TileGrid
    overlaps: tuple[int, ...]


def blocks_for(
    fitting: AxisPlan, shape: tuple[int, ...], block: int | None, overlap: int
) -> Layout:
    """Cut a picture into blocks: of `block` pixels along y and x, and as suits along z.

    Without `block` only the axes are cut whose entries are fitted one by one.
    """
    if block is None:
        return Layout(cut(shape, sides_of(fitting, {}), (0,) * len(shape)), (0,) * len(shape))
    depth = min(block, DEPTH)
    sides = sides_of(fitting, {"Y": block, "X": block, "Z": depth})
    most = {"Y": overlap, "X": overlap, "Z": min(overlap, depth // 4)}
    overlaps = tuple(
        0 if own in fitting.each else most.get(letter, 0)
        for own, letter in zip(fitting.letters, fitting.fitted, strict=True)
    )
    return Layout(cut(shape, sides, overlaps), overlaps)


SAMPLE = {"Y": 256, "X": 256, "Z": 16}


SAMPLES = 16
"""Boxes from all over a picture that stand for it when settings and noise are decided."""


READ_AT_ONCE = {"Y": 1024, "X": 1024, "Z": 16}
"""Pixels along each axis, when the whole picture is gone over for its intensity range."""


def make_plan(
    source: TiledPicture,
    task: Task,
    *,
    data_range: float | None,
    seed: int,
    device: str,
    warm: bool,
    should_stop: Callable[[], bool] = lambda: False,
) -> TilingPlan:
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
                guide = _intensity_ranges("guide", source.guide, beside, should_stop)[""]
        ranges = _intensity_ranges("image", source, picture, should_stop)
        return _make_plan(source, picture, ranges, guide, task, data_range, seed, device, warm)


def _intensity_ranges(
    name: str, source: TiledPicture, picture: LazyImage, should_stop: Callable[[], bool]
) -> dict[str, IntensityRange]:
    """How far a picture's values reach, by the group of channels."""
    by_channel: dict[str, list[IntensityRange]] = {}
    for box in tile(picture.shape, sides_of(source.fitting, READ_AT_ONCE)).blocks():
        if should_stop():
            raise Stopped
        found = by_channel.setdefault(channel_of(source, box), [])
        values = source.fitted(picture.read(box.slices))
        if intensity_range := measure_intensity_range(values, source.letters):
            found.append(intensity_range)
    return {key: _joined(name, found) for key, found in by_channel.items()}


def _make_plan(
    source: TiledPicture,
    picture: LazyImage,
    ranges: dict[str, IntensityRange],
    guide: IntensityRange | None,
    task: Task,
    data_range: float | None,
    seed: int,
    device: str,
    warm: bool,
) -> TilingPlan:
    nominal = reduce(or_, ranges.values()).nominal(picture.dtype)
    whole = float(nominal[1] - nominal[0] if data_range is None else data_range)
    groups, factors = {}, (1,) * len(source.axes)
    for key, intensity_range in ranges.items():
        values, beside = _sample(source, picture, key)
        job = prepare(
            values,
            task,
            axes=source.letters,
            data_range=whole,
            seed=seed,
            intensity_range=intensity_range,
            guide_intensity_range=guide,
            **beside,
        )
        groups[key] = PlanGroup(intensity_range, job.task)
        finer = [b // a for a, b in zip(values.shape, job.result_shape, strict=True)]
        spread = dict(zip(source.kept, finer, strict=True))
        factors = tuple(spread.get(axis, 1) for axis in range(len(source.axes)))
    return TilingPlan(source, groups, guide, factors, whole, seed, device, warm)


def _joined(name: str, found: list[IntensityRange]) -> IntensityRange:
    """The intensity range of a picture, from those of its boxes."""
    if not found:
        raise UserError(f"{name}: it has no finite pixel")
    intensity_range = reduce(or_, found)
    if intensity_range.lowest == intensity_range.highest:
        value = intensity_range.lowest[0]
        what = "restore" if name == "image" else "follow"
        raise UserError(f"{name}: every pixel is {value:g}; there is nothing to {what}")
    return intensity_range


def _sample(source: TiledPicture, picture: LazyImage, channel: str) -> tuple[Array, dict[str, Any]]:
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


PLAN = "plan.json"
"""In the folder of what is under way."""


def request_of(source: TiledPicture, task: Task, **options: Any) -> dict[str, Any]:
    """What tells a run from another one, as JSON values: the picture, the task, and all options."""
    request = {
        "task": task.name,
        "settings": task.to_dict(),
        "source": str(source.path),
        "axes": source.axes,
        "each": source.fitting.each,
        "sides": source.names,
        "mask_keeps": source.mask_keeps,
        **options,
    }
    told: dict[str, Any] = json.loads(json.dumps(request))  # tuples become lists, as when read
    return told


def recorded(output: Path) -> Any:
    """The request that a finished result tells of."""
    try:
        attributes = json.loads((output / "zarr.json").read_text())["attributes"]
        return attributes["napari-dip"]["request"]
    except (OSError, ValueError, KeyError):
        return None


def begun(parts: Path, output: Path, request: dict[str, Any]) -> dict[str, Any] | None:
    """What was decided for an unfinished result with the same request."""
    try:
        told = json.loads((parts / PLAN).read_text())
    except (OSError, ValueError):
        return None
    same = told["request"] == request and output.exists()
    return told["decided"] if same else None


def begin(parts: Path, request: dict[str, Any], decided: dict[str, Any]) -> None:
    """Put on record what was decided."""
    parts.mkdir(parents=True)
    with replacing(parts / PLAN) as temporary:
        temporary.write_text(json.dumps({"request": request, "decided": decided}, indent=2) + "\n")
