"""A picture that is read box by box, with its mask, guide and PSF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.axes import CHANNELS, AxisPlan
from napari_dip.data.grid import Tile
from napari_dip.errors import UserError
from napari_dip.files.image_file import read_image
from napari_dip.files.lazy import LazyImage, open_lazily
from napari_dip.restoration.files import READERS
from napari_dip.tasks.base import InputName

Array = NDArray[Any]


def mask_over(mask: LazyImage, letters: str, block: Tile) -> Array:
    """A mask's box, not zero where it marks pixels, spread over the axes that it does not have."""
    slices = dict(zip(letters, block.slices, strict=True))
    own = mask.axes.letters
    values = mask.read(tuple(slices.get(letter, slice(None)) for letter in own))
    if "S" in own and "S" not in letters:
        colours = values[..., :-1] if values.shape[-1] in (2, 4) else values
        values, own = (colours != 0).any(axis=-1), own.replace("S", "")
    if not set(own) <= set(letters):
        raise UserError(f"mask: its axes {own} are not the picture's {letters}; give it the same")
    try:
        return _spread(values, own, dict(zip(letters, block.shape, strict=True)))
    except ValueError:
        raise UserError(
            f"mask: its shape {mask.shape} is not the picture's; make it as large as the picture"
        ) from None


def guide_axes(guide: LazyImage, picture: LazyImage, letters: str) -> str:
    """The letters of a guide's axes, checked against a picture and the letters of its.

    Channels and colours are the guide's own. Along T and Z it may have one entry for all.

    Raises
    ------
    UserError
        When its shape is another.
    """
    if guide.shape == picture.shape:
        return letters
    own = guide.axes.letters
    lengths = dict(zip(letters, picture.shape, strict=True))
    for letter, length in zip(own, guide.shape, strict=True):
        is_one_for_all = letter in "TZ" and length == 1
        if letter not in CHANNELS and not is_one_for_all and length != lengths.get(letter):
            raise UserError(
                f"guide: its shape {guide.shape} ({own}) does not match the picture's "
                f"{picture.shape} ({letters}); align and crop the two pictures to one size"
            )
    return own


def guide_over(
    guide: LazyImage, own: str, letters: str, block: Tile, each: str
) -> tuple[Array, str]:
    """A guide's box, spread over the axes that it does not have, and the letters of its axes.

    Parameters
    ----------
    guide, own
        The guide, and the letters of its axes.
    letters, block
        Those of the picture's, and the box in it.
    each
        The axes that are left out, for their entries are fitted one by one.

    Returns
    -------
    values, axes
        The picture's axes of space in its order, then the guide's own channels.
    """
    slices = dict(zip(letters, block.slices, strict=True))
    lengths = dict(zip(own, guide.shape, strict=True))
    values = guide.read(
        tuple(slice(None) if n == 1 or a in CHANNELS else slices[a] for a, n in lengths.items())
    )
    sides = dict(zip(letters, block.shape, strict=True))
    sides = {a: n for a, n in sides.items() if a not in each and a not in CHANNELS}
    sides |= {a: n for a, n in lengths.items() if a in CHANNELS}
    # What is left out, or holds for all, has one entry in the box.
    kept = [a for a, n in zip(own, values.shape, strict=True) if sides.get(a) == n]
    values = values[tuple(slice(None) if a in kept else 0 for a in own)]
    return _spread(values, kept, sides), "".join(sides)


def _spread(values: Array, own: Sequence[str], sides: Mapping[str, int]) -> Array:
    """Values over axes of these lengths, in this order: alike along those that they do not have."""
    order = [own.index(a) for a in sides if a in own]
    shape = [n if a in own else 1 for a, n in sides.items()]
    return np.broadcast_to(values.transpose(order).reshape(shape), tuple(sides.values()))


Given = Path | LazyImage
"""A file, or a picture that is open: that of a layer, for items that stay in this process."""


@dataclass(frozen=True)
class TiledPicture:
    """A picture, with what is beside it, and how it is to be fitted.

    Attributes
    ----------
    picture, axes
        The picture, and the letters of its axes.
    fitting
        Which axes are fitted together.
    sides
        Mask, guide and PSF.
    mask_keeps
        The mask marks what is known.
    """

    picture: Given
    axes: str
    fitting: AxisPlan
    sides: Mapping[InputName, Given]
    mask_keeps: bool = False

    @property
    def path(self) -> Path:
        """The picture's, or its name."""
        return _path(self.picture)

    @property
    def names(self) -> dict[str, str]:
        """What is beside the picture, by what it is for."""
        return {side: str(_path(given)) for side, given in self.sides.items()}

    @property
    def kept(self) -> list[int]:
        """The axes that are fitted."""
        return [i for i, a in enumerate(self.axes) if a not in self.fitting.each]

    @property
    def series(self) -> str:
        """The axis along which entries that are fitted one by one resemble each other."""
        return next((a for a in "TZ" if a in self.fitting.each), "")

    @property
    def letters(self) -> str:
        """Of the axes that are fitted."""
        return "".join(self.fitting.fitted[i] for i in self.kept)

    def open(self) -> LazyImage:
        return _opened(self.picture, self.axes)

    def psf(self) -> Array | None:
        """The point spread function, if there is one."""
        given = self.sides.get("psf")
        if isinstance(given, LazyImage):
            return given.read()
        return None if given is None else READERS["psf"](read_image(given))

    def fitted(self, values: Array) -> Array:
        """A box without the axes whose entries are fitted one by one."""
        return values[tuple(slice(None) if i in self.kept else 0 for i in range(values.ndim))]

    @cached_property
    def guide(self) -> TiledPicture | None:
        """The guide as a picture of its own, if there is one.

        Raises
        ------
        UserError
            When its shape does not match the picture's.
        """
        given = self.sides.get("guide")
        if given is None:
            return None
        with self.open() as picture, _opened(given) as guide:
            axes = guide_axes(guide, picture, self.axes)
        joint = [a for a in self.axes if a not in self.fitting.each]
        each = "".join(a for a in axes if a in "TZ" and a not in joint)
        return TiledPicture(given, axes, AxisPlan(axes, each), {})

    def mask(self, block: Tile) -> Array:
        """Where a box of the picture is missing, by the mask."""
        with _opened(self.sides["mask"]) as mask:
            missing = mask_over(mask, self.axes, block) != 0
        return self.fitted(missing != self.mask_keeps)

    def beside(self, block: Tile) -> dict[str, Any]:
        """What is given beside a box of the picture, as `prepare` takes it."""
        given: dict[str, Any] = {}
        if "mask" in self.sides:
            given["mask"] = self.mask(block)
        if self.guide is not None:
            with self.guide.open() as guide:
                values, axes = guide_over(
                    guide, self.guide.axes, self.axes, block, self.fitting.each
                )
            given |= {"guide": values, "guide_axes": axes.replace("T", "Z")}
        if (psf := self.psf()) is not None:
            given["psf"] = psf
        return given


def _path(given: Given) -> Path:
    return given.path if isinstance(given, LazyImage) else given


def _opened(given: Given, axes: str | None = None) -> LazyImage:
    return given if isinstance(given, LazyImage) else open_lazily(given, axes)


def channel_of(source: TiledPicture, block: Tile) -> str:
    """The group that a box belongs to."""
    return str(block.start[source.axes.index("C")]) if "C" in source.fitting.each else ""
