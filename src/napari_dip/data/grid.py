"""Tiles, and grids of tiles that cover an array, with or without overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from napari_dip.errors import UserError


@dataclass(frozen=True)
class Tile:
    """A box in an array: from `start` up to `stop`, along all of its axes."""

    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def slices(self) -> tuple[slice, ...]:
        """The tile as an index into the array."""
        return tuple(map(slice, self.start, self.stop))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))

    def scaled(self, factors: Sequence[int]) -> Tile:
        """The tile in the pixels of an array that is finer by these factors."""
        start = tuple(a * f for a, f in zip(self.start, factors, strict=True))
        return Tile(start, tuple(b * f for b, f in zip(self.stop, factors, strict=True)))

    def coarser(self, factors: Sequence[int]) -> Tile:
        """The smallest tile that covers this one in an array that is coarser by these factors."""
        start = tuple(a // f for a, f in zip(self.start, factors, strict=True))
        return Tile(start, tuple(-(-b // f) for b, f in zip(self.stop, factors, strict=True)))

    def intersection(self, other: Tile) -> Tile | None:
        """The box that is in both tiles, or None if they do not touch."""
        start = tuple(map(max, self.start, other.start))
        stop = tuple(map(min, self.stop, other.stop))
        return Tile(start, stop) if all(map(int.__lt__, start, stop)) else None

    def core(self, shape: Sequence[int], overlaps: Sequence[int]) -> Tile:
        """The tile without half of each overlap; it keeps its sides at the array's border."""
        sides = zip(self.start, self.stop, shape, [o // 2 for o in overlaps], strict=True)
        pairs = [(a + half * (a > 0), b - half * (b < n)) for a, b, n, half in sides]
        return Tile(tuple(a for a, _ in pairs), tuple(b for _, b in pairs))

    def slices_within(self, other: Tile) -> tuple[slice, ...]:
        """The tile as an index into the values of a tile that contains it."""
        start = other.start
        return tuple(
            slice(a - o, b - o) for a, b, o in zip(self.start, self.stop, start, strict=True)
        )


@dataclass(frozen=True)
class TileGrid:
    """Tiles of one size that cover an array.

    Attributes
    ----------
    spans
        Start and stop of the tiles along each axis.
    """

    spans: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return tuple(spans[-1][1] for spans in self.spans)

    def __len__(self) -> int:
        return math.prod(map(len, self.spans))

    def tiles(self) -> list[Tile]:
        """All tiles, the last axis running fastest."""
        return [_tile(spans) for spans in product(*self.spans)]

    def touching(self, box: Tile) -> list[Tile]:
        """The tiles that have at least one pixel in common with a box."""
        near = [
            [span for span in spans if span[0] < stop and span[1] > start]
            for spans, start, stop in zip(self.spans, box.start, box.stop, strict=True)
        ]
        return [_tile(spans) for spans in product(*near)]

    def scaled(self, factors: Sequence[int]) -> TileGrid:
        """The tiles in the pixels of an array that is finer by these factors."""
        return TileGrid(
            tuple(
                tuple((a * f, b * f) for a, b in spans)
                for spans, f in zip(self.spans, factors, strict=True)
            )
        )


def overlapping_grid(
    shape: Sequence[int], sides: Sequence[int], overlaps: Sequence[int]
) -> TileGrid:
    """Cover an array with evenly spaced tiles of one size.

    Parameters
    ----------
    shape
        Shape of the array.
    sides
        Shape of a tile; an axis that is not longer than its side is not divided.
    overlaps
        Least number of pixels that neighbours share, along each axis.

    Raises
    ------
    UserError
        When an overlap is negative or as large as the tile.

    Examples
    --------
    >>> overlapping_grid((100,), (40,), (10,)).spans
    (((0, 40), (30, 70), (60, 100)),)
    """
    return TileGrid(tuple(map(_spans, shape, sides, overlaps)))


def adjacent_grid(shape: Sequence[int], sides: Sequence[int]) -> TileGrid:
    """Cover an array with tiles that do not overlap; the last along an axis may be smaller."""
    return TileGrid(
        tuple(
            tuple((start, min(start + side, length)) for start in range(0, length, side))
            for length, side in zip(shape, sides, strict=True)
        )
    )


def _tile(spans: tuple[tuple[int, int], ...]) -> Tile:
    return Tile(tuple(a for a, _ in spans), tuple(b for _, b in spans))


def _spans(length: int, side: int, overlap: int) -> tuple[tuple[int, int], ...]:
    if length <= side:
        return ((0, length),)
    if not 0 <= overlap < side:
        raise UserError(f"overlap: expected less than the tile's {side} pixels, got {overlap}")
    count = math.ceil((length - overlap) / (side - overlap))
    starts = np.linspace(0, length - side, count).round().astype(int).tolist()
    return tuple((start, start + side) for start in starts)
