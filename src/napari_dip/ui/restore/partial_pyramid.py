"""A picture that is restored part by part, as an array that a layer shows while it grows.

What is in the store is read from there, blocks that wait for their neighbours from their files, and
what is being fitted from memory. All else is transparent, so that the source is seen below.
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
"""A box, at the finest level, with its values."""


@dataclass
class PartialPyramid:
    """What there is of a picture; its `levels` are a layer's data.

    Attributes
    ----------
    store
        Where it is written to.
    order
        For each axis of the store the layer's axis that it is.
    rgb
        Whether the layer's last axis holds samples of a colour.
    state
        What is written, and what waits.
    live
        The block that is being fitted, as it is now.
    chosen
        Earlier iterations that are shown in place of what is written.
    is_whole
        Whether all of it is written.
    keep
        What has to live as long as the layer: a temporary folder.
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
        # Opened now: what comes to nothing is removed, and may be looked at after that.
        self._count = len(self.store.levels)

    def levels(self, *, pyramid: bool) -> list[PyramidLevel]:
        """The picture at all levels, or at the finest alone."""
        return [PyramidLevel(self, i) for i in range(self._count if pyramid else 1)]

    def whole(self) -> PartialPyramid:
        """The picture when all of it is written: in its own number format, without transparency."""
        return replace(self, state=MosaicState(), live=None, is_whole=True)


class PyramidLevel:
    """One level of a growing picture: an array for layers, read when it is indexed.

    It takes whole numbers, slices and arrays of places, as NumPy does. Until the picture is whole,
    what is missing is NaN; a colour has an alpha instead, which is 0 there.

    Parameters
    ----------
    picture
        Of which it is a level.
    level
        0 for the finest.
    """

    def __init__(self, picture: PartialPyramid, level: int) -> None:
        self.picture, self.level = picture, level
        array = picture.store.levels[level]
        self._factors = self._from_store(picture.store.factors(level))
        self._samples = int(self._from_store(array.shape)[-1]) if picture.rgb else 0
        self._stored: tuple[int, ...] = self._from_store(array.shape)
        self._dtype = displayable(np.empty(0, array.dtype)).dtype

    @property
    def shape(self) -> tuple[int, ...]:
        if self._samples and not self.picture.is_whole:
            return (*self._stored[:-1], 4)
        return self._stored

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a picture with gaps that of NaN, which is transparent; a colour has an alpha."""
        has_gaps = not (self.picture.is_whole or self._samples)
        return np.dtype(np.float32) if has_gaps else self._dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __getitem__(self, index: Any) -> Array:
        box, rest = _split(index, self.shape)
        if not all(box.shape):
            return np.empty(box.shape, self.dtype)[rest]
        if self._samples:  # alpha is made of all of them
            sample = self.ndim - 1
            rest = (*rest[:sample], _moved(rest[sample], box.start[sample]))
            box = Tile((*box.start[:sample], 0), (*box.stop[:sample], self._samples))
        return self._values(box)[rest]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self[...], dtype)

    def _read(self, box: Tile) -> Array:
        """What is in the store."""
        order = self.picture.order
        ordered = Tile(
            tuple(box.start[axis] for axis in order), tuple(box.stop[axis] for axis in order)
        )
        values = self.picture.store.read(self.level, ordered)
        return values.transpose(np.argsort(order)).astype(self._dtype, copy=False)

    def _values(self, box: Tile) -> Array:
        """All that is seen in a box."""
        picture = self.picture
        known = np.full(box.shape, picture.is_whole)
        out = self._read(box) if picture.is_whole else self._gathered(box, known)
        for patch in picture.chosen:
            self._paste(patch, patch[0], box, out, known)
        return _with_alpha(out, known) if self._samples and not picture.is_whole else out

    def _gathered(self, box: Tile, known: NDArray[np.bool_]) -> Array:
        """What there is of a box by now."""
        state, live = self.picture.state, self.picture.live
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
        """Put a part of a patch to its place in a box."""
        block, values = patch
        both = part.coarser(self._factors).intersection(box)
        if both is not None:
            here = both.slices_within(box)
            out[here], known[here] = _sampled(values, block, both, self._factors), True

    def _from_store(self, values: Any) -> tuple[int, ...]:
        """An entry for each axis of the store, in the layer's order."""
        back = np.argsort(self.picture.order)
        return tuple(int(values[i]) for i in back)


def _split(index: Any, shape: tuple[int, ...]) -> tuple[Tile, tuple[Any, ...]]:
    """The box that holds what is asked for, and what that is in the box."""
    given = list(index if isinstance(index, tuple) else (index,))
    if any(part is Ellipsis for part in given):
        at = next(i for i, part in enumerate(given) if part is Ellipsis)
        given[at : at + 1] = [slice(None)] * (len(shape) - len(given) + 1)
    given += [slice(None)] * (len(shape) - len(given))
    starts: list[int] = []
    stops: list[int] = []
    rest: list[Any] = []
    for part, length in zip(given, shape, strict=True):
        if isinstance(part, slice):
            taken = range(*part.indices(length))
            low, high = (min(taken), max(taken) + 1) if len(taken) else (0, 0)
            first = taken[0] - low if len(taken) else 0
            rest.append(_within(first, len(taken), taken.step))
        else:
            places = np.asarray(part)
            places = np.where(places < 0, places + length, places)
            low, high = int(places.min()), int(places.max()) + 1
            if low < 0 or high > length:
                raise IndexError(f"{part} is outside of 0 to {length - 1}")
            rest.append(places - low)
        starts.append(low)
        stops.append(high)
    return Tile(tuple(starts), tuple(stops)), tuple(rest)


def _moved(part: Any, by: int) -> Any:
    """An index into an array that begins earlier by so much."""
    if not isinstance(part, slice):
        return part + by
    return slice(part.start + by, None if part.stop is None else part.stop + by, part.step)


def _within(first: int, count: int, step: int) -> slice:
    last = first + count * step
    return slice(first, last if last >= 0 else None, step)


def _sampled(values: Array, block: Tile, box: Tile, factors: tuple[int, ...]) -> Array:
    """A block's values in a box of a coarser level, a pixel of many for each."""
    index = [
        np.clip(np.arange(a, b) * factor - start, 0, length - 1)
        for a, b, factor, start, length in zip(
            box.start, box.stop, factors, block.start, block.shape, strict=True
        )
    ]
    taken: Array = values[np.ix_(*index)]
    return taken


def _loaded(path: Path) -> Array | None:
    """A block's values; none when they have gone into the store just now."""
    try:
        values: Array = np.load(path, mmap_mode="r")
    except (OSError, ValueError):
        return None
    return values


def _with_alpha(colours: Array, known: NDArray[np.bool_]) -> Array:
    """Colours that are seen where they are known."""
    opaque = np.iinfo(colours.dtype).max if colours.dtype.kind in "ui" else 1
    alpha = np.where(known[..., :1], colours.dtype.type(opaque), colours.dtype.type(0))
    if colours.shape[-1] == 4:
        return np.where(known, colours, 0).astype(colours.dtype)
    return np.concatenate([colours, alpha], axis=-1)
