"""What all docks that run something share: starting, controlling, following and ending a run.

The view's timer calls `poll`, which asks the run for its newest update. So all that happens in the
window happens on the window's thread, and a run that its controller has dropped can't reach it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from psygnal import SignalInstance

from napari_dip.errors import UserError
from napari_dip.ui.preferences import Preferences
from napari_dip.ui.run.model import Action, RunModel
from napari_dip.ui.run.thread import Phase, RunThread

if TYPE_CHECKING:
    from napari import Viewer

    from napari_dip.restoration.result import Result


RUNS: WeakValueDictionary[int, RunThread[Any]] = WeakValueDictionary()
"""The latest run in each viewer, by the viewer's `id`, whichever dock began it."""

_PREVIEW_SHARE = 0.03
"""Largest fraction of the window's thread that previews may take. Without a graphics card the
thread works 0.05 s for one preview and waits as long for others; the fit stands still meanwhile."""

LONGEST_PREVIEW_PAUSE = 2.0
"""Seconds after which there is a preview however busy the window is."""


class RunView(Protocol):
    """What the view of a dock offers. It shows and emits, and never decides."""

    asked: SignalInstance
    """(Action): a button was pressed."""
    ticked: SignalInstance
    """Emitted about fifty times a second while `set_ticking(True)`."""
    closed: SignalInstance

    def show_phase(self, phase: Phase, allowed: frozenset[Action]) -> None: ...
    def show_message(self, text: str, is_error: bool) -> None: ...
    def show_progress(self, fraction: float | None, text: str) -> None: ...
    def set_ticking(self, on: bool) -> None: ...


class PreviewThrottle:
    """Limits how often a preview is shown, by time and by the work that it is for the window.

    Parameters
    ----------
    interval
        Least seconds between two previews.
    clock
        Gives the time in seconds.
    effort
        Gives the seconds that this thread has worked.
    """

    def __init__(
        self,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
        effort: Callable[[], float] = time.thread_time,
    ) -> None:
        self._interval, self._clock, self._effort = interval, clock, effort
        self._shown_at, self._effort_then = -float("inf"), effort()

    @property
    def is_due(self) -> bool:
        """Whether the next preview may be shown now."""
        worked = self._effort() - self._effort_then
        pause = max(self._interval, min(worked / _PREVIEW_SHARE, LONGEST_PREVIEW_PAUSE))
        return self._clock() - self._shown_at >= pause

    def restart(self) -> None:
        """Count from now: a preview is about to be shown."""
        self._shown_at, self._effort_then = self._clock(), self._effort()


class Timed(Protocol):
    """An update that carries its iteration, the number of iterations, and its time in seconds."""

    @property
    def iteration(self) -> int: ...
    @property
    def iterations(self) -> int: ...
    @property
    def seconds(self) -> float: ...


class TimeLeft:
    """Estimates the time left from the latest updates, so that a slow start counts only briefly."""

    _UPDATES = 8

    def __init__(self) -> None:
        self._points: deque[tuple[int, float]] = deque(maxlen=self._UPDATES)

    def seconds_left(self, update: Timed) -> float | None:
        """Seconds to the last iteration; None before there are two updates to compare."""
        self._points.append((update.iteration, update.seconds))
        (first, then), (last, now) = self._points[0], self._points[-1]
        if last <= first:
            return None
        return (update.iterations - last) * (now - then) / (last - first)


def time_left(seconds: float) -> str:
    """The time left in words."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s left" if minutes else f"{rest} s left"


class RunSession(ABC):
    """Follows one run and shows it, from its start to its end.

    Parameters
    ----------
    run
        The run, which is started here.
    view
        Shows its progress.
    throttle
        Limits how often updates are shown.
    """

    def __init__(self, run: RunThread[Any], view: RunView, throttle: PreviewThrottle) -> None:
        self.run, self._view, self._throttle = run, view, throttle
        view.show_progress(None, "Starting …")
        run.start()

    def poll(self) -> Phase:
        """Show what is new and return the phase of the run."""
        # Asked before the update: a run that has ended has no newer one.
        phase = self.run.phase
        # A preview must not hold up the iteration whose end a person waits for.
        is_ending = phase in (Phase.PAUSING, Phase.STOPPING)
        if not phase.is_active or (self._throttle.is_due and not is_ending):
            update = self.run.take()
            if update is not None:
                self._throttle.restart()
                self._show_update(update)
        if not phase.is_active:
            self._end(phase)
        return phase

    def close(self) -> None:
        """End the run and leave its last preview, labelled as interrupted."""
        if self.run.phase.is_active:
            self.run.cancel()
            self._label_interrupted()

    @abstractmethod
    def _show_update(self, update: Any) -> None:
        """Show an update."""

    @abstractmethod
    def _end(self, phase: Phase) -> None:
        """Show the end of a run that has finished, was discarded, or has failed."""

    @abstractmethod
    def _label_interrupted(self) -> None:
        """Say in the layers' metadata that the run was interrupted."""


