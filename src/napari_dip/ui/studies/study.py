"""A study in a dock: a request, its session, and the controller of any dock that runs studies."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from napari_dip._version import __version__
from napari_dip.studies.study import StudyJob, StudyPicture, StudyResult, StudyUpdate
from napari_dip.ui.layers.provenance import KEY, versions
from napari_dip.ui.preferences import Preferences
from napari_dip.ui.run.controller import (
    PreviewSession,
    PreviewThrottle,
    RunController,
    RunView,
    TimeLeft,
    time_left,
)
from napari_dip.ui.run.thread import RunThread
from napari_dip.ui.studies.study_layers import StudyLayers

if TYPE_CHECKING:
    from napari.layers import Image


@dataclass(frozen=True)
class StudyRequest:
    """Everything that a study's run needs, taken down when it is asked for.

    Attributes
    ----------
    name
        The layers'.
    axis
        What the pictures differ in: the label of the stack's axis.
    prepare
        Reads the layers and checks everything, on the worker's thread.
    kwargs
        Keywords of a layer of one picture.
    side_by_side
        A layer for each picture instead of a stack.
    source_layer
        What the layers lie over, if anything.
    about
        For the layers' metadata: study, settings, seed, device, source.
    """

    name: str
    axis: str
    prepare: Callable[[], StudyJob] = field(repr=False)
    kwargs: dict[str, Any] = field(repr=False)
    side_by_side: bool = False
    source_layer: Image | None = field(default=None, repr=False)
    about: dict[str, Any] = field(default_factory=dict, repr=False)


class StudyView(RunView, Protocol):
    """What the view of a dock that runs studies has to offer."""

    def show_curves(self, pictures: tuple[StudyPicture, ...]) -> None: ...


class StudySession(PreviewSession):
    """One study, from its start to its last picture.

    Parameters
    ----------
    request, exhibit, view, pacing
        What it stands between.
    """

    _view: StudyView

    def __init__(
        self, request: StudyRequest, exhibit: StudyLayers, view: StudyView, pacing: PreviewThrottle
    ) -> None:
        self._request, self._exhibit, self._pace = request, exhibit, TimeLeft()
        view.show_curves(())
        run = RunThread[StudyUpdate](lambda should_stop: request.prepare().run(should_stop))
        super().__init__(run, view, pacing)

    def _show_update(self, update: StudyUpdate) -> None:
        fraction = update.iteration / max(1, update.iterations)
        self._view.show_progress(fraction, describe(update, self._pace.seconds_left(update)))
        self._view.show_curves(update.pictures)
        result = update.result
        entries = {
            **self._request.about,
            "iterations": update.iteration,
            "scores": {p.name: dict(p.scores) for p in update.pictures if p.scores},
            "stop_reason": None if result is None else result.stop_reason,
            "versions": {"napari-dip": __version__, **versions()},
        }
        self._exhibit.show(update.pictures, {KEY: entries}, is_last=result is not None)

    def _show_result(self, result: StudyResult) -> None:
        self._view.show_progress(1, summary(result))

    def _discard(self) -> None:
        self._exhibit.discard()
        self._view.show_curves(())

    def _label_interrupted(self) -> None:
        self._exhibit.label(stop_reason="interrupted")


class StudyController(RunController):
    """A dock's controller, which only has to say what is asked for.

    Its parameters are those of `RunController`.
    """

    view: StudyView

    @abstractmethod
    def _request(self) -> StudyRequest:
        """What the form describes; a UserError says what is missing."""

    def _begin(self, preferences: Preferences, pacing: PreviewThrottle) -> StudySession:
        request = self._request()
        exhibit = StudyLayers(
            self.viewer,
            request.name,
            request.kwargs,
            axis=request.axis,
            side_by_side=request.side_by_side,
            source_layer=request.source_layer,
        )
        return StudySession(request, exhibit, self.view, pacing)


def describe(update: StudyUpdate, seconds_left: float | None) -> str:
    """A progress bar's text: which picture, and how far the study is."""
    parts = [update.pictures[-1].name] if update.pictures else []
    parts.append(f"{update.iteration} / {update.iterations}")
    if seconds_left is not None:
        parts.append(time_left(seconds_left))
    return " · ".join(parts)


def summary(result: StudyResult) -> str:
    """What came out, in a line."""
    ending = "Done" if result.stop_reason == "budget" else "Stopped"
    count = len(result.pictures)
    text = f"{ending}: {count} picture{'s' * (count != 1)} in {result.seconds:.0f} s"
    known = {p.name: p.scores["psnr"] for p in result.pictures if "psnr" in p.scores}
    if known:
        best = max(known, key=lambda name: known[name])
        text += f"; best: {best}, {known[best]:.2f} dB"
    return text
