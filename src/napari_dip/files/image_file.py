"""Read and write images as TIFF, PNG and JPEG files, with their metadata."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.reading import ReadingRecord
from napari_dip.files import raster, tiff
from napari_dip.files.atomic import FileError, check_destination, reading, replacing
from napari_dip.files.checks import check_array, check_memory_for
from napari_dip.files.metadata import Metadata, metadata_of_axes
from napari_dip.files.zarr_images import is_zarr, open_zarr

_ZARR_ORDER = "TZCYXS"
"""Order of the axes of an array that is read whole from a Zarr store."""

TIFF_SUFFIXES = (".tif", ".tiff")
_PNG = (".png",)
JPEG_SUFFIXES = (".jpg", ".jpeg")
READABLE_SUFFIXES = (*TIFF_SUFFIXES, *_PNG, *JPEG_SUFFIXES, ".bmp")
WRITABLE_SUFFIXES = (*TIFF_SUFFIXES, *_PNG, *JPEG_SUFFIXES)


@dataclass(frozen=True)
class ImageFile:
    """An image as a file holds it.

    Attributes
    ----------
    data
        The samples as stored: bool, integer or floating point, in native byte order.
    axes
        One letter per dimension of `data`: T time, Z depth, C channel, Y, X, and last, where the
        samples of a pixel lie together, S: grey and alpha (2), RGB (3) or RGBA (4). Other letters
        are axes that are looped over.
    path
        The file that it was read from.
    metadata
        What `write_image` writes back in addition to the pixels.
    record
        What the file announces, what was read of it, and notes about the difference.
    """

    data: NDArray[Any]
    axes: str
    path: Path
    metadata: Metadata = field(default_factory=Metadata)
    record: ReadingRecord = field(default_factory=ReadingRecord)


def read_image(path: str | os.PathLike[str], *, series: int | None = None) -> ImageFile:
    """Read a TIFF (plain, ImageJ or OME), PNG, JPEG or BMP file, or a whole image of a Zarr store.

    An image has the pixels that a viewer shows: upright, as its orientation says, and with black
    as the least value. Palettes become RGB, except those of ImageJ, which only colour the display.
    The record says what was left out, changed or assumed.

    Parameters
    ----------
    path
        The file.
    series
        Which of several images in the file, from 1 on; the first, with a note, if not given. Of
        several resolutions the highest is read.

    Raises
    ------
    FileError
        When the file is missing, damaged, cut short, or none of these formats.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if path.is_dir():
        if is_zarr(path):
            return _read_zarr(path, series)
        raise FileError(f"{path}: is a folder; name an image file in it")
    if not path.exists():
        raise FileError(f"{path}: no such file; check the name and the folder")
    if suffix not in READABLE_SUFFIXES:
        raise FileError(f"{path}: can't read {_kind(path)}; use {_listed(READABLE_SUFFIXES)}")
    with reading(path):
        read = tiff.read if suffix in TIFF_SUFFIXES else raster.read
        data, axes, metadata, record = read(path, series)
    check_array(path, data.shape, data.dtype)
    data = np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))
    return ImageFile(data=data, axes=axes, path=path, metadata=metadata, record=record)


def _read_zarr(path: Path, series: int | None) -> ImageFile:
    """A Zarr image, its axes in the order of TIFFs, with the metadata of an OME-TIFF."""
    image = open_zarr(path, series)
    letters = image.axes.letters
    order = sorted(range(len(letters)), key=lambda i: _ZARR_ORDER.find(letters[i]))  # others first
    axes = image.axes.taken(letters, order)
    array = image.levels[0]
    check_array(path, array.shape, array.dtype)
    check_memory_for(path, array.shape, array.dtype)
    with reading(path):
        data = np.asarray(image.levels[0][...]).transpose(order)
    data = np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))
    metadata = metadata_of_axes(axes)
    if any(axes.origin):
        metadata = replace(metadata, left_out=("origin (translation)",))
    return ImageFile(data, axes.letters, path, metadata, image.record)


