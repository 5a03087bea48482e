"""A restoration of many parts in this process: frames, slices or blocks, into an OME-Zarr.

It is planned, fitted, blended and resumed as `restore_large` does it; what is different is that
each fit is watched.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.grid import Tile
from napari_dip.data.metrics import psnr
from napari_dip.errors import UserError
from napari_dip.restoration.result import Update
from napari_dip.restoration.series import warm_settings
from napari_dip.scheduling.item import Item, Outcome, Status, Stopped
from napari_dip.scheduling.worker import run_in_process
from napari_dip.tiling.item import OnUpdate, TileItem
from napari_dip.tiling.mosaic import Mosaic, MosaicState
from napari_dip.ui.layers.kwargs import displayable
from napari_dip.ui.restore.partition import Start
from napari_dip.ui.restore.request import Temporary, TiledRequest
from napari_dip.ui.restore.tiled_array import PartialPyramid
from napari_dip.ui.run.thread import RunThread
from napari_dip.ui.run.timeline import CurvePoint, Snapshot, Timelines

Array = NDArray[Any]


@dataclass(frozen=True)
class TiledResult:
    """What came of a run.

    Attributes
    ----------
    done, count
        Parts that are finished, and all of them.
    failed
        Why parts could not be restored.
    iterations, seconds, device
        What was done in this run, and where.
    """

    done: int
    count: int
    failed: tuple[str, ...]
    iterations: int
    seconds: float
    device: str

    @property
    def stop_reason(self) -> str:
        """As in a restoration's report."""
        if self.done == self.count:
            return "budget"
        return "failed" if self.failed else "cancelled"


@dataclass(frozen=True)
class TiledUpdate:
    """Where a run is.

    Attributes
    ----------
    state
        What is written and what waits.
    done, count
        Finished parts, and all of them.
    iteration, iterations, seconds
        Over all parts, as far as can be foreseen; a Pace's.
    block
        The part that is being fitted, if any is.
    fit
        How far its fit is, with an image that is laid out as the block is.
    result
        On the last update.
    """

    state: MosaicState
    done: int
    count: int
    iteration: int
    iterations: int
    seconds: float
    block: Tile | None = None
    fit: Update | None = field(default=None, repr=False)
    result: TiledResult | None = None


@dataclass(frozen=True)
class WatchedItem(Item):
    """A block that tells how its fit goes; it stays in this process."""

    item: TileItem
    watch: OnUpdate

    @property
    def name(self) -> str:
        return self.item.name

    def finished(self) -> dict[str, Any] | None:
        return self.item.finished()

    def run(self, should_stop: Callable[[], bool]) -> dict[str, Any]:
        return self.item.run(should_stop, self.watch)


