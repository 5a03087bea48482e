"""How an image is divided into tiles, and what its tiles share: range, noise, settings, seed.

The file is long because options, request, plan and their record on disk change together.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.axes import AxisPlan
from napari_dip.data.encoding import measure_intensity_range
from napari_dip.data.grid import Tile, TileGrid, adjacent_grid, overlapping_grid
from napari_dip.data.masks import MaskRule, polarity_notes
from napari_dip.data.reading import Note, ReadingRecord, check_strict
from napari_dip.data.value_range import IntensityRange
from napari_dip.errors import UserError
from napari_dip.files.atomic import replacing
from napari_dip.files.lazy import LazyImage
from napari_dip.files.losses import notes_on_losses
from napari_dip.restoration.job import Job
from napari_dip.restoration.restore import prepare
from napari_dip.scheduling.item import Stopped
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import task_from_dict
from napari_dip.tiling.source import TiledSource

Array = NDArray[Any]

_TILE = 1024
"""Default side of a tile, in pixels along y and x."""

_TILE_3D = 256
"""Default side of a tile of a volume, in pixels along y and x."""

TILE_DEPTH = 64
"""Largest number of slices in a tile of a volume."""

SMALLEST_TILE = 32
"""Pixels along y and x of the smallest tile that a network can be fitted to."""

_OVERLAP = 1 / 8
"""Default overlap of neighbouring tiles, as a fraction of a tile's side."""


@dataclass(frozen=True)
class TilingOptions:
    """How an image is divided into frames, slices and tiles that are fitted one by one.

    Attributes
    ----------
    loop_axes
        Axes whose frames, slices or channels are fitted one by one, of T, C and Z: T if None,
        "" for none.
    tile
        Side of a tile along y and x, in pixels: 1024 if None, or 256 in 3-D, where a tile has 64
        slices at most.
    overlap
        Pixels along y and x that neighbouring tiles share; an eighth of `tile` if None.
    warm_start
        Each frame (or slice, where slices are fitted one by one) starts from the weights of the
        one before, and takes a fraction of the iterations.

    Raises
    ------
    UserError
        When the tile is too small, or the overlap is negative.

    Examples
    --------
    >>> from napari_dip import TilingOptions
    >>> options = TilingOptions(tile=512)
    >>> options.tile_side(is_volume=False), options.overlap_of(512)
    (512, 64)
    >>> TilingOptions().tile_side(is_volume=True)
    256
    """

    loop_axes: str | None = None
    tile: int | None = None
    overlap: int | None = None
    warm_start: bool = True

    def __post_init__(self) -> None:
        if self.tile is not None and self.tile < SMALLEST_TILE:
            raise UserError(f"tile: expected {SMALLEST_TILE} pixels or more, got {self.tile}")
        if self.overlap is not None and self.overlap < 0:
            raise UserError(f"overlap: expected 0 pixels or more, got {self.overlap}")

    @property
    def is_divided(self) -> bool:
        """Whether loop axes, a tile or an overlap are given."""
        return not (self.loop_axes is None and self.tile is None and self.overlap is None)

    def tile_side(self, *, is_volume: bool) -> int:
        """Side of a tile along y and x, in pixels."""
        return self.tile or (_TILE_3D if is_volume else _TILE)

    def overlap_of(self, side: int) -> int:
        """Pixels that neighbouring tiles of this side share."""
        return int(side * _OVERLAP) if self.overlap is None else self.overlap


@dataclass(frozen=True)
class TileLayout:
    """Tiles, and over how many pixels they fade into each other along each axis."""

    grid: TileGrid
    overlaps: tuple[int, ...]


