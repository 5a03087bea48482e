"""Images that are read piece by piece: Zarr, OME-Zarr and TIFF."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.axes import Axes
from napari_dip.data.reading import ReadingRecord
from napari_dip.files import raster, tiff, tiff_series, zarr_images
from napari_dip.files.atomic import reading
from napari_dip.files.checks import check_array
from napari_dip.files.image_file import TIFF_SUFFIXES, read_image
from napari_dip.files.metadata import Metadata, axes_of_tiff


@dataclass(frozen=True)
class LazyImage:
    """An image whose pixels are read when they are needed.

    Attributes
    ----------
    array
        Anything that can be sliced: an array in memory or in a Zarr store, a part of a layer.
    axes
        The axes of `array`, as far as the file says.
    path
        The file or folder; a name if the image is in neither.
    metadata
        The metadata of a TIFF.
    opened
        A file handle to close at the end of a `with` block.
    coarser
        The image at lower resolutions, if the file has them.
    record
        What the file announces, what was read of it, and notes about the difference.
    """

    array: Any
    axes: Axes
    path: Path
    metadata: Metadata = field(default_factory=Metadata)
    opened: Any = None
    coarser: tuple[Any, ...] = ()
    record: ReadingRecord = field(default_factory=ReadingRecord)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        if self.opened is not None:
            self.opened.close()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self.array.dtype).newbyteorder("=")
        return dtype

    def read(self, slices: tuple[slice, ...] | None = None) -> NDArray[Any]:
        """Read a box of the image, or all of it.

        Raises
        ------
        FileError
            When the file is damaged.
        """
        with reading(self.path):
            part = self.array[slices or (slice(None),) * len(self.shape)]
            return np.ascontiguousarray(part, dtype=self.dtype)


def open_lazily(
    path: str | os.PathLike[str], axes: str | None = None, *, series: int | None = None
) -> LazyImage:
    """Open an image, without reading its pixels where the format allows that.

    Parameters
    ----------
    path
        A Zarr array, an OME-Zarr image or a collection of images, or any file that `read_image`
        reads. Of several resolutions the highest is opened.
    axes
        One letter for each axis, if the metadata of the file is missing or wrong.
    series
        Which of several images in the file, from 1 on; the first, with a note, if not given.

    Raises
    ------
    FileError
        When there is no such file, or it can't be read.
    """
    path = Path(path)
    if zarr_images.is_zarr(path) and path.is_dir():
        image = _zarr(path, series)
    elif path.suffix.lower() in TIFF_SUFFIXES and path.is_file():
        image = _tiff(path, series)
    else:
        image = _whole(path, series)
    check_array(path, image.shape, image.array.dtype)
    return image if axes is None else replace(image, axes=image.axes.renamed(axes))


def _whole(path: Path, series: int | None) -> LazyImage:
    image = read_image(path, series=series)
    axes = axes_of_tiff(image.axes, image.metadata)
    return LazyImage(image.data, axes, path, image.metadata, record=image.record)


def _tiff(path: Path, series: int | None) -> LazyImage:
    import zarr

    with reading(path):
        opened = tiff.open_planes(path, series)
    if opened is None:
        return _whole(path, series)
    store, axes, metadata, record = opened
    array = zarr.open_array(store, mode="r")
    return LazyImage(array, axes_of_tiff(axes, metadata), path, metadata, store, record=record)


def _zarr(path: Path, series: int | None) -> LazyImage:
    image = zarr_images.open_zarr(path, series)
    array, *coarser = image.levels
    return LazyImage(array, image.axes, path, coarser=tuple(coarser), record=image.record)


def count_images(path: str | os.PathLike[str]) -> int:
    """The number of images in a file or a Zarr store, of which `series` names one.

    Raises
    ------
    FileError
        When it can't be read.
    """
    path = Path(path)
    if zarr_images.is_zarr(path) and path.is_dir():
        return zarr_images.count_images(path)
    with reading(path):
        is_tiff = path.suffix.lower() in TIFF_SUFFIXES
        return tiff_series.count_images(path) if is_tiff else raster.count_images(path)