class TiledRun(RunThread[TiledUpdate]):
    """A restoration part by part.

    Parameters
    ----------
    request
        What to do.
    snapshot_bytes
        Memory for the timelines' snapshots, of all parts together.
    """

    def __init__(self, request: TiledRequest, snapshot_bytes: int = 256_000_000) -> None:
        super().__init__(self._updates)
        self.request = request
        self.mosaic: Mosaic | None = None
        self.picture: PartialPyramid | None = None
        """What there is to see, once there is a mosaic; the window says what of it."""
        self.place: Temporary | Path = request.folder or Temporary()
        """Where the result is."""
        self.reports: dict[Start, tuple[CurvePoint, ...]] = {}
        """Each frame's or slice's curve, by where it begins; of blocks that of the latest."""
        count = math.prod(request.division.shape[axis] for axis in request.division.each)
        self.timelines = Timelines(snapshot_bytes, count)
        """Of each frame or slice that is fitted as a whole, by where it begins."""
        self.live: tuple[Tile, Array] | None = None
        """The part that was fitted last, as it was then."""
        self._truth: tuple[Tile, Array] | None = None
        self._outcomes: list[Outcome] = []

    def _updates(self, should_stop: Callable[[], bool]) -> Iterator[TiledUpdate]:
        folder = self.place.path if isinstance(self.place, Temporary) else self.place
        try:
            self.mosaic = mosaic = self.request.mosaic(folder, should_stop)
        except Stopped:
            return
        rgb = self.request.asked.source.rgb
        self.picture = PartialPyramid(mosaic.store, mosaic.order, rgb, keep=self.place)
        items = mosaic.items
        expected = {item.name: _expected(item) for item in items.values()}
        began = time.monotonic()
        state = mosaic.state

        def update(**fit: Any) -> TiledUpdate:
            return TiledUpdate(
                state=state,
                done=self._count(Status.DONE, Status.KEPT),
                count=len(items),
                iteration=sum(expected[outcome.name] for outcome in self._outcomes),
                iterations=sum(expected.values()),
                seconds=time.monotonic() - began,
                **fit,
            )

        def watch(item: TileItem, block: Tile) -> OnUpdate:
            def note(fit: Update) -> None:
                fit = self._noted(fit, item, block)
                expected[item.name] = fit.iterations
                self._publish(update(block=block, fit=fit))

            return note

        watched = [WatchedItem(item, watch(item, block)) for block, item in items.items()]
        try:
            for outcome in run_in_process(watched, resume=True, should_stop=should_stop):
                self._outcomes.append(mosaic.take(outcome))
                state = mosaic.state
                result = self._result(len(items), time.monotonic() - began)
                if result.failed and not result.done:
                    raise UserError(result.failed[0])
                yield update()
            yield replace(update(), result=self._result(len(items), time.monotonic() - began))
        finally:
            # What an earlier run has left stays: that this one goes on with it takes nothing back.
            nothing = not self._count(Status.DONE, Status.KEPT)
            is_dropped = self._discarding and isinstance(self.place, Temporary)
            if mosaic.is_new and (is_dropped or nothing):
                for path in (mosaic.output, mosaic.parts):
                    shutil.rmtree(path, ignore_errors=True)

    def _noted(self, fit: Update, item: TileItem, block: Tile) -> Update:
        """An update of a part's fit, its image laid out as the part is, on the timeline."""
        image = displayable(item.laid_out(fit.image))
        fit = replace(fit, image=image, psnr=self._psnr(image, block), result=None)
        self.live = block, fit.image
        report = CurvePoint(fit.iteration, fit.loss, fit.psnr)
        reports = {block.start: (*self.reports.get(block.start, ()), report)}
        if self.request.division.blocks == 1:
            self.timelines.add(block.start, Snapshot(fit.iteration, fit.image, fit.psnr))
            reports = self.reports | reports
        self.reports = reports
        return fit

    def _psnr(self, image: Array, block: Tile) -> float | None:
        """Of a part, if there is a reference."""
        crop, mosaic = self.request.asked.reference, self.mosaic
        if crop is None or mosaic is None:
            return None
        if self._truth is None or self._truth[0] != block:
            self._truth = block, crop[block.slices[len(block.start) - len(crop.shape) :]]
        truth = np.broadcast_to(self._truth[1], image.shape)
        return psnr(image, truth, mosaic.plan.data_range)

    def _count(self, *statuses: Status) -> int:
        return sum(outcome.status in statuses for outcome in self._outcomes)

    def _result(self, count: int, seconds: float) -> TiledResult:
        told = [outcome.report or {} for outcome in self._outcomes]
        fitted = [report for report in told if "device" in report]
        failed = [o.error for o in self._outcomes if o.status is Status.FAILED]
        return TiledResult(
            done=self._count(Status.DONE, Status.KEPT),
            count=count,
            failed=tuple(failed),
            iterations=sum(report["iterations"] for report in fitted),
            seconds=seconds,
            device=fitted[-1]["device"] if fitted else self.request.asked.device,
        )


def _expected(item: TileItem) -> int:
    """The iterations that a part takes, unless there is a cut before it, or it is stopped early."""
    task = item.plan.group(item.block).task
    if item.before is not None:
        task = warm_settings(task)
    return (task.runs or 1) * (task.iterations or 1)
