"""OME-Zarr and OME-TIFF images in napari: read lazily, with their place, units and channels."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_dip.data.axes import Axes
from napari_dip.data.reading import Note, NoteKind
from napari_dip.errors import UserError
from napari_dip.files.lazy import LazyImage, count_images, open_lazily
from napari_dip.files.zarr_images import is_zarr
from napari_dip.ui.layers.kwargs import UNKNOWN
from napari_dip.ui.layers.provenance import KEY, READING

Layers = list[tuple[Any, dict[str, Any], str]]


_OURS, _NAPARIS = "napari-dip", "napari"
"""The plugins that have the readers."""

_OME_TIFF = (".ome.tif", ".ome.tiff")

_MOST_IMAGES = 20
"""Most images of a file that become layers."""

_LARGEST_PLANE = 4_000_000
"""Pixels of the largest plane that is read for the contrast limits."""


def ome_reader(path: str | list[str]) -> Callable[[Any], Layers] | None:
    """Return `read` for an image that this reader can show, else None; called by napari."""
    if isinstance(path, list) or not is_ome(path):
        return None
    try:
        count_images(path)
    except UserError:
        return None  # another reader may know the file
    return read


def is_ome(path: str | os.PathLike[str]) -> bool:
    """Whether a path has the name of an OME-Zarr or OME-TIFF image."""
    return is_zarr(path) or str(path).lower().endswith(_OME_TIFF)


def plugin_for(path: str | os.PathLike[str]) -> str:
    """The plugin that opens an image when nobody can be asked."""
    return _OURS if is_ome(path) else _NAPARIS


def read(path: str | os.PathLike[str]) -> Layers:
    """Return a file's images as layers, whose pixels are not read yet.

    An image is one layer, or one for each channel.
    """
    count = count_images(path)
    if count == 1:
        return _read_one(path, None)
    layers: Layers = []
    for number in range(1, min(count, _MOST_IMAGES) + 1):
        layers += _read_one(path, number)
    if count > _MOST_IMAGES:
        text = f"{_MOST_IMAGES} of {count} images are opened; open a folder in it for another"
        note = Note(NoteKind.LEFT_OUT, str(path), text)
        for _, kwargs, _ in layers:
            kwargs["metadata"][KEY][READING][0]["notes"].append(note.to_dict())
    return layers


def _read_one(path: str | os.PathLike[str], series: int | None) -> Layers:
    picture = open_lazily(path, series=series)
    if picture.opened is not None:  # a TIFF, which stays open as long as its layers are there
        weakref.finalize(picture.array, picture.opened.close)
    levels = [picture.array, *picture.coarser]
    data = levels if len(levels) > 1 else levels[0]
    kwargs = layer_kwargs(picture)
    if series is not None:
        kwargs["name"] = _numbered(kwargs["name"], picture, series)
    return [(data, kwargs, "image")]


def _numbered(name: Any, picture: LazyImage, series: int) -> Any:
    """The name of a layer, or the names of several, with the name or number of the image."""
    if isinstance(name, list):
        return [_numbered(one, picture, series) for one in name]
    return f"{name} [{picture.axes.name or picture.record.read.get('place') or series}]"


def layer_kwargs(picture: LazyImage) -> dict[str, Any]:
    """Keywords of an image's layer: its place, names and colours of channels, contrast limits."""
    axes = picture.axes
    name = _name(picture.path)
    kwargs: dict[str, Any] = {
        "name": name,
        "rgb": _is_rgb(picture),
        "multiscale": bool(picture.coarser),
        "metadata": {KEY: {READING: [picture.record.to_dict()]}},
    }
    channel = next((a for a in "CS" if a in axes.letters and not kwargs["rgb"]), "")
    if channel:
        c = axes.letters.index(channel)
        count = picture.shape[c]
        kwargs["channel_axis"] = c
        if len(axes.channels) == count:
            kwargs["name"] = [f"{name} {channel}".strip() for channel in axes.channels]
        if len(axes.colours) == count:
            kwargs["colormap"] = [f"#{colour}" for colour in axes.colours]
    if (limits := _limits(picture)) is not None:
        kwargs["contrast_limits"] = limits
    return kwargs | _place(axes)


def _is_rgb(picture: LazyImage) -> bool:
    """Whether a last axis holds red, green, blue, and perhaps transparency."""
    return picture.axes.letters.endswith("S") and picture.shape[-1] in (3, 4)


def _limits(picture: LazyImage) -> Any:
    """Contrast limits: the range of a plane in the middle, for each channel.

    napari would take the slice on display, which a lazy layer that does not begin at zero does not
    have yet. None if the plane is too large or has only one value.
    """
    array = picture.coarser[-1] if picture.coarser else picture.array
    sides = dict(zip(picture.axes.letters, array.shape, strict=True))
    if "S" in sides or sides["Y"] * sides["X"] > _LARGEST_PLANE:
        return None
    middle = {a: slice(None) if a in "YX" else n // 2 for a, n in sides.items()}
    limits = []
    for channel in range(sides.get("C", 1)):
        place = middle | ({"C": channel} if "C" in sides else {})
        plane = np.asarray(array[tuple(place.values())])
        known = plane[np.isfinite(plane)]
        if not known.size or known.min() == known.max():
            return None
        limits.append((float(known.min()), float(known.max())))
    return limits if "C" in sides else limits[0]


def _name(path: Path) -> str:
    """The file's name; the name inside the file is the same in an image and in its result."""
    return path.stem.removesuffix(".ome")


def _place(axes: Axes) -> dict[str, Any]:
    """Scale, origin, units and labels of the axes that napari has too.

    Channels become layers, and the samples of a colour belong to the pixel.
    """
    from pint import get_application_registry

    known = get_application_registry()
    kept = [i for i, letter in enumerate(axes.letters) if letter not in "CS"]
    axes = axes.taken(axes.letters, kept)
    return {
        "scale": axes.scale,
        "translate": axes.origin,
        "units": tuple(unit if hasattr(known, unit) else UNKNOWN for unit in axes.units),
        "axis_labels": tuple(axes.letters.lower()),
    }
