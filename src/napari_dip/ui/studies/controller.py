"""What the docks of studies share: the request for a run, its session and the controller."""

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
    """Everything that the run of a study needs, fixed when Run is pressed.

    Attributes
    ----------
    name
        Name of the layers.
    axis
        Label of the stack's axis: what the pictures differ in.
    prepare
        Function that reads the layers and checks everything, on the run's thread.
    kwargs
        Keywords of a layer of one picture.
    side_by_side
        Whether each picture is a layer of its own instead of a slice of a stack.
    source_layer
        The layer that the pictures lie over, if any.
    about
        Entries of the layers' metadata: study, settings, seed, device, source.
    """

    name: str
    axis: str
    prepare: Callable[[], StudyJob] = field(repr=False)
    kwargs: dict[str, Any] = field(repr=False)
    side_by_side: bool = False
    source_layer: Image | None = field(default=None, repr=False)
    about: dict[str, Any] = field(default_factory=dict, repr=False)


class StudyView(RunView, Protocol):
    """What the controller needs of the view of a dock that runs studies."""

    def show_curves(self, pictures: tuple[StudyPicture, ...]) -> None: ...


class StudySession(PreviewSession):
    """One run of a study, from its start to its last picture.

    Parameters
    ----------
    request
        The run that was asked for.
    layers
        The layers that show the pictures.
    view
        The dock's view.
    throttle
        Says when a preview may be shown.
    """

    _view: StudyView

    def __init__(
        self, request: StudyRequest, layers: StudyLayers, view: StudyView, throttle: PreviewThrottle
    ) -> None:
        self._request, self._layers, self._pace = request, layers, TimeLeft()
        view.show_curves(())
        run = RunThread[StudyUpdate](lambda should_stop: request.prepare().run(should_stop))
        super().__init__(run, view, throttle)

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
        self._layers.show(update.pictures, {KEY: entries}, is_last=result is not None)

    def _show_result(self, result: StudyResult) -> None:
        self._view.show_progress(1, summary(result))

    def _discard(self) -> None:
        self._layers.discard()
        self._view.show_curves(())

    def _label_interrupted(self) -> None:
        self._layers.label(stop_reason="interrupted")


class StudyController(RunController):
    """Controller of a dock that runs studies; its parameters are those of `RunController`.

    A subclass turns the form into a request.
    """

    view: StudyView

    @abstractmethod
    def _request(self) -> StudyRequest:
        """Return what the form describes, or raise a UserError that says what is missing."""

    def _begin(self, preferences: Preferences, throttle: PreviewThrottle) -> StudySession:
        request = self._request()
        layers = StudyLayers(
            self.viewer,
            request.name,
            request.kwargs,
            axis=request.axis,
            side_by_side=request.side_by_side,
            source_layer=request.source_layer,
        )
        return StudySession(request, layers, self.view, throttle)


def describe(update: StudyUpdate, seconds_left: float | None) -> str:
    """Return the progress bar's text: the picture, the iteration and the time left."""
    parts = [update.pictures[-1].name] if update.pictures else []
    parts.append(f"{update.iteration} / {update.iterations}")
    if seconds_left is not None:
        parts.append(time_left(seconds_left))
    return " · ".join(parts)


def summary(result: StudyResult) -> str:
    """Return how the study ended, how many pictures it made, and the best of them, in a line."""
    ending = "Done" if result.stop_reason == "budget" else "Stopped"
    count = len(result.pictures)
    text = f"{ending}: {count} picture{'s' * (count != 1)} in {result.seconds:.0f} s"
    known = {p.name: p.scores["psnr"] for p in result.pictures if "psnr" in p.scores}
    if known:
        best = max(known, key=lambda name: known[name])
        text += f"; best: {best}, {known[best]:.2f} dB"
    return text
