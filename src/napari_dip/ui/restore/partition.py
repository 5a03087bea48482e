"""How a source is divided: its loop axes, the axes that are fitted together, and the tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from napari_dip.data.axes import AxisPlan, describe_planes
from napari_dip.errors import UserError
from napari_dip.tiling.plan import SMALLEST_TILE, TILE_DEPTH, TileLayout, TilingOptions, tile_layout
from napari_dip.ui.layers.source import LayerSource, axis_letters

Start = tuple[int, ...]
"""The first pixel of a frame, a slice or a tile, along each axis of the array."""

LARGEST_WHOLE = 2048
"""Longest side in pixels of a plane that is fitted as a whole, if memory suffices."""

_FRAME_NAMES = {"T": "frame", "Z": "slice", "C": "channel"}
"""What one step along a loop axis is called."""


@dataclass(frozen=True)
class Partition:
    """How a source is divided into fits.

    A frame here is what is left of the source at one place of all loop axes: an image or a volume.

    Attributes
    ----------
    axis_plan
        Which axes are fitted together.
    shape
        The shape of the source's array.
    tile
        Side of a tile along y and x in pixels; None where frames are fitted as a whole.
    """

    axis_plan: AxisPlan
    shape: tuple[int, ...]
    tile: int | None

    @property
    def letters(self) -> str:
        """One letter for each axis of the array."""
        return self.axis_plan.letters

    @property
    def overlap(self) -> int:
        """Pixels along y and x that neighbouring tiles share."""
        return 0 if self.tile is None else TilingOptions().overlap_of(self.tile)

    @property
    def is_tiled(self) -> bool:
        """Whether there are several fits, the result of which goes to an OME-Zarr."""
        return self.tile is not None or bool(self.loop_axes)

    @property
    def loop_axes(self) -> tuple[int, ...]:
        """The axes along which there are several frames."""
        pairs = enumerate(zip(self.letters, self.shape, strict=True))
        return tuple(i for i, (a, n) in pairs if a in self.axis_plan.loop_axes and n > 1)

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return int(np.prod([self.shape[axis] for axis in self.loop_axes]))

    @cached_property
    def tiles_per_frame(self) -> int:
        """Number of tiles in each frame."""
        spans = zip(self.letters, self._layout.grid.spans, strict=True)
        return int(np.prod([len(s) for a, s in spans if a not in self.axis_plan.loop_axes]))

    @property
    def plural(self) -> str:
        """What the fits restore: tiles, or frames, slices or channels as a whole."""
        if self.tiles_per_frame > 1 or len(self.loop_axes) != 1:
            return "tiles" if self.tiles_per_frame > 1 else "images"
        return describe_planes(self.letters[self.loop_axes[0]])

    @property
    def words(self) -> str:
        """The partition in words, such as "4 frames one by one; 12 tiles of 1024 each".

        Empty for a single image.
        """
        fitted = self.axis_plan.words(self.shape)
        words = [] if fitted == "one image" else [fitted]
        if self.tiles_per_frame > 1:
            each = " each" if self.loop_axes else ""
            words.append(f"{self.tiles_per_frame} tiles of {self.tile}{each}")
        return "; ".join(words)

    def frame_start(self, position: Sequence[int]) -> Start:
        """Where the frame begins that contains a pixel, or is nearest to it."""
        start = [0] * len(self.shape)
        for axis in self.loop_axes:
            start[axis] = int(np.clip(position[axis], 0, self.shape[axis] - 1))
        return tuple(start)

    def frame_name(self, start: Start) -> str:
        """A frame in words, such as "frame 3 of 20, slice 1 of 5"; empty without loop axes."""
        return ", ".join(
            f"{_FRAME_NAMES.get(letter, letter)} {start[i] + 1} of {self.shape[i]}"
            for i, letter in enumerate(self.letters)
            if i in self.loop_axes
        )

    @cached_property
    def _layout(self) -> TileLayout:
        return tile_layout(self.axis_plan, self.shape, self.tile, self.overlap)


def partition_of(source: LayerSource, tile: int, *, fits: bool) -> Partition:
    """Decide how a source is divided.

    Parameters
    ----------
    source
        What is restored; its axes that are not space are loop axes.
    tile
        Side of a tile along y and x in pixels; 0 decides automatically.
    fits
        Whether memory suffices for a frame as a whole.

    Raises
    ------
    UserError
        When tiles are too small, or there are more axes than letters.
    """
    letters = axis_letters(source.name, source.world["axis_labels"], source.space, rgb=source.rgb)
    loop_axes = "".join(a for i, a in enumerate(letters) if i not in source.space and a != "S")
    shape = tuple(b - a for a, b in zip(source.start, source.stop, strict=True))
    if source.rgb:
        shape = (*shape, source.crop.shape[-1])
    return Partition(AxisPlan(letters, loop_axes), shape, _tile_side(source, tile, fits))


def tile_shape(sides: tuple[int, ...], tile: int | None) -> tuple[int, ...]:
    """The shape of what is fitted at once: a tile, or a plane or volume as a whole."""
    if tile is None:
        return sides
    most = (min(tile, TILE_DEPTH), tile, tile)[-len(sides) :]
    return tuple(map(min, sides, most))


def _tile_side(source: LayerSource, tile: int, fits: bool) -> int | None:
    """The side of a tile in pixels; None where a frame is fitted as a whole."""
    is_volume = len(source.sides) == 3
    longest = max(source.sides[-2:])
    if tile:
        if tile < SMALLEST_TILE:
            raise UserError(
                f"tile: expected {SMALLEST_TILE} pixels or more, or 0 for automatic, got {tile}"
            )
        return tile if tile_shape(source.sides, tile) != source.sides else None
    if fits and longest <= LARGEST_WHOLE:
        return None
    side = TilingOptions().tile_side(is_volume=is_volume)
    while not fits and side >= longest and side > 2 * SMALLEST_TILE:
        side //= 2
    return side
