"""A restoration on a thread: its updates, its timelines and curves, and the image that it restores.

A run has one tile or many. `WholeImage` fits one tile, in memory; `TiledImage` (in `tiled_image`)
fits one after another and writes them to an OME-Zarr.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from napari_dip.restoration.result import (
    Restoration,
    Result,
    Update,
    estimate_words,
    filled_words,
)
from napari_dip.tasks.base import Task
from napari_dip.ui.layers.kwargs import displayable
from napari_dip.ui.restore.partition import Start
from napari_dip.ui.restore.request import RestoreRequest
from napari_dip.ui.run.thread import RunThread
from napari_dip.ui.run.timeline import CurvePoint, Snapshot, Timelines

Array = NDArray[Any]


@dataclass(frozen=True)
class RestoreUpdate:
    """The progress of a run.

    Attributes
    ----------
    iteration, iterations, seconds
        Done, in total, and the time, over all tiles; as far as can be foreseen.
    start
        Where the tile begins that was fitted last; None before the first.
    fit
        The progress of that tile's fit, with an image that has the tile's axes; None if the fit
        has ended.
    tile_number
        Which of its frame's tiles it is, from 1 on.
    done, count
        Number of tiles that are finished, and of all tiles.
    result
        How the run ended; on the last update only.
    """

    iteration: int
    iterations: int
    seconds: float
    start: Start | None = None
    fit: Update | None = field(default=None, repr=False)
    tile_number: int = 1
    done: int = 0
    count: int = 1
    result: Result | None = None


class RestoredImage(ABC):
    """The image that a run restores, and what its layer shows of it.

    `updates` and `clean_up` are called on the run's thread, all else on the window's.

    Parameters
    ----------
    request
        What to do.
    """

    def __init__(self, request: RestoreRequest) -> None:
        self.request = request

    @abstractmethod
    def updates(
        self, should_stop: Callable[[], bool], publish: Callable[[RestoreUpdate], None]
    ) -> Iterator[RestoreUpdate]:
        """Restore the image; `publish` takes updates from within a fit."""

    @abstractmethod
    def clean_up(self, *, is_discarded: bool) -> None:
        """Remove files that nobody needs after the end of the run."""

    @abstractmethod
    def data(self, update: RestoreUpdate | None, shown: Mapping[Start, Snapshot]) -> Any:
        """The layer's data after a new update, or after another choice of the shown snapshots."""

    @abstractmethod
    def finish(self, result: Any) -> tuple[float, str]:
        """Take the result; return the fraction that is done, and a summary."""

    @property
    def task(self) -> Task:
        """The settings, as far as they are decided."""
        return self.request.task

    def report(self, result: Any) -> dict[str, Any]:
        """The layer's metadata that depend on the kind of run; `result` is None before the end."""
        return {} if result is None else result.report()


class WholeImage(RestoredImage):
    """An image that is fitted as a whole, in memory."""

    def updates(
        self, should_stop: Callable[[], bool], publish: Callable[[RestoreUpdate], None]
    ) -> Iterator[RestoreUpdate]:
        start = (0,) * len(self.request.partition.shape)
        for fit in self.request.prepare().run(should_stop):
            shown = replace(fit, image=displayable(fit.image))
            done = (fit.iteration, fit.iterations, fit.seconds)
            result = fit.result
            if result is not None:
                result = replace(result, readings=self.request.source.readings)
            yield RestoreUpdate(*done, start, shown, result=result)

    def clean_up(self, *, is_discarded: bool) -> None:
        """There are no files."""

    def data(self, update: RestoreUpdate | None, shown: Mapping[Start, Snapshot]) -> Any:
        return next((snapshot.image for snapshot in shown.values()), None)

    def finish(self, result: Restoration) -> tuple[float, str]:
        return 1, f"{_ENDINGS[result.stop_reason]}: {summary(result)}"


class RestoreRun(RunThread[RestoreUpdate]):
    """A restoration that is carried out on a thread.

    Parameters
    ----------
    image
        The image to restore.
    snapshot_bytes
        Memory for the snapshots of all frames, in bytes.

    Attributes
    ----------
    timelines
        The snapshots of each frame that is fitted as a whole, by where it begins.
    curves
        The curve of each such frame by where it begins; of tiles only the latest one's.
    """

    def __init__(self, image: RestoredImage, snapshot_bytes: int = 256_000_000) -> None:
        super().__init__(self._updates)
        self.image, self.request = image, image.request
        self.timelines = Timelines(snapshot_bytes, self.request.partition.frame_count)
        self.curves: dict[Start, tuple[CurvePoint, ...]] = {}

    def record(self, update: RestoreUpdate) -> None:
        """Add the fit's image to its timeline, and its loss to its curve."""
        fit, start = update.fit, update.start
        if fit is None or start is None:
            return
        curve = self.curves.get(start, ())
        if fit.loss is not None:  # the instant estimate has none
            curve = (*curve, CurvePoint(fit.iteration, fit.loss, fit.psnr))
        if self.request.partition.tiles_per_frame > 1:
            self.curves = {start: curve}
        else:
            self.timelines.add(start, Snapshot(fit.iteration, fit.image, fit.psnr))
            self.curves = self.curves | {start: curve}

    def _updates(self, should_stop: Callable[[], bool]) -> Iterator[RestoreUpdate]:
        try:
            yield from self.image.updates(should_stop, self.publish)
        finally:
            self.image.clean_up(is_discarded=self._discarding)


_ENDINGS = {
    "budget": "Done",
    "rule": "Done: the stopping rule was met",
    "cancelled": "Stopped",
    "diverged": "Stopped: the fit diverged",
}
"""What is said for each stop reason."""


def summary(result: Restoration) -> str:
    """Iterations, time and quality of a restoration, in a line."""
    parts = [f"{result.iterations} iterations in {result.seconds:.0f} s"]
    if result.task.is_instant:
        parts = [f"instant estimate in {result.seconds:.1f} s"]
    if result.filled is not None:
        parts.append(filled_words(result.filled))
    if result.psnr is not None and result.ssim is not None:
        parts.append(f"PSNR {result.psnr:.2f} dB, SSIM {result.ssim:.3f}")
    if result.input_psnr is not None:
        parts.append(f"before {result.input_psnr:.2f} dB")
    elif estimate := estimate_words(result.estimated_psnr, result.estimated_input_psnr):
        parts.append(estimate)
    return "; ".join(parts)
