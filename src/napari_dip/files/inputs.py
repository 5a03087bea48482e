"""Files of the inputs that a task takes in addition to the image: mask, guide and PSF."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.masks import read_mask
from napari_dip.data.reading import ReadingRecord
from napari_dip.errors import UserError
from napari_dip.files.image_file import JPEG_SUFFIXES, read_image
from napari_dip.files.lazy import LazyImage, open_lazily
from napari_dip.files.zarr_images import is_zarr
from napari_dip.tasks.base import InputName, Task

Array = NDArray[Any]

ImageSource = Path | LazyImage
"""A file, or an open image such as that of a napari layer."""


@dataclass(frozen=True)
class InputArray:
    """A mask, guide or PSF as it was read.

    Attributes
    ----------
    values
        The array, as `restore` takes it.
    record
        What its file announces, what was read, and notes about the difference.
    axes
        The letters of its axes, if they are known.
    """

    values: Array
    record: ReadingRecord = field(default_factory=ReadingRecord)
    axes: str | None = None


@dataclass(frozen=True)
class InputFiles:
    """The files of mask, guide and PSF.

    Attributes
    ----------
    mask, guide, psf
        A path, an open image, or None.
    mask_keeps
        The mask marks the pixels that are known instead of those that are missing.

    Raises
    ------
    UserError
        When `mask_keeps` is given without a mask.
    """

    mask: str | os.PathLike[str] | LazyImage | None = None
    guide: str | os.PathLike[str] | LazyImage | None = None
    psf: str | os.PathLike[str] | LazyImage | None = None
    mask_keeps: bool = False

    def __post_init__(self) -> None:
        if self.mask_keeps and self.mask is None:
            raise UserError("mask_keeps: there is no mask to invert; give a mask too")

    @property
    def given(self) -> dict[InputName, ImageSource]:
        """The inputs that there are, by name."""
        inputs: dict[InputName, str | os.PathLike[str] | LazyImage | None]
        inputs = {"mask": self.mask, "guide": self.guide, "psf": self.psf}
        return {
            name: value if isinstance(value, LazyImage) else Path(value)
            for name, value in inputs.items()
            if value is not None
        }

    @property
    def paths(self) -> dict[InputName, Path]:
        """The paths of the inputs; an open image has its name for one."""
        return {name: path_of(source) for name, source in self.given.items()}

    def missing(self, task: Task) -> list[InputName]:
        """The inputs that a task needs and that are not given."""
        return [name for name in task.needs if name not in self.given]

    def absolute(self) -> Self:
        """The same files by absolute paths."""
        files = {n: s.absolute() for n, s in self.given.items() if isinstance(s, Path)}
        return self._with(files)

    def for_image(self, name: Path) -> Self:
        """The files for one image of many: the one of its name, where a folder is given."""
        files = {
            which: source / name
            for which, source in self.given.items()
            if isinstance(source, Path) and source.is_dir() and not is_zarr(source)
        }
        return self._with(files)

    def _with(self, files: Mapping[InputName, Path]) -> Self:
        options: dict[str, Any] = {str(name): path for name, path in files.items()}
        return replace(self, **options)

    def open(self, name: InputName) -> LazyImage:
        """Open an input without reading its pixels.

        Raises
        ------
        FileError
            When it can't be read.
        """
        return opened(self.given[name])

    def read(self, name: InputName) -> InputArray:
        """Read a whole input, as `restore` takes it.

        Raises
        ------
        FileError
            When it can't be read.
        """
        source = self.given[name]
        if isinstance(source, LazyImage):
            array, letters, record = source.read(), source.axes.letters, source.record
        else:
            file = read_image(source)
            array, letters, record = file.data, file.axes, file.record
        if name == "mask":
            marked, notes = read_mask(
                array, letters, is_lossy=is_lossy(path_of(source)), keeps=self.mask_keeps
            )
            return InputArray(marked != self.mask_keeps, record.with_notes(*notes))
        if name == "psf" and letters.endswith("S"):
            array = _grey(array)
        return InputArray(array, record, letters if name == "guide" else None)

    def read_all(self) -> dict[InputName, InputArray]:
        """Read all inputs that there are, by name."""
        return {name: self.read(name) for name in self.given}


def path_of(source: ImageSource) -> Path:
    """The path of a file, or the name of an open image."""
    return source.path if isinstance(source, LazyImage) else source


def opened(source: ImageSource, axes: str | None = None, series: int | None = None) -> LazyImage:
    """An open image, from a file whose axes have these letters, and of several the one named."""
    return source if isinstance(source, LazyImage) else open_lazily(source, axes, series=series)


def is_lossy(path: Path) -> bool:
    """Whether a file's compression changes values a little, as JPEG's does."""
    return path.suffix.lower() in JPEG_SUFFIXES


def _grey(colours: Array) -> Array:
    """The grey values of colours (..., samples), whatever their transparency."""
    has_alpha = colours.shape[-1] in (2, 4)
    return np.asarray((colours[..., :-1] if has_alpha else colours).mean(axis=-1))
