"""A restoration as a person follows it: preview, progress, timeline and metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip._version import __version__
from napari_dip.errors import UserError
from napari_dip.restoration.result import Restoration, Result, Update
from napari_dip.ui.layers.kwargs import displayable, stack_kwargs
from napari_dip.ui.layers.provenance import KEY, versions
from napari_dip.ui.restore.model import RestoreView
from napari_dip.ui.restore.partition import Start
from napari_dip.ui.restore.run import RestoreRun, RestoreUpdate
from napari_dip.ui.restore.sliders import Sliders
from napari_dip.ui.run.controller import PreviewSession, PreviewThrottle, TimeLeft, time_left
from napari_dip.ui.run.preview import Preview
from napari_dip.ui.run.timeline import Snapshot, Timeline

if TYPE_CHECKING:
    from napari.components import Dims


class RestoreSession(PreviewSession):
    """One run, from its start to the last look at its snapshots.

    The timeline is that of the frame on display. The sliders follow the run until a person moves
    them.

    Parameters
    ----------
    run, preview, view, throttle
        The run, the layer and the view that show it, and the limit for previews.
    dims
        The viewer's sliders.
    """

    run: RestoreRun
    _view: RestoreView

    def __init__(
        self,
        run: RestoreRun,
        preview: Preview,
        view: RestoreView,
        throttle: PreviewThrottle,
        dims: Dims,
    ) -> None:
        self._preview, self._dims = preview, dims
        self._partition = run.request.partition
        self._sliders = Sliders(dims, self._partition)
        self._time_left = TimeLeft()
        self._chosen: dict[Start, int] = {}
        self._timeline_start: Start | None = None
        self._clear_timeline(view)
        dims.events.connect(self._follow_sliders)
        super().__init__(run, view, throttle)

    def close(self) -> None:
        """End the run; the layer keeps what is finished and says that it was interrupted."""
        if self.run.phase.is_active:
            # Finished tiles stay in the layer; a whole image needs nothing more.
            self.run.stop() if self._partition.is_tiled else self.run.cancel()
            self._label_interrupted()
        self._dims.events.disconnect(self._follow_sliders)

    def choose(self, iteration: int | None) -> None:
        """Show an earlier snapshot of the frame on display; None shows its newest image."""
        start = self._frame_on_display()
        if start is None:
            return
        self._sliders.stay()
        self._chosen.pop(start, None)
        if iteration is not None:
            self._chosen[start] = iteration
        self._refresh()

    def keep(self) -> None:
        """Make the shown snapshot of the frame on display a layer of its own."""
        start, timeline = self._timeline_on_display()
        snapshot = self._shown_snapshot(start, timeline)
        kwargs = self._frame_kwargs(start, str(snapshot.iteration))
        metadata = provenance(self.run, snapshot.iteration)
        self._preview.add(snapshot.image, metadata, below=True, **kwargs)

    def stack(self) -> None:
        """Make all snapshots of the frame on display one layer, with an axis of iterations."""
        start, timeline = self._timeline_on_display()
        snapshots = timeline.snapshots
        metadata = provenance(self.run, self._shown_snapshot(start, timeline).iteration)
        metadata[KEY]["snapshots"] = [s.iteration for s in snapshots]
        kwargs = stack_kwargs(self._frame_kwargs(start, "iterations"))
        self._preview.add(np.stack([s.image for s in snapshots]), metadata, **kwargs)

    def _frame_kwargs(self, start: Start, name: str) -> dict[str, Any]:
        """Keywords of a layer that lies where a frame does, and whose name ends with `name`."""
        request = self.run.request
        frame = request.source.one_frame(start, self._partition.loop_axes)
        words = (self._preview.name, self._partition.frame_name(start), name)
        return {
            **self._preview.kwargs,
            **frame.layer_kwargs(request.factors),
            "multiscale": False,
            "name": " ".join(filter(None, words)),
        }

    def _show_update(self, update: RestoreUpdate) -> None:
        fraction = update.iteration / max(1, update.iterations)
        self._view.show_progress(fraction, self._describe(update))
        self._refresh(update)

    def _refresh(self, update: RestoreUpdate | None = None, *, is_last: bool = False) -> None:
        """Show the image in the layer, and its timeline and curve in the dock."""
        shown = self._shown_snapshots()
        data = self.run.image.data(update, shown)
        if data is None:
            return
        metadata = provenance(self.run, self._iteration_of(shown))
        if is_last:
            self._preview.finish(data, metadata)
        else:
            self._preview.show(data, metadata, grows=self._partition.is_tiled)
        layer = None if self._preview.is_deleted else self._preview.layer
        if layer is not None and update is not None and update.start is not None:
            self._sliders.lead(layer, update.start)
        if self._partition.tiles_per_frame == 1:
            self._show_timeline(self._frame_on_display())
        elif update is not None:
            self._show_timeline(update.start)

    def _shown_snapshots(self) -> dict[Start, Snapshot]:
        """The chosen snapshots, by where their frames begin; of a whole image also the newest."""
        timelines = {start: self.run.timelines.of(start) for start in self._chosen}
        shown = {s: line.at(self._chosen[s]) for s, line in timelines.items() if line is not None}
        if not (shown or self._partition.is_tiled):
            start = self._partition.frame_start(())
            if (timeline := self.run.timelines.of(start)) is not None:
                shown[start] = timeline.snapshots[-1]
        return shown

    def _iteration_of(self, shown: dict[Start, Snapshot]) -> int | None:
        """The iteration that the layer shows; None for an image of several fits."""
        iterations = [snapshot.iteration for snapshot in shown.values()]
        return iterations[0] if iterations and not self._partition.is_tiled else None

    def _show_timeline(self, start: Start | None) -> None:
        """Show the timeline of a frame, and the curve of a frame or tile."""
        self._timeline_start = start
        if start is None:
            return
        timeline = self.run.timelines.of(start)
        iterations = tuple(s.iteration for s in timeline.snapshots) if timeline else ()
        self._view.show_timeline(iterations, self._chosen.get(start))
        result = self.run.result
        is_stopped = result is not None and result.stop_reason == "rule"
        stopped_at = result.iterations if is_stopped else None
        self._view.show_curve(self.run.curves.get(start, ()), stopped_at)

    @staticmethod
    def _clear_timeline(view: RestoreView) -> None:
        view.show_timeline((), None)
        view.show_curve((), None)

    def _follow_sliders(self, event: Any = None) -> None:
        """Show the timeline of another frame, if a slider has moved to one."""
        if self._partition.tiles_per_frame == 1:
            start = self._frame_on_display()
            if start != self._timeline_start:
                self._show_timeline(start)

    def _frame_on_display(self) -> Start | None:
        """Where the frame on display begins in the result; None if its layer is not there."""
        if not self._partition.loop_axes:
            return self._partition.frame_start(())
        layer = self._preview.layer
        return None if layer is None or self._preview.is_deleted else self._sliders.shown(layer)

    def _timeline_on_display(self) -> tuple[Start, Timeline]:
        """The frame on display and its timeline."""
        if self._partition.tiles_per_frame > 1:
            raise UserError("timeline: images that are fitted in tiles have none; restore a region")
        start = self._frame_on_display()
        timeline = None if start is None else self.run.timelines.of(start)
        if start is None or timeline is None:
            where = "; move the slider" if self._partition.loop_axes else " yet"
            raise UserError(f"timeline: there is no snapshot of what is on display{where}")
        return start, timeline

    def _shown_snapshot(self, start: Start, timeline: Timeline) -> Snapshot:
        chosen = self._chosen.get(start)
        return timeline.snapshots[-1] if chosen is None else timeline.at(chosen)

    def _describe(self, update: RestoreUpdate) -> str:
        """The progress bar's text, such as "frame 3 of 20 · 120 / 250 · 2 min 10 s left"."""
        seconds_left = self._time_left.seconds_left(update)
        partition = self._partition
        if update.fit is None or update.start is None:
            return f"{update.done} of {update.count} done"
        place = [partition.frame_name(update.start)]
        if partition.tiles_per_frame > 1:
            place.append(f"tile {update.tile_number} of {partition.tiles_per_frame}")
        words = (", ".join(filter(None, place)), describe(update.fit, seconds_left))
        return " · ".join(filter(None, words))

    def _show_result(self, result: Result) -> None:
        fraction, summary = self.run.image.finish(result)
        self._refresh(is_last=True)
        images = result.images if isinstance(result, Restoration) else {}
        iteration = self._iteration_of(self._shown_snapshots())
        for name, image in images.items():
            if name != "image":
                metadata = provenance(self.run, iteration)
                self._preview.add_further(name, displayable(image), metadata)
        self._view.show_progress(fraction, summary)

    def _discard(self) -> None:
        self._preview.discard()
        self._clear_timeline(self._view)

    def _label_interrupted(self) -> None:
        if (layer := self._preview.layer) is not None:
            iteration = self._iteration_of(self._shown_snapshots())
            layer.metadata = provenance(self.run, iteration, stop_reason="interrupted")


