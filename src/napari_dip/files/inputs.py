"""Files of the inputs that a task takes in addition to the image: mask, guide and PSF."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isclose
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.axes import SPACE_LETTERS, Axes
from napari_dip.data.masks import read_mask
from napari_dip.data.reading import Note, NoteKind, ReadingRecord
from napari_dip.errors import UserError
from napari_dip.files.image_file import JPEG_SUFFIXES, read_image
from napari_dip.files.lazy import LazyImage, open_lazily
from napari_dip.files.metadata import Metadata
from napari_dip.files.zarr_images import is_zarr
from napari_dip.tasks.base import InputName, Task

Array = NDArray[Any]

_SAME_SIZE = 0.02
"""Relative difference up to which two sizes of pixels are one."""

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
            lossy = is_lossy(source.path, source.metadata)
        else:
            file = read_image(source)
            array, letters, record = file.data, file.axes, file.record
            lossy = is_lossy(source, file.metadata)
        if name == "mask":
            marked, notes = read_mask(array, letters, is_lossy=lossy, keeps=self.mask_keeps)
            return InputArray(marked != self.mask_keeps, record.with_notes(*notes))
        if name == "psf" and letters.endswith("S"):
            array, notes = _grey(array)
            record = record.with_notes(*notes)
        return InputArray(array, record, letters if name == "guide" else None)

    def psf_notes(self, image: Axes) -> list[Note]:
        """A note if the PSF's file says that its pixels are of another size than the image's."""
        if "psf" not in self.given:
            return []
        with self.open("psf") as opened_psf:
            psf = opened_psf.axes
        sizes = dict(zip(psf.letters, zip(psf.scale, psf.units, strict=True), strict=True))
        words = []
        for letter, size, unit in zip(image.letters, image.scale, image.units, strict=True):
            own, own_unit = sizes.get(letter, (size, ""))
            is_known = letter in SPACE_LETTERS and unit and unit == own_unit
            if is_known and not isclose(own, size, rel_tol=_SAME_SIZE):
                words.append(f"{own:.3g} {unit} along {letter} where the image's are {size:.3g}")
        if not words:
            return []
        text = f"its pixels are {' and '.join(words)}; it is not resampled"
        return [Note(NoteKind.ASSUMED, "psf", text)]

    def read_all(self) -> dict[InputName, InputArray]:
        """Read all inputs that there are, by name."""
        return {name: self.read(name) for name in self.given}


def path_of(source: ImageSource) -> Path:
    """The path of a file, or the name of an open image."""
    return source.path if isinstance(source, LazyImage) else source


def opened(source: ImageSource, axes: str | None = None, series: int | None = None) -> LazyImage:
    """An open image, from a file whose axes have these letters, and of several the one named."""
    return source if isinstance(source, LazyImage) else open_lazily(source, axes, series=series)


def is_lossy(path: Path, metadata: Metadata) -> bool:
    """Whether a file's compression changes values a little, as JPEG's does."""
    return path.suffix.lower() in JPEG_SUFFIXES or metadata.tiff.get("compression") == "jpeg"


def _grey(colours: Array) -> tuple[Array, list[Note]]:
    """The grey values of a PSF in colours (..., samples), whatever their transparency."""
    plain = colours[..., :-1] if colours.shape[-1] in (2, 4) else colours
    notes = []
    if bool((plain != plain[..., :1]).any()):
        text = "it is in colour, and the mean of its colours is taken"
        notes.append(Note(NoteKind.CHANGED, "psf", text))
    return np.asarray(plain.mean(axis=-1)), notes
