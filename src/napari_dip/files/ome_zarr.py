"""OME-Zarr images (OME-NGFF 0.5), written chunk by chunk with their pyramid.

Source: https://ngff.openmicroscopy.org/0.5/
"""

from __future__ import annotations

import math
import shutil
import threading
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip._version import __version__
from napari_dip.data.axes import Axes
from napari_dip.data.grid import Tile, adjacent_grid
from napari_dip.files.atomic import writing
from napari_dip.files.metadata import DEFAULT_COLOUR

CHUNK_SIDES = {"Z": 16, "Y": 512, "X": 512}
"""Pixels in a chunk along each axis; 1 along any other axis."""

_SMALLEST_LEVEL = 512
"""Pixels along the longer of y and x, at and below which there is no coarser level."""

_MOST_LEVELS = 10
"""Largest number of levels: the side of a chunk, 512, can be halved nine times."""

_AXIS_TYPES = {"T": "time", "C": "channel", **dict.fromkeys("ZYX", "space")}
"""Types of axes in OME-Zarr; one of another letter has none."""

_RED_GREEN_BLUE = ("FF0000", "00FF00", "0000FF")


class OmeZarrStore:
    """An image with its coarser levels in a Zarr group.

    Parameters
    ----------
    path
        The folder of the group.
    axes
        The axes, in the order T, C, Z, Y, X of OME; another letter has the place of C.
    loop_axes
        Axes that are gone through one by one: a chunk has a length of 1 along them.
    """

    def __init__(self, path: Path, axes: Axes, loop_axes: Collection[str] = "") -> None:
        self.path, self.axes, self._loop_axes = path, axes, loop_axes
        # The window may read while a run writes.
        self._lock = threading.Lock()

    def create(self, shape: Sequence[int], dtype: np.dtype[Any], *, colour: bool) -> None:
        """Begin an empty image, in place of what is at the path.

        Raises
        ------
        FileError
            When the disk is full or read-only.
        """
        import zarr

        with writing(self.path):
            if self.path.exists():
                shutil.rmtree(self.path)
            group = zarr.open_group(self.path, mode="w", zarr_format=3)
            shapes = self._shapes(shape)
            for level, sides in enumerate(shapes):
                self._add(group, level, sides, dtype)
            group.attrs.put({"ome": self._metadata(len(shapes), dtype, colour)})

    @cached_property
    def levels(self) -> tuple[Any, ...]:
        """The arrays of all levels, the finest first."""
        import zarr

        group: Any = zarr.open_group(self.path, mode="r+")
        return tuple(group[str(level)] for level in range(len(list(group.array_keys()))))

    @property
    def array(self) -> Any:
        """The array of the finest level."""
        return self.levels[0]

    def factors(self, level: int) -> tuple[int, ...]:
        """Pixels of the finest level in one of this level, along each axis."""
        return tuple(2**level if letter in "YX" else 1 for letter in self.axes.letters)

    def chunks(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of a chunk."""
        sides = (1 if a in self._loop_axes else CHUNK_SIDES.get(a, 1) for a in self.axes.letters)
        return tuple(map(min, sides, shape))

    def read(self, level: int, box: Tile) -> NDArray[Any]:
        """Read a box of a level."""
        with self._lock:
            values: NDArray[Any] = self.levels[level][box.slices]
        return values

    def write(self, box: Tile, values: NDArray[Any]) -> None:
        """Write whole chunks of the finest level, and their means to the coarser levels.

        Raises
        ------
        FileError
            When the disk is full.
        """
        steps = self.factors(1)
        with writing(self.path), self._lock:
            self.levels[0][box.slices] = values
            for coarser in self.levels[1:]:
                # Whole chunks begin and end at borders of pixels of every level.
                box, values = box.coarser(steps), _box_means(values, steps)
                coarser[box.slices] = values

    def finish(self, report: dict[str, Any]) -> None:
        """Write how the image was made, and the range of values to display.

        Raises
        ------
        FileError
            When the disk is full.
        """
        import zarr

        with writing(self.path):
            attributes = zarr.open_group(self.path, mode="r+").attrs
            ome: Any = dict(attributes)["ome"]
            for channel, (low, high) in zip(
                ome.get("omero", {}).get("channels", []), self._ranges(), strict=False
            ):
                window = channel["window"]
                reach = {"min": min(low, window["min"]), "max": max(high, window["max"])}
                window |= {"start": low, "end": high, **reach}
            attributes.update({"ome": ome, "napari-dip": report})

    def _ranges(self) -> list[tuple[float, float]]:
        """The least and the greatest value of each channel, at the coarsest level."""
        coarsest = self.levels[-1]
        c = self.axes.letters.find("C")
        ranges = [(math.inf, -math.inf)] * (coarsest.shape[c] if c >= 0 else 1)
        for box in adjacent_grid(coarsest.shape, self.chunks(coarsest.shape)).tiles():
            values = coarsest[box.slices]
            known = values[np.isfinite(values)]
            if known.size:
                channel = box.slices[c].start if c >= 0 else 0
                low, high = ranges[channel]
                ranges[channel] = min(low, float(known.min())), max(high, float(known.max()))
        return [(0.0, 1.0) if low > high else (low, high) for low, high in ranges]

    def _shapes(self, shape: Sequence[int]) -> list[tuple[int, ...]]:
        """The shapes of all levels; odd lengths are rounded up."""
        shapes = [tuple(shape)]
        while self._longest(shapes[-1]) > _SMALLEST_LEVEL and len(shapes) < _MOST_LEVELS:
            pairs = zip(shapes[-1], self.factors(1), strict=True)
            shapes.append(tuple(-(-n // s) for n, s in pairs))
        return shapes

    def _longest(self, shape: Sequence[int]) -> int:
        return max(n for a, n in zip(self.axes.letters, shape, strict=True) if a in "YX")

    def _add(self, group: Any, level: int, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
        group.create_array(
            str(level),
            shape=tuple(shape),
            chunks=self.chunks(shape),
            dtype=dtype,
            dimension_names=[letter.lower() for letter in self.axes.letters],
            overwrite=True,
        )

    def _datasets(self, levels: int) -> list[dict[str, Any]]:
        datasets = []
        for level in range(levels):
            pairs = list(zip(self.axes.scale, self.factors(level), strict=True))
            # The centre of a coarse pixel is the middle of the fine pixels that it is the mean of.
            origin = self.axes.origin
            shift = [s * (f - 1) / 2 + o for (s, f), o in zip(pairs, origin, strict=True)]
            transformations = [
                {"type": "scale", "scale": [s * f for s, f in pairs]},
                {"type": "translation", "translation": shift},
            ]
            datasets.append({"path": str(level), "coordinateTransformations": transformations})
        return datasets

    def _metadata(self, levels: int, dtype: np.dtype[Any], colour: bool) -> dict[str, Any]:
        axes = []
        for letter, unit in zip(self.axes.letters, self.axes.units, strict=True):
            axis = {"name": letter.lower()}
            if letter in _AXIS_TYPES:
                axis["type"] = _AXIS_TYPES[letter]
            axes.append({**axis, "unit": unit} if unit else axis)
        image = {"name": self.axes.name or self.path.name.partition(".")[0], "axes": axes}
        ome: dict[str, Any] = {
            "version": "0.5",
            "multiscales": [{**image, "datasets": self._datasets(levels)}],
            "_creator": {"name": "napari-dip", "version": __version__},
        }
        names, colours = self.axes.channels, self.axes.colours
        if colour:
            names, colours = ("red", "green", "blue"), _RED_GREEN_BLUE
        count = max(len(names), len(colours))
        if count:
            pairs = zip(names or ("",) * count, colours or (DEFAULT_COLOUR,) * count, strict=True)
            channels = [{"label": n, "color": c, "window": _window(dtype)} for n, c in pairs]
            ome["omero"] = {"channels": channels}
        return ome


def _window(dtype: np.dtype[Any]) -> dict[str, float]:
    """The range of values that a dtype can have, displayed in full until `finish`."""
    least, most = (0.0, 1.0)
    if dtype.kind in "ui":
        least, most = float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
    return {"min": least, "max": most, "start": least, "end": most}


def _box_means(values: NDArray[Any], steps: Sequence[int]) -> NDArray[Any]:
    """Means over boxes of these sides; boxes at the far borders may be smaller."""
    out = values.astype(np.float64)
    for axis, step in enumerate(steps):
        if step > 1:
            starts = np.arange(0, out.shape[axis], step)
            counts = np.minimum(starts + step, out.shape[axis]) - starts
            sums = np.add.reduceat(out, starts, axis=axis)
            out = sums / counts.reshape([-1 if i == axis else 1 for i in range(out.ndim)])
    return (np.rint(out) if values.dtype.kind in "ui" else out).astype(values.dtype)
