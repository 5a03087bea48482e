"""Tiles joined without a seam: where they overlap, one fades into the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.grid import Tile

Array = NDArray[Any]


def blend(
    region: Tile,
    parts: Iterable[tuple[Tile, Array]],
    shape: Sequence[int],
    overlaps: Sequence[int],
) -> Array:
    """The blended image in a region, from the tiles that reach into it.

    A tile's weight rises from its border over the overlap, along each axis; at the border of the
    image it does not fall. Where all tiles agree, the result is exactly their value, because only
    differences are weighted.

    Parameters
    ----------
    region
        The box to fill.
    parts
        Tiles with their values; each pixel of the region is in one of them at least.
    shape
        Shape of the whole image.
    overlaps
        Pixels over which a tile fades, along each axis.

    Returns
    -------
    array
        Of the region's shape and the tiles' dtype; integers are rounded.
    """
    base: Array | None = None
    for tile, values in parts:
        common = tile.intersection(region)
        if common is None:
            continue
        place = common.slices_within(region)
        part = values[common.slices_within(tile)]
        if base is None:
            dtype = part.dtype
            base = np.zeros(region.shape)
            change = np.zeros(region.shape)
            total = np.zeros(region.shape)
        weight = np.ones(())
        for ramp in _ramps(tile, shape, overlaps, common):
            weight = np.multiply.outer(weight, ramp)
        base[place] = np.where(total[place] == 0, part, base[place])
        change[place] += weight * (part - base[place])
        total[place] += weight
    assert base is not None  # tiles cover the image
    out: Array = base + change / total
    return (np.rint(out) if dtype.kind in "ui" else out).astype(dtype)


def _ramps(
    tile: Tile, shape: Sequence[int], overlaps: Sequence[int], box: Tile
) -> list[NDArray[np.float64]]:
    """A tile's weight along each axis, in a box that it contains."""
    ramps = []
    for axis, (start, stop) in enumerate(zip(tile.start, tile.stop, strict=True)):
        at = np.arange(box.start[axis], box.stop[axis])
        full = overlaps[axis] + 1.0
        rise = at - start + 1.0 if start > 0 else np.full(at.shape, full)
        fall = stop - at + 0.0 if stop < shape[axis] else np.full(at.shape, full)
        ramp = np.minimum(np.minimum(rise, fall), full) / full
        # Flat at both ends: a tile fades in without a visible edge.
        ramps.append(np.sin(np.pi / 2 * ramp) ** 2)
    return ramps
