"""Boxes of arrays that are not read yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Crop:
    """A box of an array that is not read yet: NumPy, dask, zarr, ...

    It can be sliced as an array, and then a part of the box is read. `index` has an entry for each
    axis, or for the first ones.
    """

    data: Any = field(repr=False)
    index: tuple[slice | int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(taken) for taken in self._taken if isinstance(taken, range))

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.data.dtype)

    def __getitem__(self, slices: tuple[slice, ...]) -> Array:
        """A part of the box, with a slice for each of its axes."""
        parts = iter(slices)
        index: list[slice | int] = []
        for taken in self._taken:
            if isinstance(taken, range):
                part = taken[next(parts)]
                index.append(slice(part.start, part.stop))
            else:
                index.append(taken)
        return np.asarray(self.data[tuple(index)])

    def read(self) -> Array:
        """The box's values, as a copy: a layer that is painted on later does not change them."""
        return np.array(self.data[self.index])

    @property
    def _taken(self) -> list[range | int]:
        """What of each axis of the array is in the box."""
        shape = self.data.shape
        full: tuple[slice | int, ...] = (slice(None),) * (len(shape) - len(self.index))
        return [
            range(*entry.indices(length)) if isinstance(entry, slice) else entry
            for entry, length in zip((*self.index, *full), shape, strict=True)
        ]
