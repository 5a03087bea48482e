"""A restoration part by part as a person follows it: the picture fills in where it is looked at."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.data.grid import Tile
from napari_dip.errors import UserError
from napari_dip.ui.layers.kwargs import stack_kwargs
from napari_dip.ui.layers.provenance import KEY
from napari_dip.ui.restore.partition import Start
from napari_dip.ui.restore.provenance import provenance_of_parts
from napari_dip.ui.restore.request import Temporary
from napari_dip.ui.restore.session import describe
from napari_dip.ui.restore.sliders import Sliders
from napari_dip.ui.restore.tiled_array import PartialPyramid
from napari_dip.ui.restore.tiled_run import TiledResult, TiledRun, TiledUpdate
from napari_dip.ui.run.controller import PreviewSession, PreviewThrottle, TimeLeft
from napari_dip.ui.run.preview import Preview
from napari_dip.ui.run.timeline import Snapshot, Timeline

if TYPE_CHECKING:
    from napari.components import Dims

    from napari_dip.ui.restore.controller import RestoreView


NONE_IN_BLOCKS = "timeline: pictures that are fitted in blocks have none; restore a region"


class TiledSession(PreviewSession):
    """One run part by part, from its start to the last look at its snapshots.

    The timeline is that of the frame or slice on display. The sliders go along with the fits until
    a person moves them.

    Parameters
    ----------
    run, preview, view
        What it stands between.
    pacing
        When there is room for the next preview.
    dims
        The viewer's sliders.
    """

    run: TiledRun
    _view: RestoreView

    def __init__(
        self,
        run: TiledRun,
        preview: Preview,
        view: RestoreView,
        pacing: PreviewThrottle,
        dims: Dims,
    ) -> None:
        self._preview, self._dims = preview, dims
        self._sliders = Sliders(dims, run.request.division)
        self._pace = TimeLeft()
        self._picture: PartialPyramid | None = None
        self._chosen: dict[Start, int] = {}
        self._shown: Start | None = None
        self._numbers: dict[Tile, int] = {}
        view.show_timeline((), None)
        view.show_curve((), None)
        dims.events.connect(self._follow)
        super().__init__(run, view, pacing)

    def close(self) -> None:
        """End the run; what is finished stays in the layer, which says that it was interrupted."""
        if self.run.phase.is_active:
            self.run.stop()
            self._label_interrupted()
        self._dims.events.disconnect(self._follow)

    def choose(self, iteration: int | None) -> None:
        """Show an earlier snapshot of the frame on display; None shows what it has become."""
        start = self._entry()
        if start is None:
            return
        self._sliders.stay()
        if iteration is None:
            self._chosen.pop(start, None)
        else:
            self._chosen[start] = iteration
        self._refresh(None)

    def keep(self) -> None:
        """Make the shown snapshot of the frame on display a layer of its own."""
        start, timeline = self._timeline()
        snapshot = self._snapshot(start, timeline)
        name = f"{self._name(start)} {snapshot.iteration}"
        kwargs = {**self._kwargs(start), "name": name}
        self._preview.add(snapshot.image, self._metadata(snapshot.iteration), **kwargs)

    def stack(self) -> None:
        """Make all snapshots of the frame on display one layer, with an axis of iterations."""
        start, timeline = self._timeline()
        snapshots = timeline.snapshots
        metadata = self._metadata(snapshots[-1].iteration)
        metadata[KEY]["snapshots"] = [s.iteration for s in snapshots]
        kwargs = stack_kwargs({**self._kwargs(start), "name": f"{self._name(start)} iterations"})
        self._preview.add(np.stack([s.image for s in snapshots]), metadata, **kwargs)

    def _show_update(self, update: TiledUpdate) -> None:
        left = self._pace.seconds_left(update)
        fraction = update.iteration / max(1, update.iterations)
        self._view.show_progress(fraction, self._describe(update, left))
        self._refresh(update)

    def _refresh(self, update: TiledUpdate | None) -> None:
        """Show what there is by now in the layer, on the timeline and on the curve."""
        picture = self._picture = self._picture or self.run.picture
        assert picture is not None  # it is there before the first update
        if update is not None:
            picture.state, picture.live = update.state, self.run.live
        picture.chosen = tuple(
            _patch(start, timeline.at(iteration))
            for start, iteration in self._chosen.items()
            if (timeline := self.run.timelines.of(start)) is not None
        )
        metadata = self._metadata()
        if self._preview.layer is None:
            self._preview.show(self._levels(picture), metadata)
        else:
            self._preview.refresh(metadata)
        layer = None if self._preview.is_deleted else self._preview.layer
        if layer is not None and update is not None and self.run.live is not None:
            self._sliders.lead(layer, self.run.live[0].start)
        self._show_entry(update.block if update is not None else None)

    def _levels(self, picture: PartialPyramid) -> Any:
        """The layer's data: a pyramid where the picture is large."""
        levels = picture.levels(pyramid=self._preview.kwargs["multiscale"])
        return levels if self._preview.kwargs["multiscale"] else levels[0]

    def _show_entry(self, block: Tile | None) -> None:
        """The timeline and the curve of the frame on display; in blocks the curve of the latest."""
        start = self._entry()
        if self.run.request.division.blocks > 1:
            start = block.start if block is not None else None
        self._shown = start
        if start is None:
            return
        timeline = self.run.timelines.of(start)
        iterations = tuple(s.iteration for s in timeline.snapshots) if timeline else ()
        self._view.show_timeline(iterations, self._chosen.get(start))
        self._view.show_curve(self.run.reports.get(start, ()), None)

    def _follow(self, event: Any = None) -> None:
        """A slider has moved: another frame may be on display."""
        if self.run.request.division.blocks == 1 and self._entry() != self._shown:
            self._show_entry(None)

    def _entry(self) -> Start | None:
        """Where the frame or slice on display begins in the result."""
        layer = self._preview.layer
        return None if layer is None or self._preview.is_deleted else self._sliders.shown(layer)

    def _timeline(self) -> tuple[Start, Timeline]:
        """Those of the frame on display."""
        if self.run.request.division.blocks > 1:
            raise UserError(NONE_IN_BLOCKS)
        start = self._entry()
        timeline = None if start is None else self.run.timelines.of(start)
        if start is None or timeline is None:
            raise UserError("timeline: there is no snapshot of what is on display; move the slider")
        return start, timeline

    def _snapshot(self, start: Start, timeline: Timeline) -> Snapshot:
        chosen = self._chosen.get(start)
        return timeline.snapshots[-1] if chosen is None else timeline.at(chosen)

    def _kwargs(self, start: Start) -> dict[str, Any]:
        """Keywords of a layer that lies where a frame does."""
        asked = self.run.request.asked
        kwargs = asked.source.at(start, self.run.request.division.each).layer_kwargs(asked.factors)
        return {**self._preview.kwargs, **kwargs, "multiscale": False}

    def _name(self, start: Start) -> str:
        place = self.run.request.division.place(start)
        return f"{self._preview.name} {place}".strip()

    def _describe(self, update: TiledUpdate, seconds_left: float | None) -> str:
        """A progress bar's text, such as "frame 3 of 20 · 120 / 250 · 2 min 10 s left"."""
        division, block, fit = self.run.request.division, update.block, update.fit
        if block is None or fit is None:
            return f"{update.done} of {update.count} done"
        place = [division.place(block.start)] if division.each else []
        if division.blocks > 1:
            place.append(f"block {self._number(block)} of {division.blocks}")
        return " · ".join(filter(None, (", ".join(place), describe(fit, seconds_left))))

    def _number(self, block: Tile) -> int:
        """Which of its frame's blocks a block is, from 1 on."""
        if not self._numbers and self.run.mosaic is not None:
            each, seen = self.run.request.division.each, Counter[Start]()
            for item in self.run.mosaic.items:
                entry = tuple(item.start[axis] for axis in each)
                seen[entry] += 1
                self._numbers[item] = seen[entry]
        return self._numbers[block]

    def _show_result(self, result: TiledResult) -> None:
        if result.done == result.count:
            assert self._picture is not None  # the last update has been shown
            self._picture = self._picture.whole()
            self._preview.finish(self._levels(self._picture), self._metadata())
        else:
            self._refresh(None)
        self._view.show_progress(result.done / max(1, result.count), self._summary(result))

    def _discard(self) -> None:
        self._preview.discard()
        self._view.show_timeline((), None)
        self._view.show_curve((), None)

    def _summary(self, result: TiledResult) -> str:
        """What came out, and where it is."""
        is_temporary = isinstance(self.run.place, Temporary)
        mosaic = self.run.mosaic
        path = mosaic.output if mosaic is not None else ""
        parts = "blocks" if self.run.request.division.blocks > 1 else "parts"
        if result.done < result.count:
            if not result.done:
                return "Stopped: nothing is done yet"
            text = f"Stopped: {result.done} of {result.count} {parts} are done"
            if result.failed:
                text = f"{len(result.failed)} of {result.count} {parts} failed: {result.failed[0]}"
            return text if is_temporary else f"{text}; Run goes on with them ({path})"
        text = f"Done: {result.iterations} iterations in {result.seconds:.0f} s"
        if not result.iterations:
            text = "Done: it was there already"
        kind = " as .ome.zarr" if self._preview.kwargs["multiscale"] else ""
        return f"{text}; save the layer{kind} to keep it" if is_temporary else f"{text}; {path}"

    def _metadata(self, iteration: int | None = None) -> dict[str, Any]:
        return provenance_of_parts(self.run, iteration)

    def _label_interrupted(self) -> None:
        if self._preview.layer is not None:
            self._preview.layer.metadata = provenance_of_parts(self.run, stop_reason="interrupted")


def _patch(start: Start, snapshot: Snapshot) -> tuple[Tile, Any]:
    shape = snapshot.image.shape
    return Tile(start, tuple(a + n for a, n in zip(start, shape, strict=True))), snapshot.image
