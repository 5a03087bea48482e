"""The Qt view of a dock that runs something: a form, buttons, the progress, and a message."""

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


RUN_TIPS = {
    Action.RUN: "Start; the image is shown while it is fitted",
    Action.PAUSE: "Hold after the current iteration",
    Action.RESUME: "Go on",
    Action.STOP: "End after the current iteration and keep what there is",
    Action.CANCEL: "End after the current iteration and remove what there is",
}
"""The buttons of a run and their tooltips."""

# Pause and Resume share a cell: only one of them is of use at a time.
_CELLS = {
    Action.RUN: (0, 0),
    Action.PAUSE: (0, 1),
    Action.RESUME: (0, 1),
    Action.STOP: (1, 0),
    Action.CANCEL: (1, 1),
}

_PROGRESS_STEPS = 1000
_MINIMUM_WIDTH = 345
"""Width of a dock in pixels: the form beside its scroll bar."""

_POLL_MS = 20
"""Milliseconds between two polls of a run: a button's effect shows within two of them."""


class QtRunView(QWidget):
    """A `RunView` in Qt; docks inherit from it and add their form with `_lay_out`.

    Parameters
    ----------
    viewer
        The viewer whose layers are used.
    """

    tips: ClassVar[Mapping[Action, str]] = RUN_TIPS
    """The buttons of the dock and their tooltips."""

    asked = Signal(Action)
    ticked = Signal()
    closed = Signal()

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._timer = QTimer(self, objectName="ticker")
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._tick)
        self._run_buttons = {action: self._button(action, tip) for action, tip in self.tips.items()}
        self._progress_bar = QProgressBar(objectName="progress")
        self._progress_bar.setTextVisible(False)
        self._progress_bar.setRange(0, _PROGRESS_STEPS)
        self._status_label = QLabel(objectName="status")
        self._message_label = QLabel(objectName="message")
        selectable = Qt.TextInteractionFlag.TextSelectableByMouse
        self._message_label.setTextInteractionFlags(selectable)
        for label in (self._status_label, self._message_label):
            label.setWordWrap(True)
        self._activity: progress | None = None
        # napari's bar handles all pending events when it is set, which would draw the window half
        # updated and then again. So it is set after the rest, by a timer that fires once.
        self._activity_timer = QTimer(self)
        self._activity_timer.setSingleShot(True)
        self._activity_timer.timeout.connect(self._show_activity)

    def show_phase(self, phase: Phase, allowed: frozenset[Action]) -> None:
        """Enable the buttons that are allowed in a phase."""
        for action, button in self._run_buttons.items():
            button.setEnabled(action in allowed)
        is_paused = phase is Phase.PAUSED
        self._run_buttons[Action.RESUME].setVisible(is_paused)
        self._run_buttons[Action.PAUSE].setVisible(not is_paused)
        if phase in (Phase.PAUSING, Phase.PAUSED, Phase.STOPPING):
            self._status_label.setText(f"{str(phase).capitalize()}{'' if is_paused else ' …'}")
        if not phase.is_active:
            self.end_activity()

    def show_progress(self, fraction: float | None, text: str) -> None:
        """Show the progress here and in napari's activity dock; None is a run that starts."""
        self._status_label.setText(text)
        # Qt draws a progress bar at once, and the whole window with it, unless it is held back.
        self._progress_bar.setUpdatesEnabled(False)
        self._progress_bar.setValue(round((fraction or 0) * _PROGRESS_STEPS))
        self._progress_bar.setUpdatesEnabled(True)
        if fraction is None and self._activity is None:
            # Made on the window's thread, on which this method is called.
            self._activity = progress(total=_PROGRESS_STEPS, desc="Deep Image Prior")
        self._activity_timer.start()
        for movie in self._spinners():
            movie.setPaused(True)
            movie.jumpToNextFrame()

    def show_message(self, text: str, is_error: bool) -> None:
        """Show one line of text, with a sign if it is an error."""
        self._message_label.setText(f"⚠ {text}" if is_error else text)

    def set_ticking(self, on: bool) -> None:
        """Start or stop the timer that emits `ticked`."""
        if on != self._timer.isActive():
            self._timer.start() if on else self._timer.stop()

    def end_activity(self) -> None:
        """Take the run off napari's activity dock."""
        if self._activity is not None:
            self._activity.close()
            self._activity = None

    def event(self, event: QEvent) -> bool:
        # A dock that is closed gets no closeEvent: napari takes its widget out. A hidden one
        # keeps its parent, and its run goes on.
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.closed.emit()
        return bool(super().event(event))

    def _lay_out(self, form: Sequence[QWidget], below: Sequence[QWidget]) -> None:
        """Lay out the form, which scrolls, and below it the buttons and the rest, which do not."""
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(_column(form, stretch=True))
        fixed = _column((self._controls(), *below))
        fixed.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(_MINIMUM_WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll, stretch=1)
        layout.addWidget(fixed)

    def _controls(self) -> QWidget:
        """The buttons of the run, its progress, and the message."""
        controls = QWidget()
        layout = QVBoxLayout(controls)
        layout.setContentsMargins(0, 0, 0, 0)
        grid = QGridLayout()
        layout.addLayout(grid)
        for action, button in self._run_buttons.items():
            is_alone = action is Action.STOP and Action.CANCEL not in self._run_buttons
            grid.addWidget(button, *_CELLS[action], 1, 2 if is_alone else 1)
        for widget in (self._progress_bar, self._status_label, self._message_label):
            layout.addWidget(widget)
        return controls

    def _button(self, action: Action, tip: str) -> QPushButton:
        """A button that asks for an action; its object name is the action's in lower case."""
        button = QPushButton(str(action), objectName=action.name.lower())
        button.setToolTip(tip)
        button.clicked.connect(partial(self._ask, action))
        return button

    def _spinners(self) -> list[QMovie]:
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

    def _show_activity(self) -> None:
        if self._activity is not None:
            self._activity.update(self._progress_bar.value() - self._activity.n)

    def _tick(self) -> None:
        self.ticked.emit()

    def _ask(self, action: Action) -> None:
        self.asked.emit(action)


def _column(widgets: Sequence[QWidget], *, stretch: bool = False) -> QWidget:
    """Widgets below each other, with free space at the end if there is to be some."""
    column = QWidget()
    layout = QVBoxLayout(column)
    for widget in widgets:
        layout.addWidget(widget)
    if stretch:
        layout.addStretch()
    return column
