"""Buttons that steer a run, how far it is, and what there is to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from napari.utils import progress
from psygnal import Signal
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtGui import QMovie
from qtpy.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStatusBar,
    QVBoxLayout,
    QWidget,
)

from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase

if TYPE_CHECKING:
    from napari import Viewer


TIPS = {
    Action.RUN: "Start; what comes of it is shown while it is fitted",
    Action.PAUSE: "Hold after the current iteration",
    Action.RESUME: "Go on",
    Action.STOP: "End after the current iteration and keep what there is",
    Action.CANCEL: "End after the current iteration and remove what there is",
}


# Pause and Resume share a place: only one of them is ever of use.
PLACES = {
    Action.RUN: (0, 0),
    Action.PAUSE: (0, 1),
    Action.RESUME: (0, 1),
    Action.STOP: (1, 0),
    Action.CANCEL: (1, 1),
}


STEPS = 1000
"""Of the progress bar."""


class RunBar(QWidget):
    """Run, Pause or Resume, Stop and keep, Cancel; progress; one line of text.

    Parameters
    ----------
    tips
        The buttons that there are, and what each says of itself.
    """

    asked = Signal(Action)

    def __init__(self, tips: Mapping[Action, str] = TIPS) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        grid = QGridLayout()
        layout.addLayout(grid)
        self._buttons: dict[Action, QPushButton] = {}
        for action, tip in tips.items():
            button = QPushButton(str(action))
            button.setToolTip(tip)
            button.clicked.connect(partial(self._ask, action))
            self._buttons[action] = button
            is_alone = action is Action.STOP and Action.CANCEL not in tips
            grid.addWidget(button, *PLACES[action], 1, 2 if is_alone else 1)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, STEPS)
        self._status, self._message = QLabel(), QLabel()
        for label in (self._status, self._message):
            label.setWordWrap(True)
        self._message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for widget in (self._bar, self._status, self._message):
            layout.addWidget(widget)
        self._activity: progress | None = None
        # napari's bar lets all events through when it is set, which would draw the window half
        # updated and once more when the rest has followed; so it is set after the rest.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._show_activity)

    def show_phase(self, phase: Phase, allowed: frozenset[Action]) -> None:
        """Enable what can be asked for in a phase."""
        for action, button in self._buttons.items():
            button.setEnabled(action in allowed)
        is_paused = phase is Phase.PAUSED
        self._buttons[Action.RESUME].setVisible(is_paused)
        self._buttons[Action.PAUSE].setVisible(not is_paused)
        if phase in (Phase.PAUSING, Phase.PAUSED, Phase.STOPPING):
            self._status.setText(f"{str(phase).capitalize()}{'' if is_paused else ' …'}")
        if not phase.is_active:
            self.end_activity()

    def show_progress(self, fraction: float | None, text: str) -> None:
        """Show how far a run is, here and in napari's activity dock; None: that is not known."""
        self._status.setText(text)
        # Qt draws a progress bar at once, and the whole window with it, unless it is held back.
        self._bar.setUpdatesEnabled(False)
        self._bar.setValue(round((fraction or 0) * STEPS))
        self._bar.setUpdatesEnabled(True)
        if fraction is None:
            # Made on the window's thread, as all of this is.
            self._activity = self._activity or progress(total=STEPS, desc="Deep Image Prior")
        self._later.start()
        for movie in self._movies():
            movie.setPaused(True)
            movie.jumpToNextFrame()

    def show_message(self, text: str, is_error: bool) -> None:
        """Show one line, with a sign if something went wrong."""
        self._message.setText(f"⚠ {text}" if is_error else text)

    def end_activity(self) -> None:
        """Take the run off napari's activity dock."""
        if self._activity is not None:
            self._activity.close()
            self._activity = None

    def _show_activity(self) -> None:
        if self._activity is not None:
            self._activity.update(self._bar.value() - self._activity.n)

    def _movies(self) -> list[QMovie]:
        """The spinners in the window's status bar.

        Each of their frames draws the whole window anew. Without a graphics card, twenty of them a
        second take more of the processor than they leave to the fit.
        """
        window: QWidget = self
        while (parent := window.parentWidget()) is not None:  # also from a dock that floats
            window = parent
        bars = window.findChildren(QStatusBar)
        movies = [label.movie() for bar in bars for label in bar.findChildren(QLabel)]
        return [movie for movie in movies if movie is not None]

    def _ask(self, action: Action) -> None:
        self.asked.emit(action)


TICK_MS = 20
"""Between two looks at a run: a button's effect shows within two of them."""


MINIMUM_WIDTH = 345
"""Pixels: all of the form beside its scroll bar."""


class QtRunView(QWidget):
    """Fulfils `steering.RunView`: buttons, progress, a timer, and word of being closed."""

    tips: ClassVar[Mapping[Action, str]] = TIPS
    """The buttons, and what each says of itself."""

    asked = Signal(Action)
    ticked = Signal()
    closed = Signal()

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._run_bar = RunBar(self.tips)
        self._run_bar.asked.connect(self._ask)

    def show_phase(self, phase: Phase, allowed: frozenset[Action]) -> None:
        self._run_bar.show_phase(phase, allowed)

    def show_message(self, text: str, is_error: bool) -> None:
        self._run_bar.show_message(text, is_error)

    def show_progress(self, fraction: float | None, text: str) -> None:
        self._run_bar.show_progress(fraction, text)

    def set_ticking(self, on: bool) -> None:
        if on != self._timer.isActive():
            self._timer.start() if on else self._timer.stop()

    def event(self, event: QEvent) -> bool:
        # A dock that is closed gets no closeEvent: napari takes its widget out. A hidden one
        # keeps its parent, and its run goes on.
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.closed.emit()
        return bool(super().event(event))

    def _lay_out(self, form: Sequence[QWidget], below: Sequence[QWidget]) -> None:
        """The form, which scrolls; the buttons and what is under them, which do not."""
        above = QWidget()
        column = QVBoxLayout(above)
        for widget in form:
            column.addWidget(widget)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(above)
        self.setMinimumWidth(MINIMUM_WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll, stretch=1)
        fixed = QWidget()
        fixed.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(fixed)
        for widget in (self._run_bar, *below):
            column.addWidget(widget)
        layout.addWidget(fixed)

    def _tick(self) -> None:
        self.ticked.emit()

    def _ask(self, action: Action) -> None:
        self.asked.emit(action)