def provenance(
    run: RestoreRun, iteration: int | None, *, stop_reason: str | None = None
) -> dict[str, Any]:
    """The metadata of a restored layer: how it came about.

    Parameters
    ----------
    run
        The run that makes it.
    iteration
        The iteration that the layer shows, which may be an earlier one than the result's; None for
        an image of several fits.
    stop_reason
        Why the run has ended, if it has no result.
    """
    request, result, task = run.request, run.result, run.image.task
    report = {
        "task": task.name,
        "settings": task.to_dict(),
        "seed": request.seed,
        "device": request.device,
        "stop_reason": stop_reason,
        **run.image.report(result),
    }
    if result is not None:
        if iteration is None:
            iteration = result.iterations
        elif iteration != result.iterations:
            report["stop_reason"] = "chosen"
            for name in ("psnr", "ssim"):  # they are the last iteration's
                report.pop(name, None)
    report |= {
        "iterations": iteration,
        "source": request.source.origin,
        "inputs": dict(request.names),
        "versions": {"napari-dip": __version__, **versions()},
    }
    return {KEY: report}


def describe(update: Update, seconds_left: float | None) -> str:
    """The progress of a fit in words, such as "120 / 250 · 2 min 10 s left · 28.05 dB"."""
    words = [f"{update.iteration} / {update.iterations}"]
    if seconds_left is not None:
        words.append(time_left(seconds_left))
    if update.psnr is not None:
        words.append(f"{update.psnr:.2f} dB")
    return " · ".join(words)
