"""Image layers saved as OME-Zarr with all levels, chunk by chunk, so that any size fits memory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from napari_dip.data.axes import Axes
from napari_dip.data.grid import Tile, adjacent_grid
from napari_dip.errors import UserError
from napari_dip.files.atomic import TEMPORARY_PREFIX
from napari_dip.files.ome_zarr import OmeZarrStore
from napari_dip.ui.layers.kwargs import UNKNOWN
from napari_dip.ui.layers.provenance import KEY
from napari_dip.ui.layers.source import axis_letters


def write_zarr(path: str | os.PathLike[str], data: Any, meta: dict[str, Any]) -> list[str]:
    """Save an image layer, for napari's writers.

    Its scale, origin, units, axes and provenance are saved; an OME-Zarr holds no rotation, shear or
    affine transform.

    Parameters
    ----------
    path
        The folder to make.
    data
        The layer's array, or the levels of a pyramid, of which only the finest is read.
    meta
        The layer's keywords and metadata.

    Returns
    -------
    list of str
        The path that was written.

    Raises
    ------
    UserError
        When the path exists.
    """
    path = Path(path)
    if path.exists():  # the layer may be read from it
        raise UserError(f"save: {path} exists already; choose another name, or remove it")
    array = data[0] if meta.get("multiscale") else data
    rgb = bool(meta.get("rgb"))
    axes, order = _axes(meta, len(array.shape) - rgb, rgb=rgb).ordered()
    shape = tuple(array.shape[axis] for axis in order)
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}")
    store = OmeZarrStore(temporary, axes)
    try:
        store.create(shape, np.dtype(array.dtype), colour=rgb)
        for chunk in adjacent_grid(shape, store.chunks(shape)).tiles():
            store.write(chunk, _read(array, chunk, order))
        store.finish(meta.get("metadata", {}).get(KEY, {}))
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return [str(path)]


def _axes(meta: dict[str, Any], ndim: int, *, rgb: bool) -> Axes:
    """A layer's axes, as far as they are known."""
    name = str(meta.get("name", ""))
    labels = meta.get("axis_labels") or ("",) * ndim
    letters = axis_letters(name, labels, (ndim - 2, ndim - 1), rgb=rgb)
    units = [str(unit) for unit in meta.get("units") or ("",) * ndim]
    return Axes(
        letters,
        tuple(map(float, meta.get("scale", (1,) * ndim))) + (1.0,) * rgb,
        tuple("" if unit == UNKNOWN else unit for unit in units) + ("",) * rgb,
        tuple(map(float, meta.get("translate", (0,) * ndim))) + (0.0,) * rgb,
        name=name,
    )


def _read(array: Any, chunk: Tile, order: tuple[int, ...]) -> Any:
    """Read a box that is given in the store's order of axes."""
    index = [slice(None)] * len(order)
    for axis, part in zip(order, chunk.slices, strict=True):
        index[axis] = part
    return np.asarray(array[tuple(index)]).transpose(order)
