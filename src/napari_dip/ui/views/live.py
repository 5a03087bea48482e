"""What the views of all docks that run something have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from psygnal import Signal
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from napari_dip.ui.model import Action
from napari_dip.ui.views.run import TIPS, RunBar
from napari_dip.ui.worker import Phase

if TYPE_CHECKING:
    from napari import Viewer

TICK_MS = 20
"""Between two looks at a run: a button's effect shows within two of them."""

MINIMUM_WIDTH = 345
"""Pixels: all of the form beside its scroll bar."""


class LiveView(QWidget):
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
