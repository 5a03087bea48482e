"""A tiled image as arrays that a layer shows while tiles are restored.

Written chunks are read from the store, tiles that wait for their neighbours from their files, and
the tile that is being fitted from memory. All else is transparent, so that the source is seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.grid import Tile
from napari_dip.files.ome_zarr import OmeZarrStore
from napari_dip.tiling.mosaic import MosaicState
from napari_dip.ui.layers.kwargs import displayable

Array = NDArray[Any]

Patch = tuple[Tile, Array]
"""A box at the finest level, with its values."""


@dataclass
class PartialPyramid:
    """What is restored of an image so far; its `levels` are a layer's data.

    Attributes
    ----------
    store
        The store that the image is written to.
    order
        The layer's axis for each axis of the store.
    rgb
        Whether the layer's last axis holds the samples of a colour.
    state
        The chunks that are written, and the tiles that wait.
    live
        The tile that was fitted last, as it is now.
    chosen
        Earlier iterations, shown in place of what is written.
    is_whole
        Whether the whole image is written.
    keep
        A temporary folder that has to live as long as the layer.
    """

    store: OmeZarrStore
    order: tuple[int, ...]
    rgb: bool
    state: MosaicState = field(default_factory=MosaicState)
    live: Patch | None = None
    chosen: tuple[Patch, ...] = ()
    is_whole: bool = False
    keep: Any = None

    def __post_init__(self) -> None:
        # Opened now: a store that stays empty is removed, and may be shown after that.
        self._count = len(self.store.levels)

    def levels(self, *, pyramid: bool) -> list[PyramidLevel]:
        """All levels, or the finest alone."""
        return [PyramidLevel(self, i) for i in range(self._count if pyramid else 1)]

    def whole(self) -> PartialPyramid:
        """The image when it is written: in its own data type, without transparency."""
        return replace(self, state=MosaicState(), live=None, is_whole=True)


class PyramidLevel:
    """One level of a partial pyramid: an array for layers, read when it is indexed.

    It is indexed as NumPy arrays are, with whole numbers, slices and arrays of whole numbers. Until
    the image is whole, missing pixels are NaN; a colour has an alpha instead, which is 0 there.

    Parameters
    ----------
    pyramid
        The pyramid.
    level
        The number of the level, 0 for the finest.
    """

    def __init__(self, pyramid: PartialPyramid, level: int) -> None:
        self.pyramid, self.level = pyramid, level
        array = pyramid.store.levels[level]
        self._factors = self._from_store(pyramid.store.factors(level))
        self._samples = int(self._from_store(array.shape)[-1]) if pyramid.rgb else 0
        self._stored: tuple[int, ...] = self._from_store(array.shape)
        self._dtype = displayable(np.empty(0, array.dtype)).dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, with an alpha for a colour until the image is whole."""
        if self._samples and not self.pyramid.is_whole:
            return (*self._stored[:-1], 4)
        return self._stored

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data type; float32 for an image with gaps, which are NaN and so transparent."""
        has_gaps = not (self.pyramid.is_whole or self._samples)
        return np.dtype(np.float32) if has_gaps else self._dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __getitem__(self, index: Any) -> Array:
        # The alpha is made of all samples, so all are read.
        box, rest = _box_of(index, self.shape, keep_last=bool(self._samples))
        if not all(box.shape):
            return np.empty(box.shape, self.dtype)[rest]
        if self._samples:
            box = Tile(box.start, (*box.stop[:-1], self._samples))
        return self._values(box)[rest]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self[...], dtype)

    def _read(self, box: Tile) -> Array:
        """The values of a box in the store."""
        order = self.pyramid.order
        ordered = Tile(
            tuple(box.start[axis] for axis in order), tuple(box.stop[axis] for axis in order)
        )
        values = self.pyramid.store.read(self.level, ordered)
        return values.transpose(np.argsort(order)).astype(self._dtype, copy=False)

    def _values(self, box: Tile) -> Array:
        """All that is shown in a box."""
        pyramid = self.pyramid
        known = np.full(box.shape, pyramid.is_whole)
        out = self._read(box) if pyramid.is_whole else self._restored_so_far(box, known)
        for patch in pyramid.chosen:
            self._paste(patch, patch[0], box, out, known)
        return _with_alpha(out, known) if self._samples and not pyramid.is_whole else out

    def _restored_so_far(self, box: Tile, known: NDArray[np.bool_]) -> Array:
        """What is restored of a box; `known` is set where that is."""
        state, live = self.pyramid.state, self.pyramid.live
        out = np.zeros(box.shape, self.dtype) if self._samples else np.full(box.shape, np.nan, "f4")
        if live is not None:
            self._paste(live, live[0], box, out, known)
        for waiting in state.waiting:
            if (values := _loaded(waiting.values)) is not None:
                self._paste((waiting.tile, values), waiting.core, box, out, known)
        written = np.zeros(box.shape, bool)
        for chunk in state.written:
            if (both := chunk.coarser(self._factors).intersection(box)) is not None:
                written[both.slices_within(box)] = True
        if written.any():
            np.copyto(out, self._read(box), where=written)
            known |= written
        return out

    def _paste(
        self, patch: Patch, part: Tile, box: Tile, out: Array, known: NDArray[np.bool_]
    ) -> None:
        """Copy a part of a patch to its place in a box."""
        tile, values = patch
        both = part.coarser(self._factors).intersection(box)
        if both is not None:
            place = both.slices_within(box)
            out[place], known[place] = _sampled(values, tile, both, self._factors), True

    def _from_store(self, values: Any) -> tuple[int, ...]:
        """Values for each axis of the store, in the layer's order."""
        back = np.argsort(self.pyramid.order)
        return tuple(int(values[i]) for i in back)


