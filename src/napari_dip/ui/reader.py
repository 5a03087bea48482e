"""OME-Zarr images in napari, lazily, where they are and as large as they are."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from napari_dip.axes import Axes
from napari_dip.errors import UserError
from napari_dip.files.lazy import LazyPicture, is_zarr, open_lazily

Layers = list[tuple[Any, dict[str, Any], str]]

UNKNOWN = "pixel"
"""What napari calls a unit that is none."""


def zarr_reader(path: str | list[str]) -> Callable[[Any], Layers] | None:
    """Tell whether a path is a Zarr store that can be shown, for napari's readers."""
    if isinstance(path, list) or not is_zarr(path):
        return None
    try:
        open_lazily(path)
    except UserError:
        return None  # others may know what it is
    return read


def read(path: str | os.PathLike[str]) -> Layers:
    """Give a store's image as a layer, or as one for each channel; nothing is read yet."""
    picture = open_lazily(path)
    levels = [picture.array, *picture.coarser]
    data = levels if len(levels) > 1 else levels[0]
    return [(data, layer_kwargs(picture), "image")]


def layer_kwargs(picture: LazyPicture) -> dict[str, Any]:
    """Keywords that put a picture's layer where it is, and name its channels."""
    axes = picture.axes
    name = axes.name or picture.path.name.partition(".")[0]
    kwargs: dict[str, Any] = {"name": name, "rgb": False, "multiscale": bool(picture.coarser)}
    if "C" in axes.letters:
        c = axes.letters.index("C")
        count = picture.shape[c]
        kwargs["channel_axis"] = c
        if len(axes.channels) == count:
            kwargs["name"] = [f"{name} {channel}" for channel in axes.channels]
        if axes.channels == ("red", "green", "blue"):
            kwargs["colormap"] = list(axes.channels)
    return kwargs | _place(axes)


def _place(axes: Axes) -> dict[str, Any]:
    """Scale, origin, units and labels; a channel axis has none, for napari takes it apart."""
    kept = [i for i, letter in enumerate(axes.letters) if letter != "C"]
    axes = axes.taken(axes.letters, kept)
    return {
        "scale": axes.scale,
        "translate": axes.origin,
        "units": tuple(unit or UNKNOWN for unit in axes.units),
        "axis_labels": tuple(axes.letters.lower()),
    }