def tile_layout(
    axis_plan: AxisPlan, shape: tuple[int, ...], side: int | None, overlap: int
) -> TileLayout:
    """Divide an image into tiles.

    Parameters
    ----------
    axis_plan, shape
        The image's axes, and their lengths.
    side
        Side of a tile along y and x, in pixels; along z a tile has as many slices, and 64 at most.
        If None, only loop axes are cut: planes and volumes stay whole.
    overlap
        Pixels along y and x that neighbouring tiles share.
    """
    if side is None:
        none = (0,) * len(shape)
        return TileLayout(overlapping_grid(shape, _box(axis_plan, {}), none), none)
    depth = min(side, TILE_DEPTH)
    sides = _box(axis_plan, {"Y": side, "X": side, "Z": depth})
    most = {"Y": overlap, "X": overlap, "Z": min(overlap, depth // 4)}
    overlaps = tuple(
        0 if own in axis_plan.loop_axes else most.get(letter, 0)
        for own, letter in zip(axis_plan.letters, axis_plan.fitted, strict=True)
    )
    return TileLayout(overlapping_grid(shape, sides, overlaps), overlaps)


def _box(axis_plan: AxisPlan, sides: Mapping[str, int]) -> tuple[int, ...]:
    """Shape of a box: 1 along loop axes, everything along axes that `sides` does not name."""
    letters = zip(axis_plan.letters, axis_plan.fitted, strict=True)
    return tuple(1 if own in axis_plan.loop_axes else sides.get(a, 10**9) for own, a in letters)


@dataclass(frozen=True)
class MosaicRequest:
    """One image to be restored tile by tile.

    Attributes
    ----------
    source
        The image and its inputs.
    output
        The OME-Zarr to write.
    task
        The task with its settings.
    name
        The image's name in the names of its tiles; the file's if empty.
    tile, overlap
        As in `tile_layout`.
    data_range, seed, device
        As in `restore`.
    warm_start
        As in `TilingOptions`.
    strict
        As in `restore`.
    typed
        The names of files as they were given, by their absolute paths.
    """

    source: TiledSource
    output: Path
    task: Task
    name: str = ""
    tile: int | None = None
    overlap: int = 0
    data_range: float | None = None
    seed: int = 0
    device: str = "auto"
    warm_start: bool = True
    strict: bool = False
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_warm_started(self) -> bool:
        """Whether there are frames or slices, and each starts from the weights of the last."""
        return self.warm_start and bool(self.source.series_axis)

    def record(self, image: LazyImage) -> dict[str, Any]:
        """All that decides the result, as JSON values: two runs with equal records are one run."""
        record = {
            "task": self.task.name,
            "settings": self.task.to_dict(),
            "source": str(self.source.path),
            "axes": self.source.axes,
            "loop_axes": self.source.axis_plan.loop_axes,
            "inputs": {name: str(path) for name, path in self.source.inputs.paths.items()},
            "mask_keeps": self.source.inputs.mask_keeps,
            "shape": image.shape,
            "dtype": str(image.dtype),
            "tile": self.tile,
            "overlap": self.overlap,
            "data_range": self.data_range,
            "seed": self.seed,
            "warm_start": self.is_warm_started,
        }
        if self.source.series is not None:
            record["series"] = self.source.series
        return _as_json(record)


@dataclass(frozen=True)
class PlanGroup:
    """Range and settings of one channel's tiles, or of all tiles if channels are fitted jointly.

    Attributes
    ----------
    intensity_range
        The range of the values in all tiles.
    task
        The task, with no setting left open.
    """

    intensity_range: IntensityRange
    task: Task


@dataclass(frozen=True)
class TilingPlan:
    """Range, settings and scale of all tiles of an image.

    Attributes
    ----------
    request
        The image and its inputs, seed and device.
    groups
        By the channel's number where channels are fitted one by one; else one group named "".
    guide_range
        The range of the guide's values, if there is a guide.
    factors
        How many times finer the result is along each axis.
    data_range
        From black to white, as in `restore`.
    readings
        The reading records of the image and its inputs.
    notes
        What was left out, changed or assumed when they were read.
    filled
        The part of the image that is missing, if the task fills that.
    dtype
        The dtype of the result; the image's if empty.
    """

    request: MosaicRequest
    groups: Mapping[str, PlanGroup]
    guide_range: IntensityRange | None
    factors: tuple[int, ...]
    data_range: float
    readings: tuple[ReadingRecord, ...] = ()
    notes: tuple[Note, ...] = ()
    filled: float | None = None
    dtype: str = ""

    @property
    def told(self) -> dict[str, Any]:
        """The fields of a result that the plan knows."""
        return {"notes": self.notes, "readings": self.readings, "filled": self.filled}

    @property
    def source(self) -> TiledSource:
        """The image and its inputs."""
        return self.request.source

    def group(self, tile: Tile) -> PlanGroup:
        """Range and settings of a tile."""
        return self.groups[self.source.channel_of(tile)]

    def job(self, tile: Tile, values: Array, task: Task | None = None) -> Job:
        """The fit of a tile, with these settings or those of its group."""
        group = self.group(tile)
        return prepare(
            self.source.without_loop_axes(values),
            task or group.task,
            axes=self.source.letters,
            data_range=self.data_range,
            device=self.request.device,
            seed=self.request.seed,
            intensity_range=group.intensity_range,
            guide_intensity_range=self.guide_range,
            dtype=np.dtype(self.dtype or values.dtype),
            **self.source.inputs_of(tile),
        )

    def to_dict(self) -> dict[str, Any]:
        """All that was measured and decided, as JSON values."""
        groups = {
            channel: {
                "intensity_range": asdict(group.intensity_range),
                "task": {"task": group.task.name, **group.task.to_dict()},
            }
            for channel, group in self.groups.items()
        }
        guide = None if self.guide_range is None else asdict(self.guide_range)
        shared = {"factors": self.factors, "data_range": self.data_range}
        read = {
            "reading": [record.to_dict() for record in self.readings],
            "notes": [note.to_dict() for note in self.notes],
            "mask_rule": self.source.mask_rule.to_dict(),
            "filled": self.filled,
            "dtype": self.dtype,
        }
        return {"groups": groups, "guide": guide, **shared, **read}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], request: MosaicRequest) -> Self:
        """The plan that `to_dict` wrote, for the request that it was made for."""
        groups = {
            channel: PlanGroup(
                _range_from_dict(_renamed(group)["intensity_range"]), task_from_dict(group["task"])
            )
            for channel, group in values["groups"].items()
        }
        guide_range = None if values["guide"] is None else _range_from_dict(values["guide"])
        rule = MaskRule.from_dict(values.get("mask_rule", {}))
        request = replace(request, source=replace(request.source, mask_rule=rule))
        return cls(
            request,
            groups,
            guide_range,
            tuple(values["factors"]),
            values["data_range"],
            # Plans of earlier versions have none of these.
            tuple(map(ReadingRecord.from_dict, values.get("reading", ()))),
            tuple(map(Note.from_dict, values.get("notes", ()))),
            values.get("filled"),
            values.get("dtype", ""),
        )


