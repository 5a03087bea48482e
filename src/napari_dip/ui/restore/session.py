"""A run as a person follows it: its preview, its progress, and the way back along its timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import UserError
from napari_dip.ui.layers.kwargs import displayable, stack_kwargs
from napari_dip.ui.layers.provenance import KEY
from napari_dip.ui.restore.provenance import provenance
from napari_dip.ui.restore.run import RestoreRun
from napari_dip.ui.run.controller import PreviewSession, PreviewThrottle, TimeLeft, time_left
from napari_dip.ui.run.preview import Preview
from napari_dip.ui.run.timeline import Snapshot

if TYPE_CHECKING:
    from napari_dip.restoration.result import Restoration, Update
    from napari_dip.ui.restore.controller import RestoreView


ENDINGS = {
    "budget": "Done",
    "rule": "Done: the stopping rule was met",
    "cancelled": "Stopped",
    "diverged": "Stopped: the fit diverged",
}
"""What is said for each stop reason."""


class RestoreSession(PreviewSession):
    """One run, from its start to the last look at its snapshots.

    Parameters
    ----------
    run, preview, view
        What it stands between.
    pacing
        When there is room for the next preview.
    """

    run: RestoreRun
    _view: RestoreView

    def __init__(
        self, run: RestoreRun, preview: Preview, view: RestoreView, pacing: PreviewThrottle
    ) -> None:
        self._preview = preview
        self._pace = TimeLeft()
        self._chosen: int | None = None
        view.show_timeline((), None)
        view.show_curve((), None)
        super().__init__(run, view, pacing)

    def choose(self, iteration: int | None) -> None:
        """Show the snapshot of an earlier iteration; None follows the newest."""
        self._chosen = iteration
        self._show_image()

    def keep(self) -> None:
        """Make the shown snapshot a layer of its own."""
        snapshot = self._snapshot()
        self._preview.add(
            snapshot.image,
            self._metadata(snapshot),
            name=f"{self._preview.name} {snapshot.iteration}",
        )

    def stack(self) -> None:
        """Make all snapshots one layer, with an axis of iterations."""
        snapshots = self.run.timeline.snapshots
        metadata = self._metadata(self._snapshot())
        metadata[KEY]["snapshots"] = [s.iteration for s in snapshots]
        kwargs = stack_kwargs({**self._preview.kwargs, "name": f"{self._preview.name} iterations"})
        self._preview.add(np.stack([s.image for s in snapshots]), metadata, **kwargs)

    def _show_update(self, update: Update) -> None:
        text = describe(update, self._pace.seconds_left(update))
        self._view.show_progress(update.iteration / update.iterations, text)
        self._view.show_curve(self.run.reports, None)
        self._show_image()

    def _show_image(self) -> None:
        """The chosen snapshot, or the newest, in the preview and on the timeline."""
        if not self.run.timeline.snapshots:
            return
        snapshot = self._snapshot()
        self._preview.show(snapshot.image, self._metadata(snapshot))
        iterations = tuple(s.iteration for s in self.run.timeline.snapshots)
        self._view.show_timeline(iterations, self._chosen)

    def _show_result(self, result: Restoration) -> None:
        snapshot = self._snapshot()
        self._preview.finish(snapshot.image, self._metadata(snapshot))
        for name, image in result.images.items():
            if name != "image":
                self._preview.add_further(name, displayable(image), self._metadata(snapshot))
        stopped_at = result.iterations if result.stop_reason == "rule" else None
        self._view.show_curve(self.run.reports, stopped_at)
        self._view.show_progress(1, f"{ENDINGS[result.stop_reason]}: {summary(result)}")

    def _discard(self) -> None:
        self._preview.discard()
        self._view.show_timeline((), None)
        self._view.show_curve((), None)

    def _snapshot(self) -> Snapshot:
        snapshots = self.run.timeline.snapshots
        if not snapshots:
            raise UserError("timeline: there is no snapshot yet; run a restoration first")
        return snapshots[-1] if self._chosen is None else self.run.timeline.at(self._chosen)

    def _metadata(self, snapshot: Snapshot) -> dict[str, Any]:
        return provenance(self.run.request, snapshot.iteration, self.run.result)

    def _label_interrupted(self) -> None:
        layer = self._preview.layer
        if layer is not None and self.run.reports:
            iteration = self.run.reports[-1].iteration
            layer.metadata = provenance(self.run.request, iteration, stop_reason="interrupted")


def describe(update: Update, seconds_left: float | None) -> str:
    """A progress bar's text."""
    parts = [f"{update.iteration} / {update.iterations}"]
    if seconds_left is not None:
        parts.append(time_left(seconds_left))
    if update.psnr is not None:
        parts.append(f"{update.psnr:.2f} dB")
    return " · ".join(parts)


def summary(result: Restoration) -> str:
    """What came out, in a line."""
    parts = [f"{result.iterations} iterations in {result.seconds:.0f} s"]
    if result.psnr is not None and result.ssim is not None:
        parts.append(f"PSNR {result.psnr:.2f} dB, SSIM {result.ssim:.3f}")
    if result.input_psnr is not None:
        parts.append(f"before {result.input_psnr:.2f} dB")
    return "; ".join(parts)
