"""Overlapping blocks that cover an array."""

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
        """What it is in the array."""
        return tuple(map(slice, self.start, self.stop))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))

    def scaled(self, factors: Sequence[int]) -> Tile:
        """The same box on a grid that is finer by these factors."""
        start = tuple(a * f for a, f in zip(self.start, factors, strict=True))
        return Tile(start, tuple(b * f for b, f in zip(self.stop, factors, strict=True)))

    def coarser(self, factors: Sequence[int]) -> Tile:
        """The box that covers this one on a grid that is coarser by these factors."""
        start = tuple(a // f for a, f in zip(self.start, factors, strict=True))
        return Tile(start, tuple(-(-b // f) for b, f in zip(self.stop, factors, strict=True)))

    def common(self, other: Tile) -> Tile | None:
        """The box that is in both."""
        start = tuple(map(max, self.start, other.start))
        stop = tuple(map(min, self.stop, other.stop))
        return Tile(start, stop) if all(map(int.__lt__, start, stop)) else None

    def core(self, shape: Sequence[int], overlaps: Sequence[int]) -> Tile:
        """The box up to the middle of its overlaps; to its end at the border of the array."""
        sides = zip(self.start, self.stop, shape, [o // 2 for o in overlaps], strict=True)
        pairs = [(a + half * (a > 0), b - half * (b < n)) for a, b, n, half in sides]
        return Tile(tuple(a for a, _ in pairs), tuple(b for _, b in pairs))

    def within(self, other: Tile) -> tuple[slice, ...]:
        """What this box is in an array that holds another."""
        start = other.start
        return tuple(
            slice(a - o, b - o) for a, b, o in zip(self.start, self.stop, start, strict=True)
        )


@dataclass(frozen=True)
class TileGrid:
    """Blocks of one size that cover an array.

    Attributes
    ----------
    spans
        Along each axis, where the blocks start and stop.
    """

    spans: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's."""
        return tuple(spans[-1][1] for spans in self.spans)

    def __len__(self) -> int:
        return math.prod(map(len, self.spans))

    def blocks(self) -> list[Tile]:
        """All of them, the last axis running fastest."""
        return [_block(spans) for spans in product(*self.spans)]

    def touching(self, box: Tile) -> list[Tile]:
        """Those that have something in common with a box."""
        near = [
            [span for span in spans if span[0] < stop and span[1] > start]
            for spans, start, stop in zip(self.spans, box.start, box.stop, strict=True)
        ]
        return [_block(spans) for spans in product(*near)]

    def scaled(self, factors: Sequence[int]) -> TileGrid:
        """The same blocks on a grid of pixels that is finer by these factors."""
        return TileGrid(
            tuple(
                tuple((a * f, b * f) for a, b in spans)
                for spans, f in zip(self.spans, factors, strict=True)
            )
        )


def cut(shape: Sequence[int], sides: Sequence[int], overlaps: Sequence[int]) -> TileGrid:
    """Cover an array with blocks of one size.

    Parameters
    ----------
    shape
        The array's.
    sides
        Of a block; an axis that is no longer is not cut.
    overlaps
        What neighbours have in common at least: blocks are spaced evenly.

    Raises
    ------
    UserError
        When blocks would not get ahead.
    """
    return TileGrid(tuple(map(_spans, shape, sides, overlaps)))


def tile(shape: Sequence[int], sides: Sequence[int]) -> TileGrid:
    """Cover an array with boxes that do not overlap; the last along an axis may be smaller."""
    return TileGrid(
        tuple(
            tuple((start, min(start + side, length)) for start in range(0, length, side))
            for length, side in zip(shape, sides, strict=True)
        )
    )


def _block(spans: tuple[tuple[int, int], ...]) -> Tile:
    return Tile(tuple(a for a, _ in spans), tuple(b for _, b in spans))


def _spans(length: int, side: int, overlap: int) -> tuple[tuple[int, int], ...]:
    if length <= side:
        return ((0, length),)
    if not 0 <= overlap < side:
        raise UserError(f"overlap: {overlap} must be from 0 up to below the block's {side} pixels")
    count = math.ceil((length - overlap) / (side - overlap))
    starts = np.linspace(0, length - side, count).round().astype(int).tolist()
    return tuple((start, start + side) for start in starts)