def write_image(
    path: str | os.PathLike[str],
    data: NDArray[Any],
    *,
    like: ImageFile | None = None,
    pixel_scale: float = 1.0,
    overwrite: bool = False,
) -> None:
    """Write an image as TIFF, PNG or JPEG, by the suffix of `path`, whole or not at all.

    Parameters
    ----------
    path
        The file to write; an `.ome.tif` becomes an OME-TIFF.
    data
        The samples, in the dtype that they have in the file.
    like
        The file that `data` was made from. It gives the axes, resolution and colour profile, and
        for a TIFF its flavour (plain, ImageJ or OME) with channels and pixel sizes. Without it
        three dimensions are Z, Y, X, or RGB(A) if the last one has a length of 3 or 4.
    pixel_scale
        The size of a pixel of `data` along Y and X, in pixels of `like`: 1/4 after a fourfold
        upscaling, so that the image keeps its physical size. If `data` has another number of
        planes than `like`, their distance changes so that the size along Z is kept too.
    overwrite
        Replace an existing file.

    Raises
    ------
    FileError
        When `check_writable` refuses, or writing fails; then there is no new file.
    """
    path = Path(path)
    axes = like.axes if like is not None and len(like.axes) == data.ndim else _guess_axes(data)
    plane_scale = 1.0
    if like is not None and "Z" in axes and axes == like.axes:
        z = axes.index("Z")
        plane_scale = like.data.shape[z] / data.shape[z]
    metadata = like.metadata if like is not None else Metadata()
    metadata = metadata.scaled(pixel_scale, plane_scale)
    image = ImageFile(data=data, axes=axes, path=path, metadata=metadata)
    check_writable(path, like=image, overwrite=overwrite)
    write = tiff.write if path.suffix.lower() in TIFF_SUFFIXES else raster.write
    with replacing(path) as temporary:
        write(temporary, data, axes, metadata.tagged_for(path.name, axes, data.shape))


def check_writable(
    path: str | os.PathLike[str], *, like: ImageFile | None = None, overwrite: bool = False
) -> None:
    """Refuse a destination that an image can't be written to; call this before a long fit.

    Parameters
    ----------
    path
        The file to be written.
    like
        An image with the axes and dtype of the one to be written, to check that the format can
        hold them.
    overwrite
        Accept an existing file.

    Raises
    ------
    FileError
        When the suffix is not one that can be written, the format can't hold such an image, or
        `check_destination` refuses the path.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITABLE_SUFFIXES:
        raise FileError(f"{path}: can't write {_kind(path)}; use {_listed(WRITABLE_SUFFIXES)}")
    check_destination(path, overwrite=overwrite)
    if like is not None:
        _check_format(path, like)


def _check_format(path: Path, image: ImageFile) -> None:
    suffix, dtype = path.suffix.lower(), image.data.dtype
    if suffix in TIFF_SUFFIXES:
        return
    png = suffix in _PNG
    name, depth = ("PNG", "8- or 16-bit") if png else ("JPEG", "8-bit")
    dtypes = ("bool", "uint8", "uint16") if png else ("uint8",)
    if dtype.name not in dtypes:
        raise FileError(f"{path}: {name} holds {depth} whole numbers, not {dtype}; write a .tif")
    if image.axes not in ("YX", "YXS"):
        raise FileError(
            f"{path}: {name} holds one grey or RGB image, not axes {image.axes}; write a .tif"
        )
    if not png and image.axes == "YXS" and image.data.shape[-1] != 3:
        raise FileError(f"{path}: JPEG holds no alpha channel; write a .png or .tif")


def _guess_axes(data: NDArray[Any]) -> str:
    if data.ndim == 3 and data.shape[-1] in (3, 4):
        return "YXS"
    return "TZCYX"[-data.ndim :] if data.ndim != 3 else "ZYX"


def _kind(path: Path) -> str:
    return f"{path.suffix} files" if path.suffix else "a file without a suffix"


def _listed(suffixes: tuple[str, ...]) -> str:
    return f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
