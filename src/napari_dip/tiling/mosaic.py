"""How far a picture has come that is restored block by block."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_dip.data.axes import Axes
from napari_dip.data.grid import Tile, tile
from napari_dip.errors import UserError
from napari_dip.files.atomic import FileError, reason, remove_leftovers
from napari_dip.files.ome_zarr import OmeZarrStore
from napari_dip.scheduling.item import Outcome, Status
from napari_dip.tasks.base import Task
from napari_dip.tiling.blend import blend
from napari_dip.tiling.item import TileItem
from napari_dip.tiling.plan import (
    TilingPlan,
    begin,
    begun,
    blocks_for,
    make_plan,
    recorded,
    request_of,
)
from napari_dip.tiling.source import TiledPicture


@dataclass(frozen=True)
class WaitingTiles:
    """A block that is done and waits for its neighbours.

    Attributes
    ----------
    block
        Where it lies in the result.
    core
        The same up to the middle of its overlaps: beyond, a neighbour counts more.
    values
        The file of its values.
    """

    block: Tile
    core: Tile
    values: Path


@dataclass(frozen=True)
class MosaicState:
    """How far a picture has come, in the pixels and the order of axes of its source's result.

    Attributes
    ----------
    written
        Boxes that are in the store.
    waiting
        Blocks that are done and can't be written yet.
    """

    written: tuple[Tile, ...] = ()
    waiting: tuple[WaitingTiles, ...] = ()


class ResultExists(UserError):
    """There is a result already, and nobody said what is to become of it."""


class Mosaic:
    """One picture of a run, and how far it has come.

    Parameters
    ----------
    source
        The picture, and what is beside it.
    output
        The OME-Zarr to write.
    task
        What to do.
    name
        What blocks are called by; the file's if not given.
    block, overlap
        Pixels along y and x; without a block pictures are not cut.
    data_range, seed, device
        As in `restore`.
    warm
        Frames (or slices, that are fitted one by one) start from the weights of the one before.
    resume
        Go on with what an earlier run of the same settings has left.
    overwrite
        Replace a result that exists.
    should_stop
        Asked while the picture is gone over.

    Attributes
    ----------
    items
        By where their results lie, in their order; none of a result that was there already.
    grid, chunks
        The blocks and the store's chunks, in the result's pixels and the source's order of axes.
    order
        For each axis of the store the source's axis that it is.
    is_new, is_complete
        Whether nothing was there before, and whether all is there now.

    Raises
    ------
    UserError
        When something can't be used; then nothing is written.
    Stopped
        When `should_stop` said so.
    """

    def __init__(
        self,
        source: TiledPicture,
        output: Path,
        task: Task,
        *,
        name: str = "",
        block: int | None,
        overlap: int,
        data_range: float | None = None,
        seed: int = 0,
        device: str = "auto",
        warm: bool = True,
        resume: bool = False,
        overwrite: bool = False,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.source, self.output = source, output
        self.name = name or source.path.name
        warm = warm and bool(source.series)
        self.parts = output.with_name(f"{output.name}.parts")
        with source.open() as picture:
            shape, self._dtype, axes = picture.shape, picture.dtype, picture.axes
        ordered, self.order = axes.ordered()
        self.store = OmeZarrStore(output, ordered, loop_axes=source.fitting.each)
        self.layout = blocks_for(source.fitting, shape, block, overlap)
        self.request = request_of(
            source,
            task,
            shape=shape,
            dtype=str(self._dtype),
            block=block,
            overlap=overlap,
            data_range=data_range,
            seed=seed,
            warm=warm,
        )
        self.is_complete = resume and recorded(output) == self.request
        goes_on = resume and not self.is_complete
        before = begun(self.parts, output, self.request) if goes_on else None
        self.is_new = before is None and not self.is_complete
        if before is None and not (self.is_complete or overwrite):
            for path in (output, self.parts):
                if path.exists():
                    raise ResultExists(
                        f"output: {path} exists already; go on with --resume (resume=True in "
                        "Python; the settings must be the same), or replace it with --force "
                        "(overwrite=True)"
                    )
        self.items: dict[Tile, TileItem] = {}
        self._by_name: dict[str, Tile] = {}
        self._done: set[Tile] = set()
        self._written: set[Tile] = set()
        if self.is_complete:
            return
        if before is None:
            self.plan = make_plan(
                source,
                task,
                data_range=data_range,
                seed=seed,
                device=device,
                warm=warm,
                should_stop=should_stop,
            )
        else:
            self.plan = TilingPlan.restored(source, before, seed=seed, device=device, warm=warm)
        self._prepare(axes)

    @property
    def words(self) -> str:
        """How the axes are fitted."""
        return self.source.fitting.words(self.layout.grid.shape)

    @property
    def state(self) -> MosaicState:
        """What there is by now."""
        waiting = [
            WaitingTiles(block, block.core(self.grid.shape, self._overlaps), item.values)
            for block, item in self.items.items()
            if block in self._done and not self._written.issuperset(self.chunks.touching(block))
        ]
        return MosaicState(tuple(self._written), tuple(waiting))

    def _prepare(self, axes: Axes) -> None:
        grid, factors = self.layout.grid, self.plan.factors
        self.grid = grid.scaled(factors)
        self._overlaps = tuple(o * f for o, f in zip(self.layout.overlaps, factors, strict=True))
        for fine, block in zip(self.grid.blocks(), grid.blocks(), strict=True):
            before = self._before(block) if self.plan.warm else None
            self.items[fine] = TileItem(self.name, self.plan, block, self.parts, before)
        self._by_name |= {item.name: block for block, item in self.items.items()}
        axes, _ = axes.finer(factors).ordered()
        self.store = OmeZarrStore(self.output, axes, loop_axes=self.source.fitting.each)
        shape = self._ordered(self.grid.shape)
        chunks = self.store.chunks(shape)
        self.chunks = tile(self.grid.shape, [chunks[place] for place in np.argsort(self.order)])
        if self.is_new:
            self._start(shape)
        else:
            remove_leftovers(self.parts)

    def _before(self, block: Tile) -> Tile | None:
        """The same block of the frame before, or of the slice before."""
        axis = self.source.axes.index(self.source.series)
        if block.start[axis] == 0:
            return None
        step = [int(i == axis) for i in range(len(self.source.axes))]
        start = tuple(a - s for a, s in zip(block.start, step, strict=True))
        return Tile(start, tuple(b - s for b, s in zip(block.stop, step, strict=True)))

    def _ordered(self, values: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(values[place] for place in self.order)

    def _start(self, shape: tuple[int, ...]) -> None:
        try:
            if self.parts.exists():
                shutil.rmtree(self.parts)
            self.store.create(shape, self._dtype, colour="S" in self.source.axes)
            begin(self.parts, self.request, self.plan.decided())
        except OSError as error:
            raise FileError(f"output: {self.output} can't be made ({reason(error)})") from error

    def take(self, outcome: Outcome) -> Outcome:
        """Blend what a block that has ended makes possible.

        A block that is done, yet whose values could not be written, comes back as failed.
        """
        block = self._by_name.get(outcome.name)
        if block is None or outcome.status not in (Status.DONE, Status.KEPT):
            return outcome
        self._done.add(block)
        try:
            for chunk in self.chunks.touching(block):
                near = self.grid.touching(chunk)
                if self._done.issuperset(near):
                    self._blend(chunk, near)
                    self._forget(near)
            if len(self._written) == len(self.chunks):
                self._finish()
        except FileError as error:
            return replace(outcome, status=Status.FAILED, error=str(error))
        return outcome

    def _blend(self, chunk: Tile, near: list[Tile]) -> None:
        """Write a chunk, unless an earlier run has: then values may be gone."""
        if all(self.items[block].values.exists() for block in near):
            values = blend(chunk, self._values(near), self.grid.shape, self._overlaps)
            here = Tile(self._ordered(chunk.start), self._ordered(chunk.stop))
            self.store.write(here, values.transpose(self.order))
        self._written.add(chunk)

    def _forget(self, blocks: list[Tile]) -> None:
        """Remove the values of blocks all of whose chunks are written."""
        for block in blocks:
            if self._written.issuperset(self.chunks.touching(block)):
                self.items[block].values.unlink(missing_ok=True)

    def _values(self, blocks: list[Tile]) -> Iterator[tuple[Tile, Any]]:
        for block in blocks:
            yield block, np.load(self.items[block].values, mmap_mode="r")

    def _finish(self) -> None:
        report = {"request": self.request, **self.plan.decided(), "blocks": len(self.items)}
        self.store.finish(report)
        shutil.rmtree(self.parts)
        self.is_complete = True
