"""A picture that is read box by box, with what is beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_dip.axes import Fitting
from napari_dip.blocks.beside import guide_axes, guide_over, mask_over
from napari_dip.blocks.cutting import Block
from napari_dip.file_restoration import READERS
from napari_dip.files import read_image
from napari_dip.files.lazy import LazyPicture, open_lazily
from napari_dip.tasks.base import Side

Array = NDArray[Any]

Given = Path | LazyPicture
"""A file, or a picture that is open: that of a layer, for items that stay in this process."""


@dataclass(frozen=True)
class Source:
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
    fitting: Fitting
    sides: Mapping[Side, Given]
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

    def open(self) -> LazyPicture:
        return _opened(self.picture, self.axes)

    def psf(self) -> Array | None:
        """The point spread function, if there is one."""
        given = self.sides.get("psf")
        if isinstance(given, LazyPicture):
            return given.read()
        return None if given is None else READERS["psf"](read_image(given))

    def fitted(self, values: Array) -> Array:
        """A box without the axes whose entries are fitted one by one."""
        return values[tuple(slice(None) if i in self.kept else 0 for i in range(values.ndim))]

    @cached_property
    def guide(self) -> Source | None:
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
        return Source(given, axes, Fitting(axes, each), {})

    def mask(self, block: Block) -> Array:
        """Where a box of the picture is missing, by the mask."""
        with _opened(self.sides["mask"]) as mask:
            missing = mask_over(mask, self.axes, block) != 0
        return self.fitted(missing != self.mask_keeps)

    def beside(self, block: Block) -> dict[str, Any]:
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
    return given.path if isinstance(given, LazyPicture) else given


def _opened(given: Given, axes: str | None = None) -> LazyPicture:
    return given if isinstance(given, LazyPicture) else open_lazily(given, axes)


def channel_of(source: Source, block: Block) -> str:
    """The group that a box belongs to."""
    return str(block.start[source.axes.index("C")]) if "C" in source.fitting.each else ""
