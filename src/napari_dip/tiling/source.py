"""An image that is read tile by tile, with its mask, guide and PSF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.axes import CHANNELS, AxisPlan
from napari_dip.data.grid import Tile, adjacent_grid
from napari_dip.data.masks import MaskRule, mask_rule, spread_note
from napari_dip.data.reading import Note, ReadingRecord
from napari_dip.errors import UserError
from napari_dip.files.inputs import ImageSource, InputFiles, is_lossy, opened, path_of
from napari_dip.files.lazy import LazyImage

Array = NDArray[Any]

_READ_AT_ONCE = 1024
"""Pixels of a mask along y and x that are in memory while its rule is found."""


@dataclass(frozen=True)
class TiledSource:
    """An image, the inputs that belong to it, and which of its axes are fitted together.

    Attributes
    ----------
    image
        The image: a path, or an open one.
    axes
        A letter for each axis of the image.
    axis_plan
        Which axes are fitted together.
    inputs
        Mask, guide and PSF.
    series
        Which of several images in the file, from 1 on.
    mask_rule
        How the mask's values mark pixels.
    """

    image: ImageSource
    axes: str
    axis_plan: AxisPlan
    inputs: InputFiles = field(default_factory=InputFiles)
    series: int | None = None
    mask_rule: MaskRule = field(default_factory=MaskRule)

    @property
    def path(self) -> Path:
        """The image's path, or the name of an open image."""
        return path_of(self.image)

    @property
    def fitted_axes(self) -> list[int]:
        """Numbers of the axes that are fitted together."""
        return [i for i, a in enumerate(self.axes) if a not in self.axis_plan.loop_axes]

    @property
    def letters(self) -> str:
        """A letter for each axis of the fit."""
        return "".join(self.axis_plan.fitted[i] for i in self.fitted_axes)

    @property
    def series_axis(self) -> str:
        """The loop axis along which neighbours resemble each other: T, else Z, else empty."""
        return next((a for a in "TZ" if a in self.axis_plan.loop_axes), "")

    def open(self) -> LazyImage:
        """Open the image."""
        return opened(self.image, self.axes, self.series)

    def readings(self) -> tuple[ReadingRecord, ...]:
        """The reading records of the image and its inputs."""
        found = []
        with self.open() as image:
            found.append(image.record.with_notes(*self.inputs.psf_notes(image.axes)))
        for name in self.inputs.given:
            if name == "psf":  # it is read whole, and mended if need be
                found.append(self.inputs.read(name).record)
            else:
                with self.inputs.open(name) as opened_input:
                    found.append(opened_input.record)
        return tuple(found)

    def channel_of(self, tile: Tile) -> str:
        """The channel of a tile where channels are fitted one by one, else an empty string."""
        if "C" not in self.axis_plan.loop_axes:
            return ""
        return str(tile.start[self.axes.index("C")])

    def without_loop_axes(self, values: Array) -> Array:
        """A tile's values as they are fitted: loop axes, which have a length of 1, are dropped."""
        kept = self.fitted_axes
        return values[tuple(slice(None) if i in kept else 0 for i in range(values.ndim))]

    @cached_property
    def guide(self) -> TiledSource | None:
        """The guide as an image of its own, if there is one.

        Raises
        ------
        UserError
            When its shape does not match the image's.
        """
        source = self.inputs.given.get("guide")
        if source is None:
            return None
        with self.open() as image, opened(source) as guide:
            axes = _guide_axes(guide, image, self.axes)
        fitted = [a for a in self.axes if a not in self.axis_plan.loop_axes]
        loop_axes = "".join(a for a in axes if a not in [*fitted, *CHANNELS])
        return TiledSource(source, axes, AxisPlan(axes, loop_axes))

    def mask(self, tile: Tile) -> Array:
        """True where the mask says that a tile's pixels are missing."""
        with self.inputs.open("mask") as mask:
            marked = _mask_of_tile(mask, self._mask_axes(mask), self.axes, tile, self.mask_rule)
        return self.without_loop_axes(marked != self.inputs.mask_keeps)

    def _mask_axes(self, mask: LazyImage) -> str:
        """A mask's letters; those of the image if its shape is the image's."""
        with self.open() as image:
            return self.axes if mask.shape == image.shape else mask.axes.letters

    def read_mask_rule(self) -> tuple[MaskRule, list[Note]]:
        """Read the whole mask once to find out how its values mark pixels.

        Raises
        ------
        UserError
            When its axes are not those of the image.
        """
        with self.inputs.open("mask") as mask:
            letters, shape = self._mask_axes(mask), mask.shape
            lacking = {"Y", "X"} - set(letters)
            if lacking:
                raise UserError(f"mask: it has the axes {letters} and no {sorted(lacking)[-1]}")
            if mask.dtype == bool:
                return MaskRule(), []
            sides = [
                _READ_AT_ONCE if a in "YX" else n if a == "S" else 1
                for a, n in zip(letters, shape, strict=True)
            ]
            boxes = adjacent_grid(shape, sides).tiles()
            rule, notes = mask_rule(
                lambda: (mask.read(box.slices) for box in boxes),
                letters,
                is_lossy=is_lossy(mask.path, mask.metadata),
                keeps=self.inputs.mask_keeps,
            )
        lengths = dict(zip(letters, shape, strict=True))
        with self.open() as image:
            for letter, n in zip(self.axes, image.shape, strict=True):
                if letter not in f"YX{CHANNELS}" and n > 1 and lengths.get(letter, 1) == 1:
                    notes.append(spread_note(letter))
        return rule, notes

    def inputs_of(self, tile: Tile) -> dict[str, Any]:
        """The mask, guide and PSF of a tile, as keywords of `prepare`."""
        inputs: dict[str, Any] = {}
        if "mask" in self.inputs.given:
            inputs["mask"] = self.mask(tile)
        if self.guide is not None:
            with self.guide.open() as guide:
                values, axes = _guide_of_tile(
                    guide, self.guide.axes, self.axes, tile, self.axis_plan.loop_axes
                )
            inputs |= {"guide": values, "guide_axes": axes.replace("T", "Z")}
        if "psf" in self.inputs.given:
            inputs["psf"] = self.inputs.read("psf").values
        return inputs


