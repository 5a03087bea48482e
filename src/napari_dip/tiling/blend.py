"""Blocks joined without a seam: where they overlap, one fades into the other."""

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
    """The picture in a region, from the blocks that reach into it.

    A block's weight rises from its border over the overlap, along each axis; at the picture's own
    border it does not fall. What the blocks agree on comes out exactly: only differences are
    weighted.

    Parameters
    ----------
    region
        What is asked for.
    parts
        Blocks with their values; each pixel of the region is in one of them at least.
    shape
        The whole picture's.
    overlaps
        Over which a block fades, along each axis.

    Returns
    -------
    array
        Of the region's shape and the parts' dtype; whole numbers are rounded.
    """
    base: Array | None = None
    for block, values in parts:
        both = block.common(region)
        if both is None:
            continue
        here = both.within(region)
        part = values[both.within(block)]
        if base is None:
            dtype = part.dtype
            base = np.zeros(region.shape)
            change = np.zeros(region.shape)
            total = np.zeros(region.shape)
        weight = np.ones(())
        for ramp in weights(block, shape, overlaps, both):
            weight = np.multiply.outer(weight, ramp)
        base[here] = np.where(total[here] == 0, part, base[here])
        change[here] += weight * (part - base[here])
        total[here] += weight
    assert base is not None  # blocks cover the picture
    out: Array = base + change / total
    return (np.rint(out) if dtype.kind in "ui" else out).astype(dtype)


def weights(
    block: Tile, shape: Sequence[int], overlaps: Sequence[int], part: Tile
) -> list[NDArray[np.float64]]:
    """A block's weight along each axis, in a part of it."""
    ramps = []
    for axis, (start, stop) in enumerate(zip(block.start, block.stop, strict=True)):
        at = np.arange(part.start[axis], part.stop[axis])
        full = overlaps[axis] + 1.0
        rise = at - start + 1.0 if start > 0 else np.full(at.shape, full)
        fall = stop - at + 0.0 if stop < shape[axis] else np.full(at.shape, full)
        ramp = np.minimum(np.minimum(rise, fall), full) / full
        # Flat at both ends: where a block begins, next to nothing of it is seen.
        ramps.append(np.sin(np.pi / 2 * ramp) ** 2)
    return ramps