def _range_from_dict(values: Mapping[str, Any]) -> IntensityRange:
    return IntensityRange(**{name: tuple(value) for name, value in values.items()})


_SAMPLE = {"Y": 256, "X": 256, "Z": 16}
"""Shape of a sample of the image, in pixels."""

_SAMPLES = 16
"""Samples from all over the image, on which noise and open settings are decided."""

_READ_AT_ONCE = {"Y": 1024, "X": 1024, "Z": 16}
"""Pixels along each axis that are in memory while the intensity range is measured."""


def make_plan(
    request: MosaicRequest, should_stop: Callable[[], bool] = lambda: False
) -> TilingPlan:
    """Read an image once, and decide what all of its tiles share.

    Raises
    ------
    UserError
        When the image is empty, or the settings do not go with it, or `strict` refuses a note.
    Stopped
        When `should_stop`, which is asked all along, said so.
    """
    source, task = request.source, request.task
    readings = tuple(record.renamed(request.typed) for record in source.readings())
    notes = [note for record in readings for note in record.notes]
    with source.open() as image:
        shape = image.shape if source.axes.endswith("S") else (1,)
        about: dict[str, Any] = {"dtype": image.dtype, "axes": source.axes, "samples": shape[-1]}
        losses = notes_on_losses(image.metadata, request.output, **about)
        notes += (note.renamed(request.typed) for note in losses)
    if "mask" in source.inputs.given:
        rule, found = source.read_mask_rule()
        source = replace(source, mask_rule=rule)
        request, notes = replace(request, source=source), notes + found
    check_strict(notes, strict=request.strict)  # the image is not read for nothing
    with source.open() as image:
        if source.axis_plan.depth == "Z":
            task = task.with_anisotropy(image.axes)
        guide_range = None
        if source.guide is not None:
            with source.guide.open() as guide:
                guide_range = _measure_ranges("guide", source.guide, guide, should_stop)[""]
        ranges = _measure_ranges("image", source, image, should_stop)
        black, white = reduce(or_, ranges.values()).nominal(image.dtype)
        data_range = float(white - black if request.data_range is None else request.data_range)
        groups, factors, dtype = {}, (1,) * len(source.axes), ""
        for channel, intensity_range in ranges.items():
            values, inputs = _sample(source, image, channel)
            job = prepare(
                values,
                task,
                axes=source.letters,
                data_range=data_range,
                seed=request.seed,
                intensity_range=intensity_range,
                guide_intensity_range=guide_range,
                **inputs,
            )
            groups[channel] = PlanGroup(intensity_range, job.task)
            if job.encoding.dtype != image.dtype:
                dtype = str(job.encoding.dtype)
            notes += (note for note in job.notes if note not in notes)
            finer = [b // a for a, b in zip(values.shape, job.result_shape, strict=True)]
            by_axis = dict(zip(source.fitted_axes, finer, strict=True))
            factors = tuple(by_axis.get(axis, 1) for axis in range(len(source.axes)))
        missing = None
        if task.fills_missing or "mask" in source.inputs.given:
            missing = _missing_share(source, image, should_stop)
            if "mask" in source.inputs.given:
                notes += polarity_notes(missing, keeps=source.inputs.mask_keeps)
    check_strict(notes, strict=request.strict)
    return TilingPlan(
        request,
        groups,
        guide_range,
        factors,
        data_range,
        readings,
        tuple(notes),
        missing if task.fills_missing else None,
        dtype,
    )


def _missing_share(source: TiledSource, image: LazyImage, should_stop: Callable[[], bool]) -> float:
    """The part of an image that is missing, by its mask or because it is not finite."""
    missing, count = 0.0, 0
    for box in adjacent_grid(image.shape, _box(source.axis_plan, _READ_AT_ONCE)).tiles():
        if should_stop():
            raise Stopped
        gone = np.zeros((1,) * len(source.letters), bool)
        if "mask" in source.inputs.given:
            gone = source.mask(box)
        if image.dtype.kind == "f":
            gone = gone | ~np.isfinite(source.without_loop_axes(image.read(box.slices)))
        missing += float(gone.mean()) * math.prod(box.shape)
        count += math.prod(box.shape)
    return missing / count


def _measure_ranges(
    name: str, source: TiledSource, image: LazyImage, should_stop: Callable[[], bool]
) -> dict[str, IntensityRange]:
    """The range of an image's values, for each channel that is fitted by itself."""
    by_channel: dict[str, list[IntensityRange]] = {}
    for box in adjacent_grid(image.shape, _box(source.axis_plan, _READ_AT_ONCE)).tiles():
        if should_stop():
            raise Stopped
        found = by_channel.setdefault(source.channel_of(box), [])
        values = source.without_loop_axes(image.read(box.slices))
        if measured := measure_intensity_range(values, source.letters):
            found.append(measured)
    return {channel: _joined(name, found) for channel, found in by_channel.items()}


def _joined(name: str, found: list[IntensityRange]) -> IntensityRange:
    """The range of an image, from the ranges of its boxes."""
    if not found:
        raise UserError(f"{name}: it has no finite pixel")
    joined = reduce(or_, found)
    if joined.lowest == joined.highest:
        value = joined.lowest[0]
        what = "restore" if name == "image" else "follow"
        raise UserError(f"{name}: every pixel is {value:g}; there is nothing to {what}")
    return joined


def _sample(source: TiledSource, image: LazyImage, channel: str) -> tuple[Array, dict[str, Any]]:
    """Boxes from all over an image, joined along y, and their inputs as keywords of `prepare`."""
    grid = overlapping_grid(image.shape, _box(source.axis_plan, _SAMPLE), (0,) * len(image.shape))
    boxes = [box for box in grid.tiles() if source.channel_of(box) == channel]
    if "mask" in source.inputs.given:  # only where pixels are missing can a fill be decided on
        boxes = [box for box in boxes if source.mask(box).any()] or boxes
    chosen = np.random.default_rng(0).permutation(len(boxes))[:_SAMPLES]
    some = [boxes[i] for i in sorted(chosen)]
    values = [source.without_loop_axes(image.read(box.slices)) for box in some]
    inputs = [source.inputs_of(box) for box in some]
    joined = dict(inputs[0])
    for name, axes in (("mask", source.letters), ("guide", joined.get("guide_axes", ""))):
        if name in joined:
            joined[name] = np.concatenate([one[name] for one in inputs], axis=axes.index("Y"))
    return np.concatenate(values, axis=source.letters.index("Y")), joined


_PLAN_FILE = "plan.json"
"""Name of the file, in the folder of an unfinished result, that holds its request and plan."""

_FORMER_KEYS = {
    "each": "loop_axes",
    "block": "tile",
    "sides": "inputs",
    "warm": "warm_start",
    "extent": "intensity_range",
}
"""Keys of records that earlier versions wrote."""


def write_plan(folder: Path, request: Mapping[str, Any], plan: TilingPlan) -> None:
    """Record the request and the plan of an unfinished result."""
    folder.mkdir(parents=True)
    record = {"request": request, "decided": plan.to_dict()}
    with replacing(folder / _PLAN_FILE) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n")


def unfinished_plan(folder: Path, request: Mapping[str, Any]) -> Any:
    """The plan that `write_plan` recorded for the same request, as JSON values, or None."""
    try:
        record = json.loads((folder / _PLAN_FILE).read_text())
    except (OSError, ValueError):
        return None
    return record["decided"] if _is_same(record["request"], request) else None


def finished_plan(output: Path, request: Mapping[str, Any]) -> Any:
    """The plan in a finished result of the same request, as JSON values, or None."""
    try:
        record = json.loads((output / "zarr.json").read_text())["attributes"]["napari-dip"]
        return record if _is_same(record["request"], request) else None
    except (OSError, ValueError, KeyError):
        return None


def _is_same(recorded: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Whether a recorded request, perhaps of an earlier version, is this one."""
    recorded = _renamed(recorded)
    try:
        task = task_from_dict({"task": recorded["task"], **recorded["settings"]})
    except (UserError, KeyError, TypeError):
        return False
    return _as_json(recorded | {"settings": task.to_dict()}) == request


def _renamed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with today's keys."""
    return {_FORMER_KEYS.get(key, key): value for key, value in record.items()}


def _as_json(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as it will be read: tuples become lists."""
    values: dict[str, Any] = json.loads(json.dumps(record))
    return values
