"""How what is asked for is divided: which axes are fitted together, and in which blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from napari_dip.data.axes import AxisPlan
from napari_dip.errors import UserError
from napari_dip.tiling.plan import DEPTH, Layout, blocks_for
from napari_dip.tiling.restore import BLOCK, BLOCK_3D, LEAST, OVERLAP
from napari_dip.ui.layers.source import LayerSource, axis_letters

Start = tuple[int, ...]
"""Where a frame, a slice or a block begins, along each axis of the array."""


LARGEST = 2048
"""Pixels along the longer side of a plane that is fitted as a whole, if memory allows."""


ONE = {"T": "frame", "Z": "slice", "C": "channel"}
"""What an entry of an axis is called."""


@dataclass(frozen=True)
class Partition:
    """How a source is divided.

    Attributes
    ----------
    fitting
        Which of its axes are fitted together.
    shape
        Of its array.
    block
        Pixels along y and x of a block; None where planes and volumes are fitted as a whole.
    """

    fitting: AxisPlan
    shape: tuple[int, ...]
    block: int | None

    @property
    def letters(self) -> str:
        """One for each axis of the array."""
        return self.fitting.letters

    @property
    def overlap(self) -> int:
        """Pixels along y and x that neighbouring blocks share."""
        return 0 if self.block is None else int(self.block * OVERLAP)

    @property
    def is_divided(self) -> bool:
        """Whether there are several parts."""
        return self.block is not None or bool(self.each)

    @property
    def each(self) -> tuple[int, ...]:
        """The axes with several entries that are fitted one by one."""
        pairs = enumerate(zip(self.letters, self.shape, strict=True))
        return tuple(i for i, (a, n) in pairs if a in self.fitting.each and n > 1)

    @cached_property
    def blocks(self) -> int:
        """Their number in each frame or slice."""
        spans = self._layout.grid.spans
        count = 1
        for letter, along in zip(self.letters, spans, strict=True):
            count *= 1 if letter in self.fitting.each else len(along)
        return count

    @property
    def words(self) -> str:
        """Such as "4 frames one by one, 3 colours jointly; 12 blocks each"; empty for a picture."""
        fitting = self.fitting.words(self.shape)
        told = [] if fitting == "one picture" else [fitting]
        if self.blocks > 1:
            told.append(f"{self.blocks} blocks of {self.block}{' each' if self.each else ''}")
        return "; ".join(told)

    def start_of(self, position: Sequence[int]) -> Start:
        """Where the frame or slice begins that a pixel is in, or the nearest to it."""
        start = [0] * len(self.shape)
        for axis in self.each:
            start[axis] = int(np.clip(position[axis], 0, self.shape[axis] - 1))
        return tuple(start)

    def place(self, start: Start) -> str:
        """A frame or slice in words, such as "frame 3 of 20"."""
        return ", ".join(
            f"{ONE[self.letters[i]]} {start[i] + 1} of {self.shape[i]}" for i in self.each
        )

    @cached_property
    def _layout(self) -> Layout:
        return blocks_for(self.fitting, self.shape, self.block, self.overlap)


def divide(source: LayerSource, block: int, *, fits: bool) -> Partition:
    """Decide how a source is divided.

    Parameters
    ----------
    source
        What is restored; its axes that are not space are gone through.
    block
        Pixels along y and x of a block; 0 to have it decided.
    fits
        Whether memory suffices for a plane or volume as a whole.

    Raises
    ------
    UserError
        When that can't be done.
    """
    letters = axis_letters(source.name, source.frame["axis_labels"], source.space, rgb=source.rgb)
    each = "".join(a for i, a in enumerate(letters) if i not in source.space and a != "S")
    shape = tuple(b - a for a, b in zip(source.start, source.stop, strict=True))
    if source.rgb:
        shape = (*shape, source.crop.shape[-1])
    return Partition(AxisPlan(letters, each), shape, _block(source, block, fits))


def block_sides(sides: tuple[int, ...], block: int | None) -> tuple[int, ...]:
    """Of what is fitted at once: a block, or a plane or volume as a whole."""
    if block is None:
        return sides
    most = (min(block, DEPTH), block, block)[-len(sides) :]
    return tuple(map(min, sides, most))


def _block(source: LayerSource, block: int, fits: bool) -> int | None:
    is_volume = len(source.sides) == 3
    longest = max(source.sides[-2:])
    if block:
        if block < LEAST:
            raise UserError(f"block: {block} pixels are too few; {LEAST} are the least, 0 is auto")
        return block if block_sides(source.sides, block) != source.sides else None
    if fits and longest <= LARGEST:
        return None
    side = BLOCK_3D if is_volume else BLOCK
    while not fits and side >= longest and side > 2 * LEAST:
        side //= 2
    return side
