"""An OME-Zarr image that is written chunk by chunk (OME-NGFF 0.5).

Source: https://ngff.openmicroscopy.org/0.5/
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip import __version__
from napari_dip.axes import Axes
from napari_dip.blocks.cutting import Block, tile
from napari_dip.files.destination import FileError, reason

CHUNK = {"Z": 16, "Y": 512, "X": 512}
"""Pixels in a chunk along each axis; one of any other axis."""

SMALLEST_LEVEL = 512
"""The longest side in y and x at which a pyramid ends."""

KINDS = {"T": "time", "C": "channel"}

RED_GREEN_BLUE = ("FF0000", "00FF00", "0000FF")


class Store:
    """An image in a Zarr group, with axes in OME's order.

    Parameters
    ----------
    path
        Of the group.
    axes
        In the order T, C, Z, Y, X, as far as they are there.
    """

    def __init__(self, path: Path, axes: Axes) -> None:
        self.path, self.axes = path, axes

    def create(self, shape: Sequence[int], dtype: np.dtype[Any], *, colour: bool) -> None:
        """Begin an empty image, in place of what is there.

        Raises
        ------
        FileError
            When there is no room, or no right to.
        """
        import zarr

        try:
            if self.path.exists():
                shutil.rmtree(self.path)
            group = zarr.open_group(self.path, mode="w", zarr_format=3)
            self._add(group, 0, shape, dtype)
            group.attrs.put({"ome": self._metadata(1, colour)})
        except OSError as error:
            raise FileError(f"{self.path}: can't be written ({reason(error)})") from error

    @property
    def array(self) -> Any:
        """The finest level."""
        import zarr

        return zarr.open_group(self.path, mode="r+")["0"]

    def chunks(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Sides of a chunk."""
        sides = (CHUNK.get(letter, 1) for letter in self.axes.letters)
        return tuple(map(min, sides, shape))

    def write(self, block: Block, values: NDArray[Any]) -> None:
        """Write whole chunks.

        Raises
        ------
        FileError
            When there is no room.
        """
        try:
            self.array[block.slices] = values
        except OSError as error:
            raise FileError(f"{self.path}: can't be written ({reason(error)})") from error

    def finish(self, report: dict[str, Any]) -> None:
        """Add the coarser levels, and what is on record of the restoration."""
        import zarr

        try:
            group: Any = zarr.open_group(self.path, mode="r+")
            level = 0
            while self._longest(group[f"{level}"].shape) > SMALLEST_LEVEL:
                self._halve(group, level)
                level += 1
            told: Any = dict(group.attrs)["ome"]
            told["multiscales"][0]["datasets"] = self._datasets(level + 1)
            group.attrs.put({"ome": told, "napari-dip": report})
        except OSError as error:
            raise FileError(f"{self.path}: can't be written ({reason(error)})") from error

    def _longest(self, shape: Sequence[int]) -> int:
        return max(n for a, n in zip(self.axes.letters, shape, strict=True) if a in "YX")

    def _add(self, group: Any, level: int, shape: Sequence[int], dtype: np.dtype[Any]) -> Any:
        return group.create_array(
            str(level),
            shape=tuple(shape),
            chunks=self.chunks(shape),
            dtype=dtype,
            dimension_names=[letter.lower() for letter in self.axes.letters],
            overwrite=True,
        )

    def _halve(self, group: Any, level: int) -> None:
        """Add a level whose pixels are means of 2 x 2 (at odd borders of fewer)."""
        fine = group[str(level)]
        steps = tuple(2 if letter in "YX" else 1 for letter in self.axes.letters)
        shape = tuple(-(-n // s) for n, s in zip(fine.shape, steps, strict=True))
        coarse = self._add(group, level + 1, shape, fine.dtype)
        for block in tile(shape, self.chunks(shape)).blocks():
            values = fine[block.scaled(steps).slices]
            coarse[block.slices] = halved(values, steps)

    def _datasets(self, levels: int) -> list[dict[str, Any]]:
        datasets = []
        for level in range(levels):
            factors = [2**level if a in "YX" else 1 for a in self.axes.letters]
            pairs = list(zip(self.axes.scale, factors, strict=True))
            # Pixels' centres: a coarse one lies in the middle of those that it is the mean of.
            origin = self.axes.origin
            shift = [s * (f - 1) / 2 + o for (s, f), o in zip(pairs, origin, strict=True)]
            transformations = [
                {"type": "scale", "scale": [s * f for s, f in pairs]},
                {"type": "translation", "translation": shift},
            ]
            datasets.append({"path": str(level), "coordinateTransformations": transformations})
        return datasets

    def _metadata(self, levels: int, colour: bool) -> dict[str, Any]:
        axes = []
        for letter, unit in zip(self.axes.letters, self.axes.units, strict=True):
            axis = {"name": letter.lower(), "type": KINDS.get(letter, "space")}
            axes.append({**axis, "unit": unit} if unit else axis)
        image = {"name": self.axes.name or self.path.name.partition(".")[0], "axes": axes}
        told: dict[str, Any] = {
            "version": "0.5",
            "multiscales": [{**image, "datasets": self._datasets(levels)}],
            "_creator": {"name": "napari-dip", "version": __version__},
        }
        names = ("red", "green", "blue") if colour else self.axes.channels
        if names:
            colours = RED_GREEN_BLUE if colour else ("FFFFFF",) * len(names)
            pairs = zip(names, colours, strict=True)
            told["omero"] = {"channels": [{"label": n, "color": c} for n, c in pairs]}
        return told


def halved(values: NDArray[Any], steps: Sequence[int]) -> NDArray[Any]:
    """Means over boxes of these sides; at the far borders over what is there."""
    out = values.astype(np.float64)
    for axis, step in enumerate(steps):
        if step > 1:
            starts = np.arange(0, out.shape[axis], step)
            counts = np.minimum(starts + step, out.shape[axis]) - starts
            sums = np.add.reduceat(out, starts, axis=axis)
            out = sums / counts.reshape([-1 if i == axis else 1 for i in range(out.ndim)])
    return (np.rint(out) if values.dtype.kind in "ui" else out).astype(values.dtype)
