"""Pictures of which only what is asked for is read: Zarr, OME-Zarr and TIFF."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.axes import Axes
from napari_dip.errors import UserError
from napari_dip.files import tiff
from napari_dip.files.atomic import FileError, reason
from napari_dip.files.image_file import TIFF, read_image
from napari_dip.files.metadata import Metadata, calibrated, described


@dataclass(frozen=True)
class LazyPicture:
    """A picture in a file, or anywhere else.

    Attributes
    ----------
    array
        What can be sliced: an array, one in a Zarr store, a part of a layer.
    axes
        Of `array`, as far as the file tells.
    path
        Of the file or folder; the name of what is in none.
    metadata
        What a TIFF tells beside.
    opened
        What is closed at the end of a `with` block.
    coarser
        The picture at lower resolutions, if the file has them.
    """

    array: Any
    axes: Axes
    path: Path
    metadata: Metadata = field(default_factory=Metadata)
    opened: Any = None
    coarser: tuple[Any, ...] = ()

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
        """What is in a box, or all of it.

        Raises
        ------
        FileError
            When it is damaged.
        """
        try:
            part = self.array[slices or (slice(None),) * len(self.shape)]
            return np.ascontiguousarray(part, dtype=self.dtype)
        # Decoders meet damaged files with errors of every kind.
        except Exception as error:
            raise FileError(
                f"{self.path}: can't be read ({reason(error)}); check that it is complete"
            ) from error


def is_zarr(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a Zarr store, which is a folder."""
    path = Path(path)
    return path.suffix.lower() == ".zarr" or any(
        (path / name).exists() for name in ("zarr.json", ".zarray", ".zgroup")
    )


def open_lazily(path: str | os.PathLike[str], axes: str | None = None) -> LazyPicture:
    """Open a picture without reading its pixels, where its format allows that.

    Parameters
    ----------
    path
        A Zarr store, of which a group's first multiscale image is taken at full resolution, or
        any file that `read_image` reads.
    axes
        Letters for its axes, if it does not tell or tells wrong.

    Raises
    ------
    FileError
        When there is none, or it can't be read.
    """
    path = Path(path)
    if is_zarr(path) and path.is_dir():
        picture = _zarr(path)
    elif path.suffix.lower() in TIFF and path.is_file():
        picture = _tiff(path)
    else:
        picture = _whole(path)
    return picture if axes is None else replace(picture, axes=picture.axes.renamed(axes))


def _whole(path: Path) -> LazyPicture:
    image = read_image(path)
    return LazyPicture(image.data, calibrated(image.axes, image.metadata), path, image.metadata)


def _tiff(path: Path) -> LazyPicture:
    import zarr

    try:
        opened = tiff.open_planes(path)
    except FileError:
        raise
    except Exception as error:
        raise FileError(
            f"{path}: can't be read ({reason(error)}); check that it is complete"
        ) from error
    if opened is None:
        return _whole(path)
    store, axes, metadata = opened
    array = zarr.open_array(store, mode="r")
    return LazyPicture(array, calibrated(axes, metadata), path, metadata, store)


def _zarr(path: Path) -> LazyPicture:
    import zarr

    try:
        node = zarr.open(path, mode="r")
        if isinstance(node, zarr.Array):
            return LazyPicture(node, Axes(_letters(node)), path)
        told: Any = dict(node.attrs)
        image = told.get("ome", told)["multiscales"][0]
        level = image["datasets"][0]
        array, *coarser = (node[one["path"]] for one in image["datasets"])
        labels = told.get("ome", told).get("omero", {}).get("channels", [])
        axes = described(image, level, labels)
        return LazyPicture(array, axes, path, coarser=tuple(coarser))
    except Exception as error:
        raise FileError(
            f"{path}: can't be read ({reason(error)}); give a Zarr array, or an OME-Zarr image"
        ) from error


def _letters(array: Any) -> str:
    """A plain array's axes, by its names of dimensions or by their number."""
    names = array.metadata.to_dict().get("dimension_names") or ()
    letters = "".join(str(name)[:1].upper() for name in names if name)
    if len(letters) == array.ndim and {"Y", "X"} <= set(letters) <= set("TCZYXS"):
        return letters
    if array.ndim > 5:
        raise UserError(f"its {array.ndim} axes can mean many things")
    return {2: "YX", 3: "ZYX", 4: "CZYX", 5: "TCZYX"}[array.ndim]
