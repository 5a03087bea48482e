"""An image that is restored tile by tile: its tiles, their progress, and the result on disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from napari_dip.data.grid import Tile, adjacent_grid
from napari_dip.errors import UserError
from napari_dip.files.atomic import FileError, reason, remove_leftovers
from napari_dip.files.ome_zarr import OmeZarrStore
from napari_dip.scheduling.item import Outcome, Status
from napari_dip.tiling.blend import blend
from napari_dip.tiling.item import TileItem
from napari_dip.tiling.plan import (
    MosaicRequest,
    TilingPlan,
    finished_plan,
    make_plan,
    tile_layout,
    unfinished_plan,
    write_plan,
)


@dataclass(frozen=True)
class WaitingTile:
    """A tile that is restored and waits for its neighbours to be blended with.

    Attributes
    ----------
    tile
        Where it lies in the result.
    core
        The tile up to the middle of its overlaps: beyond, a neighbour counts more.
    values
        The file of its values.
    """

    tile: Tile
    core: Tile
    values: Path


@dataclass(frozen=True)
class MosaicState:
    """Progress of a mosaic, in the result's pixels and the image's order of axes.

    Attributes
    ----------
    written
        Chunks of the result that are in the store.
    waiting
        Tiles that are restored and can't be written yet.
    """

    written: tuple[Tile, ...] = ()
    waiting: tuple[WaitingTile, ...] = ()


class ResultExists(UserError):
    """The result exists, and the caller asked neither to resume nor to replace it."""


class Mosaic:
    """One image that is restored tile by tile, and its progress.

    Use `Mosaic.create` to begin, `Mosaic.resume` to go on, or `Mosaic.open` for either.

    Parameters
    ----------
    plan
        The plan of the tiles, with the request that it was made for.
    is_new
        Nothing of it was there before.
    is_complete
        The result is finished.

    Attributes
    ----------
    folder
        Where tiles are kept until they are blended.
    order
        For each axis of the result's store, the number of the image's axis.
    store
        The result.
    grid, chunks
        The tiles and the store's chunks, in the result's pixels and the image's order of axes.
    items
        Tiles to restore, in their order, by where they lie in the result; none if the result was
        complete before.
    """

    def __init__(
        self, plan: TilingPlan, *, is_new: bool = False, is_complete: bool = False
    ) -> None:
        self.request, self.plan = plan.request, plan
        self.is_new, self.is_complete = is_new, is_complete
        request = plan.request
        self.output, self.folder = request.output, _folder(request)
        source, factors = request.source, plan.factors
        with source.open() as image:
            shape, axes = image.shape, image.axes
            self._dtype = np.dtype(plan.dtype or image.dtype)
        self._layout = tile_layout(source.axis_plan, shape, request.tile, request.overlap)
        self.grid = self._layout.grid.scaled(factors)
        self._overlaps = tuple(o * f for o, f in zip(self._layout.overlaps, factors, strict=True))
        ordered, self.order = axes.finer(factors).ordered()
        pairs = zip(ordered.letters, self.order, strict=True)
        loop_axes = "".join(a for a, i in pairs if source.axes[i] in source.axis_plan.loop_axes)
        self.store = OmeZarrStore(self.output, ordered, loop_axes=loop_axes)
        chunks = self.store.chunks(self._ordered(self.grid.shape))
        sides = [chunks[place] for place in np.argsort(self.order)]
        self.chunks = adjacent_grid(self.grid.shape, sides)
        self.items = {} if is_complete else self._items()
        self._by_name = {item.name: tile for tile, item in self.items.items()}
        self._done: set[Tile] = set()
        self._written: set[Tile] = set()

    @classmethod
    def create(
        cls,
        request: MosaicRequest,
        *,
        overwrite: bool = False,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Self:
        """Read the image once, plan its tiles, and begin an empty result.

        With `overwrite`, a result that exists is replaced. `should_stop` is asked while the image
        is read.

        Raises
        ------
        ResultExists
            When there is a result already, finished or not.
        UserError
            When something can't be used; then nothing is written.
        Stopped
            When `should_stop` said so.
        """
        folder = _folder(request)
        for path in (request.output, folder):
            if path.exists() and not overwrite:
                raise ResultExists(
                    f"output: {path} exists already; go on with --resume (resume=True in "
                    "Python; the settings must be the same), or replace it with --force "
                    "(overwrite=True)"
                )
        mosaic = cls(make_plan(request, should_stop), is_new=True)
        try:
            if folder.exists():
                shutil.rmtree(folder)
            shape, is_colour = mosaic._ordered(mosaic.grid.shape), "S" in request.source.axes
            mosaic.store.create(shape, mosaic._dtype, colour=is_colour)
            write_plan(folder, mosaic._record(), mosaic.plan)
        except OSError as error:
            raise FileError(f"output: {request.output} can't be made ({reason(error)})") from error
        return mosaic

    @classmethod
    def resume(cls, request: MosaicRequest) -> Self | None:
        """Go on with an earlier run of the same request; None if there is none.

        A result that is complete is not begun again: then there are no items.
        """
        with request.source.open() as image:
            record = request.record(image)
        if values := finished_plan(request.output, record):
            return cls(TilingPlan.from_dict(values, request), is_complete=True)
        folder = _folder(request)
        values = unfinished_plan(folder, record) if request.output.exists() else None
        if values is None:
            return None
        remove_leftovers(folder)
        return cls(TilingPlan.from_dict(values, request))

    @classmethod
    def open(
        cls,
        request: MosaicRequest,
        *,
        resume: bool = False,
        overwrite: bool = False,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Self:
        """Resume if that is asked for and possible, else create; errors as in `create`."""
        mosaic = cls.resume(request) if resume else None
        return mosaic or cls.create(request, overwrite=overwrite, should_stop=should_stop)

    @property
    def words(self) -> str:
        """How the axes are fitted, such as "3 channels jointly, 25 slices in 3-D"."""
        return self.request.source.axis_plan.words(self._layout.grid.shape)

    @property
    def state(self) -> MosaicState:
        """The progress by now."""
        waiting = [
            WaitingTile(tile, tile.core(self.grid.shape, self._overlaps), item.values)
            for tile, item in self.items.items()
            if tile in self._done and not self._is_written(tile)
        ]
        return MosaicState(tuple(self._written), tuple(waiting))

    def take(self, outcome: Outcome) -> Outcome:
        """Take the outcome of a tile, and write all chunks whose tiles are now complete.

        Returns
        -------
        Outcome
            The same, or that the tile failed, if its values could not be written.
        """
        tile = self._by_name.get(outcome.name)
        if tile is None or outcome.status not in (Status.DONE, Status.KEPT):
            return outcome
        self._done.add(tile)
        try:
            for chunk in self.chunks.touching(tile):
                near = self.grid.touching(chunk)
                if self._done.issuperset(near):
                    self._blend(chunk, near)
                    self._forget(near)
            if len(self._written) == len(self.chunks):
                self._finish()
        except FileError as error:
            return replace(outcome, status=Status.FAILED, error=str(error))
        return outcome

    def _items(self) -> dict[Tile, TileItem]:
        coarse = self._layout.grid.tiles()
        return {
            fine: TileItem(
                image_name=self.request.name or self.request.source.path.name,
                plan=self.plan,
                tile=tile,
                folder=self.folder,
                previous=self._previous(tile) if self.request.is_warm_started else None,
            )
            for fine, tile in zip(self.grid.tiles(), coarse, strict=True)
        }

    def _previous(self, tile: Tile) -> Tile | None:
        """The same tile of the frame or slice before, or None for the first."""
        source = self.request.source
        axis = source.axes.index(source.series_axis)
        if tile.start[axis] == 0:
            return None
        step = [int(i == axis) for i in range(len(source.axes))]
        start = tuple(a - s for a, s in zip(tile.start, step, strict=True))
        return Tile(start, tuple(b - s for b, s in zip(tile.stop, step, strict=True)))

    def _record(self) -> dict[str, Any]:
        with self.request.source.open() as image:
            return self.request.record(image)

    def _ordered(self, values: tuple[int, ...]) -> tuple[int, ...]:
        """Values for each of the image's axes, in the order of the store's."""
        return tuple(values[place] for place in self.order)

    def _is_written(self, tile: Tile) -> bool:
        return self._written.issuperset(self.chunks.touching(tile))

    def _blend(self, chunk: Tile, near: list[Tile]) -> None:
        """Write a chunk, unless an earlier run has: then values may be gone."""
        if all(self.items[tile].values.exists() for tile in near):
            values = ((tile, np.load(self.items[tile].values, mmap_mode="r")) for tile in near)
            blended = blend(chunk, values, self.grid.shape, self._overlaps)
            place = Tile(self._ordered(chunk.start), self._ordered(chunk.stop))
            self.store.write(place, blended.transpose(self.order))
        self._written.add(chunk)

    def _forget(self, tiles: list[Tile]) -> None:
        """Remove the values of tiles that are written whole."""
        for tile in tiles:
            if self._is_written(tile):
                self.items[tile].values.unlink(missing_ok=True)

    def _finish(self) -> None:
        report = {"request": self._record(), **self.plan.to_dict(), "tiles": len(self.items)}
        self.store.finish(report)
        shutil.rmtree(self.folder)
        self.is_complete = True


def _folder(request: MosaicRequest) -> Path:
    """The folder of tiles that are not in the result yet."""
    return request.output.with_name(f"{request.output.name}.parts")
