"""Between the model, the view and the worker.

The view's timer calls `poll`, which asks the run what is new: all that happens in the window
happens on the window's thread, and a run that this controller no longer holds can't reach it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from psygnal import SignalInstance

from napari_dip.errors import UserError
from napari_dip.tasks import Task, task_from_dict
from napari_dip.ui.background import Background
from napari_dip.ui.estimate import Estimate, Question, estimate
from napari_dip.ui.layers import level_0
from napari_dip.ui.model import Action, RestoreModel, as_dict
from napari_dip.ui.preferences import Preferences
from napari_dip.ui.preview import Preview
from napari_dip.ui.provenance import task_of
from napari_dip.ui.regions import new_mask
from napari_dip.ui.requests import request_of, source_of
from napari_dip.ui.session import Session
from napari_dip.ui.worker import Phase, Report, Run

if TYPE_CHECKING:
    from napari import Viewer

RUNS: WeakValueDictionary[int, Run] = WeakValueDictionary()
"""The latest run in each viewer, whichever dock began it."""


class View(Protocol):
    """What a view has to offer. It shows and emits, and never decides."""

    changed: SignalInstance
    """(name, value): a field of the model."""
    task_edited: SignalInstance
    """(Task): a setting of the form."""
    asked: SignalInstance
    """(Action): a button."""
    iteration_chosen: SignalInstance
    """(iteration or None for the newest): the timeline's slider."""
    ticked: SignalInstance
    """While `set_ticking(True)`, some twenty times a second."""
    closed: SignalInstance

    def show_task(self, task: Task) -> None: ...
    def show_device(self, device: str) -> None: ...
    def show_phase(self, phase: Phase, allowed: frozenset[Action]) -> None: ...
    def show_message(self, text: str, is_error: bool) -> None: ...
    def show_progress(self, fraction: float | None, text: str) -> None: ...
    def show_curve(self, reports: tuple[Report, ...], stopped_at: int | None) -> None: ...
    def show_timeline(self, iterations: tuple[int, ...], shown: int | None) -> None: ...
    def show_estimate(self, text: str, is_warning: bool) -> None: ...
    def set_ticking(self, on: bool) -> None: ...
    def start_painting(self, layer: Any) -> None: ...
    def copy_text(self, text: str) -> None: ...
    def pasted_text(self) -> str: ...
    def remember(self, task: Task) -> None: ...