def _mask_of_tile(
    mask: LazyImage, mask_axes: str, letters: str, tile: Tile, rule: MaskRule
) -> Array:
    """Which pixels of a tile a mask marks, repeated along axes that it does not have."""
    slices = dict(zip(letters, tile.slices, strict=True))
    lengths = dict(zip(mask_axes, mask.shape, strict=True))
    # A length of 1 stands for all frames, slices or channels.
    box = [slice(None) if n == 1 else slices.get(a, slice(None)) for a, n in lengths.items()]
    values, own = mask.read(tuple(box)), "".join(lengths)
    values = rule.marked(values, own.index("S") if "S" in own else None)
    own = own.replace("S", "")
    kept = "".join(a for a in own if a in "YX" or lengths[a] > 1 or slices.get(a) == slice(0, 1))
    if not set(kept) <= set(letters):
        raise UserError(f"mask: expected axes among the image's {letters}, got {own}")
    values = values[tuple(slice(None) if a in kept else 0 for a in own)]
    try:
        return _spread(values, kept, dict(zip(letters, tile.shape, strict=True)))
    except ValueError:
        raise UserError(
            f"mask: its shape {mask.shape} is not the image's; make it as large as the image"
        ) from None


def _guide_axes(guide: LazyImage, image: LazyImage, letters: str) -> str:
    """Letters of a guide's axes, checked against an image and the letters of its axes.

    Channels and colours are the guide's own. Along T and Z a length of 1 stands for all frames
    or slices.

    Raises
    ------
    UserError
        When its shape is another.
    """
    if guide.shape == image.shape:
        return letters
    own = guide.axes.letters
    lengths = dict(zip(letters, image.shape, strict=True))
    for letter, length in zip(own, guide.shape, strict=True):
        is_one_for_all = letter not in f"YX{CHANNELS}" and length == 1
        if letter not in CHANNELS and not is_one_for_all and length != lengths.get(letter):
            raise UserError(
                f"guide: its shape {guide.shape} ({own}) does not match the image's "
                f"{image.shape} ({letters}); align and crop the two images to one size"
            )
    return own


def _guide_of_tile(
    guide: LazyImage, own: str, letters: str, tile: Tile, loop_axes: str
) -> tuple[Array, str]:
    """A tile of a guide with axes `own`, and the letters of the tile's axes.

    These are the image's axes of space in its order (`letters`), without `loop_axes`, then the
    guide's own channels. The guide is repeated along axes that it does not have.
    """
    slices = dict(zip(letters, tile.slices, strict=True))
    lengths = dict(zip(own, guide.shape, strict=True))
    values = guide.read(
        tuple(slice(None) if n == 1 or a in CHANNELS else slices[a] for a, n in lengths.items())
    )
    sides = dict(zip(letters, tile.shape, strict=True))
    sides = {a: n for a, n in sides.items() if a not in loop_axes and a not in CHANNELS}
    sides |= {a: n for a, n in lengths.items() if a in CHANNELS}
    # Along axes that are left out, and where one slice holds for all, the tile has a length of 1.
    kept = [a for a, n in zip(own, values.shape, strict=True) if sides.get(a) == n]
    values = values[tuple(slice(None) if a in kept else 0 for a in own)]
    return _spread(values, kept, sides), "".join(sides)


def _spread(values: Array, own: Sequence[str], sides: Mapping[str, int]) -> Array:
    """Values with axes of these names and lengths, repeated along those that they do not have."""
    order = [own.index(a) for a in sides if a in own]
    shape = [n if a in own else 1 for a, n in sides.items()]
    return np.broadcast_to(values.transpose(order).reshape(shape), tuple(sides.values()))
