"""An image that is restored tile by tile in this process, into an OME-Zarr.

It is planned, fitted, blended and resumed as `restore_large` does it; here each fit is watched.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.grid import Tile
from napari_dip.data.metrics import psnr
from napari_dip.errors import UserError
from napari_dip.restoration.result import Update, filled_words
from napari_dip.restoration.series import warm_settings
from napari_dip.scheduling.item import Outcome, Status, Stopped
from napari_dip.scheduling.worker import run_in_process
from napari_dip.tasks.base import Task
from napari_dip.tiling.item import TileItem
from napari_dip.tiling.mosaic import Mosaic, MosaicState
from napari_dip.tiling.restore import TiledRestoration
from napari_dip.ui.layers.kwargs import displayable
from napari_dip.ui.layers.provenance import READING
from napari_dip.ui.restore.partial_pyramid import PartialPyramid, Patch
from napari_dip.ui.restore.partition import Start
from napari_dip.ui.restore.request import RestoreRequest, TemporaryFolder
from napari_dip.ui.restore.run import RestoredImage, RestoreUpdate
from napari_dip.ui.run.timeline import Snapshot

Array = NDArray[Any]


@dataclass(frozen=True)
class TiledUpdate(RestoreUpdate):
    """The progress of a tiled run.

    Attributes
    ----------
    state
        Which tiles are written, and which wait for their neighbours.
    latest
        The tile that was fitted last, with its image.
    """

    state: MosaicState = field(default_factory=MosaicState)
    latest: Patch | None = field(default=None, repr=False)


class TiledImage(RestoredImage):
    """An image that is restored tile by tile; its layer fills in as tiles are fitted.

    Parameters
    ----------
    request
        What to do.

    Attributes
    ----------
    mosaic
        The tiles; None until the image is surveyed.
    outcomes
        How tiles have ended, so far.
    """

    def __init__(self, request: RestoreRequest) -> None:
        super().__init__(request)
        self.mosaic: Mosaic | None = None
        self.outcomes: list[Outcome] = []
        self._folder: TemporaryFolder | Path = request.folder or TemporaryFolder()
        self._pyramid: PartialPyramid | None = None
        self._levels: Any = None
        self._reference: Patch | None = None

    @property
    def task(self) -> Task:
        if self.mosaic is None:
            return self.request.task
        return next(iter(self.mosaic.plan.groups.values())).task

    def report(self, result: TiledRestoration | None) -> dict[str, Any]:
        output = None if self.mosaic is None else str(self.mosaic.output)
        report = {"partition": self.request.partition.words, "output": output}
        if result is None:
            return report
        return report | {
            "tiles": [result.done, result.count],
            "device": result.device,
            "seconds": result.seconds,
            "stop_reason": result.stop_reason,
            "notes": [note.to_dict() for note in result.notes],
            READING: [record.to_dict() for record in result.readings],
        }

    def updates(
        self, should_stop: Callable[[], bool], publish: Callable[[RestoreUpdate], None]
    ) -> Iterator[RestoreUpdate]:
        folder = self._folder
        try:
            mosaic = self.mosaic = self.request.mosaic(
                folder if isinstance(folder, Path) else folder.path, should_stop
            )
        except Stopped:
            return
        # Opened now: an empty result is removed at the end, and its layer may be drawn after that.
        rgb = self.request.source.rgb
        self._show(PartialPyramid(mosaic.store, mosaic.order, rgb, keep=folder))
        iterations = {item.name: _expected_iterations(item) for item in mosaic.items.values()}
        numbers = _numbers(mosaic, self.request.partition.loop_axes)
        began, latest = time.monotonic(), TiledUpdate(0, 0, 0, state=mosaic.state)

        def update(**changes: Any) -> TiledUpdate:
            nonlocal latest
            latest = replace(
                latest,
                iteration=sum(iterations[outcome.name] for outcome in self.outcomes),
                iterations=sum(iterations.values()),
                seconds=time.monotonic() - began,
                done=self._done,
                count=len(mosaic.items),
                **changes,
            )
            return latest

        def watched(tile: Tile, item: TileItem) -> TileItem:
            def on_update(fit: Update) -> None:
                image = displayable(item.with_loop_axes(fit.image))
                fit = replace(fit, image=image, psnr=self._psnr(image, tile), result=None)
                iterations[item.name] = fit.iterations
                number, start = numbers[tile], tile.start
                publish(update(start=start, fit=fit, tile_number=number, latest=(tile, image)))

            return replace(item, on_update=on_update)

        items = [watched(tile, item) for tile, item in mosaic.items.items()]
        for outcome in run_in_process(items, resume=True, should_stop=should_stop):
            self.outcomes.append(mosaic.take(outcome))
            if self.outcomes[-1].status is Status.FAILED and not self._done:
                raise UserError(self.outcomes[-1].error)
            yield update(fit=None, state=mosaic.state)
        device, seconds = self.request.device, time.monotonic() - began
        count = len(mosaic.items)
        result = TiledRestoration.of(mosaic.output, self.outcomes, count, seconds, device)
        yield update(fit=None, result=replace(result, **mosaic.plan.told))

    def clean_up(self, *, is_discarded: bool) -> None:
        """Remove a result that is discarded or empty, unless it was there before this run."""
        mosaic = self.mosaic
        if mosaic is None or not mosaic.is_new:
            return
        if not self._done or (is_discarded and isinstance(self._folder, TemporaryFolder)):
            for path in (mosaic.output, mosaic.folder):
                shutil.rmtree(path, ignore_errors=True)

    def data(self, update: RestoreUpdate | None, shown: Mapping[Start, Snapshot]) -> Any:
        assert self._pyramid is not None  # it is there before the first update
        if isinstance(update, TiledUpdate):
            self._pyramid.state, self._pyramid.live = update.state, update.latest
        self._pyramid.chosen = tuple(
            (Tile(start, tuple(map(sum, zip(start, s.image.shape, strict=True)))), s.image)
            for start, s in shown.items()
        )
        return self._levels

    def finish(self, result: TiledRestoration) -> tuple[float, str]:
        if result.is_complete and self._pyramid is not None:
            self._show(self._pyramid.whole())
        return result.done / max(1, result.count), self._summary(result)

    def _show(self, pyramid: PartialPyramid) -> None:
        is_multiscale = self.request.is_multiscale
        levels = pyramid.levels(pyramid=is_multiscale)
        self._pyramid, self._levels = pyramid, levels if is_multiscale else levels[0]

    def _summary(self, result: TiledRestoration) -> str:
        """What the run has restored, and where the result is."""
        is_temporary = isinstance(self._folder, TemporaryFolder)
        path = "" if self.mosaic is None else self.mosaic.output
        if result.is_complete:
            text = f"Done: {result.iterations} iterations in {result.seconds:.0f} s"
            if not result.iterations:
                text = "Done: it was there already"
            if result.filled is not None:
                text = f"{text}; {filled_words(result.filled)}"
            kind = " as .ome.zarr" if self.request.is_multiscale else ""
            return f"{text}; save the layer{kind} to keep it" if is_temporary else f"{text}; {path}"
        if not result.done:
            return "Stopped: nothing is done yet"
        tiles = f"{result.count} {self.request.partition.plural}"
        text = f"Stopped: {result.done} of {tiles} are done"
        if result.failures:
            text = f"{len(result.failures)} of {tiles} failed: {result.failures[0]}"
        return text if is_temporary else f"{text}; Run goes on with them ({path})"

    def _psnr(self, image: Array, tile: Tile) -> float | None:
        """The PSNR of a tile, if there is a reference."""
        crop, mosaic = self.request.reference, self.mosaic
        if crop is None or mosaic is None:
            return None
        if self._reference is None or self._reference[0] != tile:
            self._reference = tile, crop[tile.slices[len(tile.start) - len(crop.shape) :]]
        reference = np.broadcast_to(self._reference[1], image.shape)
        return psnr(image, reference, mosaic.plan.data_range)

    @property
    def _done(self) -> int:
        return sum(outcome.status in (Status.DONE, Status.KEPT) for outcome in self.outcomes)


def _expected_iterations(item: TileItem) -> int:
    """The iterations of a tile's fit, unless a scene cut precedes it or it is stopped early."""
    task = item.plan.group(item.tile).task
    if item.previous is not None:
        task = warm_settings(task)
    return (task.runs or 1) * (task.iterations or 1)


def _numbers(mosaic: Mosaic, loop_axes: tuple[int, ...]) -> dict[Tile, int]:
    """Each tile's number in its frame, from 1 on."""
    seen = Counter[Start]()
    numbers = {}
    for tile in mosaic.items:
        frame = tuple(tile.start[axis] for axis in loop_axes)
        seen[frame] += 1
        numbers[tile] = seen[frame]
    return numbers