class RestoreController:
    """Carries out what the view's user asks for.

    Parameters
    ----------
    model, view, viewer
        What it stands between, and the viewer whose layers are restored.
    preferences
        Gives what a person prefers now; asked at each run.
    clock, effort
        Seconds, and seconds that this thread has worked; replaced in tests.
    """

    def __init__(
        self,
        model: RestoreModel,
        view: View,
        viewer: Viewer,
        *,
        preferences: Callable[[], Preferences] = Preferences,
        clock: Callable[[], float] = time.monotonic,
        effort: Callable[[], float] = time.thread_time,
    ) -> None:
        self.model, self.view, self.viewer = model, view, viewer
        self._preferences, self._clock, self._effort = preferences, clock, effort
        self._session: Session | None = None
        self._estimator: Background[Question, Estimate] = Background(estimate)
        self._actions: dict[Action, Callable[[], None]] = {
            Action.RUN: self.run,
            Action.PAUSE: lambda: self._steer(Run.pause),
            Action.RESUME: lambda: self._steer(Run.resume),
            Action.STOP: lambda: self._steer(Run.stop),
            Action.CANCEL: lambda: self._steer(Run.cancel),
            Action.NEW_MASK: self.add_mask,
            Action.COPY: self.copy_settings,
            Action.PASTE: self.paste_settings,
            Action.FROM_LAYER: self.settings_from_layer,
            Action.KEEP: lambda: self._timeline().keep(),
            Action.STACK: lambda: self._timeline().stack(),
        }
        view.changed.connect(self._set)
        view.task_edited.connect(self._set_task)
        view.asked.connect(self.act)
        view.iteration_chosen.connect(self.choose_iteration)
        view.ticked.connect(self.poll)
        view.closed.connect(self.close)
        model.events.name.connect(lambda: view.show_task(model.task))
        model.events.message.connect(lambda: view.show_message(model.message, model.is_error))
        model.events.phase.connect(lambda: view.show_phase(model.phase, model.allowed))
        view.show_task(model.task)
        view.show_device(model.device)
        view.show_phase(model.phase, model.allowed)

    def act(self, action: Action) -> None:
        """Do what a button says; what can't be done is said, not raised."""
        try:
            self._actions[action]()
        except UserError as error:
            self.model.say(str(error), is_error=True)

    def run(self) -> None:
        """Start a restoration of what the form describes."""
        other = RUNS.get(id(self.viewer))
        if other is not None and other.phase.is_active:
            raise UserError("run: another restoration is going on in this viewer; stop it or wait")
        request = request_of(self.model, self.viewer.dims)
        assert self.model.image is not None  # request_of has asked for it
        self.view.remember(request.task)
        self.model.say("")
        preferences = self._preferences()
        run = RUNS[id(self.viewer)] = Run(request, preferences.snapshot_bytes)
        preview = Preview(self.viewer.layers, self.model.image, request)
        interval = preferences.preview_interval
        self._session = Session(run, preview, self.view, interval, self._clock, self._effort)
        self.model.phase = run.phase
        self.view.set_ticking(True)

    def poll(self) -> None:
        """Show what is new. Called by the view's timer."""
        self._show_estimate()
        if self._session is not None and self.model.phase.is_active:
            phase = self._session.poll()
            if phase is Phase.FAILED:
                self.model.say(self._session.run.error or "", is_error=True)
            self.model.phase = phase
        if not self.model.phase.is_active and not self._estimator.is_busy:
            self.view.set_ticking(False)

    def choose_iteration(self, iteration: int | None) -> None:
        """Show an earlier snapshot; None follows the newest."""
        self._timeline().choose(iteration)

    def add_mask(self) -> None:
        """Make an empty mask over the image, ready to be painted on."""
        if self.model.image is None:
            raise UserError("image: choose an Image layer first; the mask is made to fit it")
        layer = new_mask(self.model.image)
        self.viewer.add_layer(layer)
        self.view.start_painting(layer)

    def copy_settings(self) -> None:
        """Settings as JSON text to the clipboard."""
        self.view.copy_text(json.dumps(as_dict(self.model.task), indent=2))
        self.model.say("Settings copied.")

    def paste_settings(self) -> None:
        """Settings from JSON text in the clipboard."""
        try:
            values = json.loads(self.view.pasted_text())
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise UserError("settings: the clipboard holds none; use Copy settings first")
        self._fill(task_from_dict(values))

    def settings_from_layer(self) -> None:
        """Settings from the selected layer's metadata."""
        layer = self.viewer.layers.selection.active
        if layer is None:
            raise UserError("layer: select one restored layer in the layer list")
        self._fill(task_of(layer))

    def close(self) -> None:
        """Leave nothing behind: no thread, no timer. Closing twice is fine."""
        self.view.set_ticking(False)
        if self._session is not None:
            self._session.close()
        if self.model.phase.is_active:
            self.model.phase = Phase.IDLE

    def abandon(self) -> None:
        """End the run of a view that is no more."""
        if self._session is not None:
            self._session.run.cancel()

    def estimate(self) -> None:
        """Ask for the memory that the form's restoration takes."""
        model = self.model
        try:
            source = source_of(model, self.viewer.dims)
        except UserError:
            self.view.show_estimate("", False)
            return
        assert model.image is not None  # source_of has asked for it
        samples = level_0(model.image).shape[-1] if source.rgb else 1
        channels = samples - 1 if samples in (2, 4) else samples
        self._estimator.ask(Question(model.task, channels, source.sides, model.device))
        self.view.set_ticking(True)

    def _set(self, name: str, value: Any) -> None:
        setattr(self.model, name, value)
        if name in ("name", "image", "region", "extent", "rectangle", "device"):
            self.estimate()

    def _set_task(self, task: Task) -> None:
        self.model.task = task
        self.estimate()

    def _fill(self, task: Task) -> None:
        self.model.task = task
        self.view.show_task(task)
        self.estimate()
        self.model.say(f"{task.title}: settings filled in.")

    def _steer(self, how: Callable[[Run], None]) -> None:
        if self._session is not None and self.model.phase.is_active:
            how(self._session.run)
            self.poll()

    def _timeline(self) -> Session:
        if self._session is None:
            raise UserError("timeline: there is no snapshot yet; run a restoration first")
        return self._session

    def _show_estimate(self) -> None:
        answer = self._estimator.take()
        if isinstance(answer, Estimate):
            self.view.show_estimate(str(answer), not answer.fits)
        elif answer is not None:
            self.view.show_estimate(answer, True)
