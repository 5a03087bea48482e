"""OME-Zarr and OME-TIFF images in napari, lazily, where they are and as large as they are."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_dip.data.axes import Axes
from napari_dip.errors import UserError
from napari_dip.files.lazy import LazyImage, is_zarr, open_lazily
from napari_dip.ui.layers.kwargs import UNKNOWN

Layers = list[tuple[Any, dict[str, Any], str]]


OURS, NAPARIS = "napari-dip", "napari"
"""The readers, by the names of their plugins."""


OME_TIFF = (".ome.tif", ".ome.tiff")


LARGE = 4_000_000
"""Pixels that are more than a look at a picture's values should read."""


def ome_reader(path: str | list[str]) -> Callable[[Any], Layers] | None:
    """Tell whether a path is an image that can be shown, for napari's readers."""
    if isinstance(path, list) or not is_ome(path):
        return None
    try:
        with open_lazily(path):
            return read
    except UserError:
        return None  # others may know what it is


def is_ome(path: str | os.PathLike[str]) -> bool:
    """Whether a path is called as what this reader is for."""
    return is_zarr(path) or str(path).lower().endswith(OME_TIFF)


def plugin_for(path: str | os.PathLike[str]) -> str:
    """The plugin to open a picture with, where nobody is there to be asked."""
    return OURS if is_ome(path) else NAPARIS


def read(path: str | os.PathLike[str]) -> Layers:
    """Give a file's image as a layer, or as one for each channel; nothing is read yet."""
    picture = open_lazily(path)
    if picture.opened is not None:  # a TIFF, which stays open as long as its layers are there
        weakref.finalize(picture.array, picture.opened.close)
    levels = [picture.array, *picture.coarser]
    data = levels if len(levels) > 1 else levels[0]
    return [(data, layer_kwargs(picture), "image")]


def layer_kwargs(picture: LazyImage) -> dict[str, Any]:
    """Keywords that put a picture's layer where it is, and name its channels."""
    axes = picture.axes
    name = _name(picture.path)
    kwargs: dict[str, Any] = {
        "name": name,
        "rgb": axes.letters.endswith("S"),
        "multiscale": bool(picture.coarser),
    }
    if "C" in axes.letters:
        c = axes.letters.index("C")
        count = picture.shape[c]
        kwargs["channel_axis"] = c
        if len(axes.channels) == count:
            kwargs["name"] = [f"{name} {channel}".strip() for channel in axes.channels]
        if len(axes.colours) == count:
            kwargs["colormap"] = [f"#{colour}" for colour in axes.colours]
    if (limits := _limits(picture)) is not None:
        kwargs["contrast_limits"] = limits
    return kwargs | _place(axes)


def _limits(picture: LazyImage) -> Any:
    """The least and the greatest value, for each channel, of a plane in the middle.

    napari would take those of the slice on display, and of a lazy layer that does not begin at
    zero there is none yet when it looks. None where that plane is large, or has but one value.
    """
    array = picture.coarser[-1] if picture.coarser else picture.array
    sides = dict(zip(picture.axes.letters, array.shape, strict=True))
    if "S" in sides or sides["Y"] * sides["X"] > LARGE:
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
    """A file's name: that of the image in it is the same in a picture and in its result."""
    return path.stem.removesuffix(".ome")


def _place(axes: Axes) -> dict[str, Any]:
    """Scale, origin, units and labels of what is an axis in napari, too.

    Channels are layers of their own, and the samples of a colour belong to the pixel.
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