def _box_of(index: Any, shape: tuple[int, ...], *, keep_last: bool) -> tuple[Tile, tuple[Any, ...]]:
    """The box that an index needs, and the index inside the box.

    Parameters
    ----------
    index
        As of a NumPy array, without new axes and without masks.
    shape
        The array's shape.
    keep_last
        Take all of the last axis.
    """
    given = list(index if isinstance(index, tuple) else (index,))
    if not any(part is Ellipsis for part in given):
        given.append(Ellipsis)
    at = next(i for i, part in enumerate(given) if part is Ellipsis)
    given[at : at + 1] = [slice(None)] * (len(shape) - len(given) + 1)
    starts: list[int] = []
    stops: list[int] = []
    inside: list[Any] = []
    for axis, (part, length) in enumerate(zip(given, shape, strict=True)):
        is_kept = keep_last and axis == len(shape) - 1
        if isinstance(part, slice):
            taken = range(*part.indices(length))
            low, high = (min(taken), max(taken) + 1) if taken else (0, 0)
            low, high = (0, length) if is_kept else (low, high)
            start, stop = taken.start - low, taken.start - low + len(taken) * taken.step
            inside.append(slice(start, stop if stop >= 0 else None, taken.step))
        else:
            places = np.asarray(part)
            places = np.where(places < 0, places + length, places)
            low, high = int(places.min()), int(places.max()) + 1
            if low < 0 or high > length:
                raise IndexError(f"{part} is outside of 0 to {length - 1}")
            low, high = (0, length) if is_kept else (low, high)
            inside.append(places - low)
        starts.append(low)
        stops.append(high)
    return Tile(tuple(starts), tuple(stops)), tuple(inside)


def _sampled(values: Array, tile: Tile, box: Tile, factors: tuple[int, ...]) -> Array:
    """A tile's values in a box of a coarser level: of several pixels one."""
    index = [
        np.clip(np.arange(a, b) * factor - start, 0, length - 1)
        for a, b, factor, start, length in zip(
            box.start, box.stop, factors, tile.start, tile.shape, strict=True
        )
    ]
    taken: Array = values[np.ix_(*index)]
    return taken


def _loaded(path: Path) -> Array | None:
    """A tile's values; None if they have gone into the store just now."""
    try:
        values: Array = np.load(path, mmap_mode="r")
    except (OSError, ValueError):
        return None
    return values


def _with_alpha(colours: Array, known: NDArray[np.bool_]) -> Array:
    """Colours with an alpha that is opaque where they are known."""
    opaque = np.iinfo(colours.dtype).max if colours.dtype.kind in "ui" else 1
    alpha = np.where(known[..., :1], colours.dtype.type(opaque), colours.dtype.type(0))
    if colours.shape[-1] == 4:
        return np.where(known, colours, 0).astype(colours.dtype)
    return np.concatenate([colours, alpha], axis=-1)
