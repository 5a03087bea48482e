"""A box of an array that is not read yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Crop:
    """A box of an array (NumPy, dask, zarr, ...), which is read when it is indexed.

    Attributes
    ----------
    data
        The array.
    index
        A slice or a whole number for each of its axes, or for the first ones.
    is_mask
        Read whether values are not zero, instead of the values.
    """

    data: Any = field(repr=False)
    index: tuple[slice | int, ...]
    is_mask: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the box."""
        return tuple(len(taken) for taken in self._taken if isinstance(taken, range))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data type of what is read."""
        return np.dtype(bool if self.is_mask else self.data.dtype)

    def __getitem__(self, slices: tuple[slice, ...]) -> Array:
        """Read a part of the box, with a slice for each of its axes."""
        parts = iter(slices)
        index: list[slice | int] = []
        for taken in self._taken:
            if isinstance(taken, range):
                part = taken[next(parts)]
                index.append(slice(part.start, part.stop))
            else:
                index.append(taken)
        return self._converted(np.asarray(self.data[tuple(index)]))

    def read(self) -> Array:
        """Read the box into a copy, which a layer that is painted on later does not change."""
        return self._converted(np.array(self.data[self.index]))

    def _converted(self, values: Array) -> Array:
        return np.asarray(values != 0) if self.is_mask else values

    @property
    def _taken(self) -> list[range | int]:
        """The range or the place that the box has along each axis of the array."""
        shape = self.data.shape
        full: tuple[slice | int, ...] = (slice(None),) * (len(shape) - len(self.index))
        return [
            range(*entry.indices(length)) if isinstance(entry, slice) else entry
            for entry, length in zip((*self.index, *full), shape, strict=True)
        ]
