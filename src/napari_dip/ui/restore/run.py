"""Work on a thread of its own, and what the window needs to watch and steer it.

Nothing is signalled: the window asks, at its own pace, for the newest update. So updates can't
pile up, none can arrive after its run or its window is gone, and an error can't be swallowed on
its way. The thread knows neither Qt nor napari.
"""

from __future__ import annotations

from dataclasses import replace

from napari_dip.restoration.result import Update
from napari_dip.ui.layers.kwargs import displayable
from napari_dip.ui.restore.request import RestoreRequest
from napari_dip.ui.run.thread import RunThread
from napari_dip.ui.run.timeline import CurvePoint, Snapshot, Timeline


class RestoreRun(RunThread[Update]):
    """A restoration being carried out.

    Parameters
    ----------
    request
        What to do.
    snapshot_bytes
        Memory for the timeline's snapshots.
    """

    def __init__(self, request: RestoreRequest, snapshot_bytes: int = 256_000_000) -> None:
        super().__init__(lambda should_stop: request.prepare().run(should_stop))
        self.request = request
        self.timeline = Timeline(snapshot_bytes)
        self.reports: tuple[CurvePoint, ...] = ()

    def _note(self, update: Update) -> Update:
        update = replace(update, image=displayable(update.image))
        self.timeline.add(Snapshot(update.iteration, update.image, update.psnr))
        self.reports += (CurvePoint(update.iteration, update.loss, update.psnr),)
        return update