class PreviewSession(RunSession):
    """A session with previews, which go if the run is discarded and are labelled if it fails.

    Its parameters are those of `RunSession`.
    """

    def _end(self, phase: Phase) -> None:
        if phase is Phase.FINISHED:
            self._show_result(self.run.result)
        elif phase is Phase.DISCARDED:
            self._discard()
            self._view.show_progress(0, "Discarded")
        else:
            self._label_interrupted()
            self._view.show_progress(0, "Failed")

    @abstractmethod
    def _show_result(self, result: Any) -> None:
        """Show the result of a run that has finished."""

    @abstractmethod
    def _discard(self) -> None:
        """Remove the previews."""


_MOST_TOLD = 4
"""Notes that are shown in a dock; all are in the metadata and reports."""


def _told(result: Result) -> str:
    """What a person should know about a result, its notes and warnings, in a line."""
    notes = list(dict.fromkeys(map(str, result.notes)))
    more = [f"and {len(notes) - _MOST_TOLD} more notes"] if len(notes) > _MOST_TOLD else []
    texts = (*notes[:_MOST_TOLD], *more, *result.warnings)
    return " ".join(f"{text.rstrip('.')}." for text in texts)


class RunController(ABC):
    """Starts, controls and ends the runs that a view's user asks for.

    Parameters
    ----------
    model, view
        The dock's model and view.
    viewer
        The viewer whose layers are used.
    preferences
        Gives a person's preferences; called at each run.
    clock, effort
        As in `PreviewThrottle`; replaced in tests.
    """

    def __init__(
        self,
        model: RunModel,
        view: RunView,
        viewer: Viewer,
        *,
        preferences: Callable[[], Preferences] = Preferences,
        clock: Callable[[], float] = time.monotonic,
        effort: Callable[[], float] = time.thread_time,
    ) -> None:
        self.model, self.view, self.viewer = model, view, viewer
        self._preferences, self._clock, self._effort = preferences, clock, effort
        self._session: RunSession | None = None
        self._actions: dict[Action, Callable[[], None]] = {
            Action.RUN: self.run,
            Action.PAUSE: lambda: self._control(RunThread.pause),
            Action.RESUME: lambda: self._control(RunThread.resume),
            Action.STOP: lambda: self._control(RunThread.stop),
            Action.CANCEL: lambda: self._control(RunThread.cancel),
        }
        view.asked.connect(self.act)
        view.ticked.connect(self.poll)
        view.closed.connect(self.close)
        model.events.message.connect(lambda: view.show_message(model.message, model.is_error))
        model.events.phase.connect(lambda: view.show_phase(model.phase, model.allowed))
        view.show_phase(model.phase, model.allowed)

    @abstractmethod
    def _begin(self, preferences: Preferences, throttle: PreviewThrottle) -> RunSession:
        """Start what the form describes; raise a UserError if that can't be done."""

    @property
    def _is_waiting(self) -> bool:
        """Whether something besides a run needs the view's timer."""
        return False

    def act(self, action: Action) -> None:
        """Do what a button asks for; a UserError is shown, not raised."""
        try:
            self._actions[action]()
        except UserError as error:
            self.model.say(str(error), is_error=True)

    def run(self) -> None:
        """Start what the form describes."""
        other = RUNS.get(id(self.viewer))
        if other is not None and other.phase.is_active:
            raise UserError("run: another run is going on in this viewer; stop it or wait")
        preferences = self._preferences()
        throttle = PreviewThrottle(preferences.preview_interval, self._clock, self._effort)
        self._session = self._begin(preferences, throttle)
        self.model.say("")
        RUNS[id(self.viewer)] = self._session.run
        # Not the run's own phase: the end of a run that has ended already is yet to be shown.
        self.model.phase = Phase.STARTING
        self.view.set_ticking(True)

    def poll(self) -> None:
        """Show what is new. Called by the view's timer."""
        if self._session is not None and self.model.phase.is_active:
            phase = self._session.poll()
            if phase is Phase.FAILED:
                self.model.say(self._session.run.error or "", is_error=True)
            if phase is Phase.FINISHED and (told := _told(self._session.run.result)):
                self.model.say(told)
            self.model.phase = phase
        if not self.model.phase.is_active and not self._is_waiting:
            self.view.set_ticking(False)

    def close(self) -> None:
        """End the run and stop the timer. Closing twice is fine."""
        self.view.set_ticking(False)
        if self._session is not None:
            self._session.close()
        if self.model.phase.is_active:
            self.model.phase = Phase.IDLE

    def abandon(self) -> None:
        """End the run of a view that was destroyed."""
        if self._session is not None:
            self._session.run.cancel()

    def _control(self, method: Callable[[RunThread[Any]], None]) -> None:
        if self._session is not None and self.model.phase.is_active:
            method(self._session.run)
            self.poll()
