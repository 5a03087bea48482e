"""What all docks that run something have in common: starting, steering and ending it.

The view's timer calls `poll`, which asks the run what is new: all that happens in the window
happens on the window's thread, and a run that this controller no longer holds can't reach it.
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


RUNS: WeakValueDictionary[int, RunThread[Any]] = WeakValueDictionary()
"""The latest run in each viewer, whichever dock began it."""


SHARE = 0.03
"""The most that previews may take of the window's thread. Where there is no graphics card, this
thread works 0.05 s for one and waits as long for others; the fit stands still all the while."""


LONGEST = 2.0
"""Seconds after which there is a preview however busy the window is."""


class RunView(Protocol):
    """What a view has to offer. It shows and emits, and never decides."""

    asked: SignalInstance
    """(Action): a button."""
    ticked: SignalInstance
    """While `set_ticking(True)`, some twenty times a second."""
    closed: SignalInstance

    def show_phase(self, phase: Phase, allowed: frozenset[Action]) -> None: ...
    def show_message(self, text: str, is_error: bool) -> None: ...
    def show_progress(self, fraction: float | None, text: str) -> None: ...
    def set_ticking(self, on: bool) -> None: ...


class PreviewThrottle:
    """When the window has room for the next preview.

    Parameters
    ----------
    interval
        Least seconds between two previews.
    clock
        Seconds.
    effort
        Seconds that this thread has worked.
    """

    def __init__(
        self,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
        effort: Callable[[], float] = time.thread_time,
    ) -> None:
        self._interval, self._clock, self._effort = interval, clock, effort
        self._shown, self._worked = -float("inf"), effort()

    @property
    def is_due(self) -> bool:
        """Whether there is room now."""
        worked = self._effort() - self._worked
        pause = max(self._interval, min(worked / SHARE, LONGEST))
        return self._clock() - self._shown >= pause

    def note(self) -> None:
        """A preview is shown now."""
        self._shown, self._worked = self._clock(), self._effort()


class RunSession(ABC):
    """One run, from its start to the last look at what came of it.

    Parameters
    ----------
    run, view
        What it stands between.
    pacing
        When there is room for the next preview.
    """

    def __init__(self, run: RunThread[Any], view: RunView, pacing: PreviewThrottle) -> None:
        self.run, self._view, self._pacing = run, view, pacing
        view.show_progress(None, "Starting …")
        run.start()

    def poll(self) -> Phase:
        """Show what is new, and say where the run is."""
        # Asked before the update: what has ended has no newer one.
        phase = self.run.phase
        # The iteration that a person waits for the end of is not held up by a preview.
        is_ending = phase in (Phase.PAUSING, Phase.STOPPING)
        if not phase.is_active or (self._pacing.is_due and not is_ending):
            update = self.run.take()
            if update is not None:
                self._pacing.note()
                self._show_update(update)
        if not phase.is_active:
            self._end(phase)
        return phase

    def close(self) -> None:
        """End the run and leave its last preview, which says that it was interrupted."""
        if self.run.phase.is_active:
            self.run.cancel()
            self._label_interrupted()

    @abstractmethod
    def _show_update(self, update: Any) -> None:
        """Show what is new."""

    @abstractmethod
    def _end(self, phase: Phase) -> None:
        """Show what came of it: it has finished, was discarded, or has failed."""

    @abstractmethod
    def _label_interrupted(self) -> None:
        """Let the layers say that there is no more of them."""


class PreviewSession(RunSession):
    """A run with previews, which go when it is discarded and say so when it has failed.

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
        """Show what came of it."""

    @abstractmethod
    def _discard(self) -> None:
        """Take the previews away."""


class RunController(ABC):
    """Starts, steers and ends the runs that a view's user asks for.

    Parameters
    ----------
    model, view, viewer
        What it stands between, and the viewer whose layers are used.
    preferences
        Gives what a person prefers now; asked at each run.
    clock, effort
        Seconds, and seconds that this thread has worked; replaced in tests.
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
            Action.PAUSE: lambda: self._steer(RunThread.pause),
            Action.RESUME: lambda: self._steer(RunThread.resume),
            Action.STOP: lambda: self._steer(RunThread.stop),
            Action.CANCEL: lambda: self._steer(RunThread.cancel),
        }
        view.asked.connect(self.act)
        view.ticked.connect(self.poll)
        view.closed.connect(self.close)
        model.events.message.connect(lambda: view.show_message(model.message, model.is_error))
        model.events.phase.connect(lambda: view.show_phase(model.phase, model.allowed))
        view.show_phase(model.phase, model.allowed)

    @abstractmethod
    def _begin(self, preferences: Preferences, pacing: PreviewThrottle) -> RunSession:
        """Start what the form describes; a UserError says why it can't be."""

    @property
    def _is_waiting(self) -> bool:
        """Whether the view has to tick on for anything but a run."""
        return False

    def act(self, action: Action) -> None:
        """Do what a button says; what can't be done is said, not raised."""
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
        pacing = PreviewThrottle(preferences.preview_interval, self._clock, self._effort)
        self._session = self._begin(preferences, pacing)
        self.model.say("")
        RUNS[id(self.viewer)] = self._session.run
        # Not the run's own: one that has ended already is yet to be shown.
        self.model.phase = Phase.STARTING
        self.view.set_ticking(True)

    def poll(self) -> None:
        """Show what is new. Called by the view's timer."""
        if self._session is not None and self.model.phase.is_active:
            phase = self._session.poll()
            if phase is Phase.FAILED:
                self.model.say(self._session.run.error or "", is_error=True)
            self.model.phase = phase
        if not self.model.phase.is_active and not self._is_waiting:
            self.view.set_ticking(False)

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

    def _steer(self, how: Callable[[RunThread[Any]], None]) -> None:
        if self._session is not None and self.model.phase.is_active:
            how(self._session.run)
            self.poll()


class Timed(Protocol):
    """An update that says how far it is, and when."""

    @property
    def iteration(self) -> int: ...
    @property
    def iterations(self) -> int: ...
    @property
    def seconds(self) -> float: ...


class TimeLeft:
    """The time left, from the recent pace: slow starts and pauses must not count for long."""

    RECENT = 8

    def __init__(self) -> None:
        self._points: deque[tuple[int, float]] = deque(maxlen=self.RECENT)

    def seconds_left(self, update: Timed) -> float | None:
        """Seconds to the end of the budget; None before there is a pace."""
        self._points.append((update.iteration, update.seconds))
        (first, then), (last, now) = self._points[0], self._points[-1]
        if last <= first:
            return None
        return (update.iterations - last) * (now - then) / (last - first)


def time_left(seconds: float) -> str:
    """The time left, in words."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s left" if minutes else f"{rest} s left"
