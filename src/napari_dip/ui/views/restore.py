"""The dock "Deep Image Prior: Restore"."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from psygnal import Signal
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_dip.tasks import TASKS, Task
from napari_dip.ui.model import Action
from napari_dip.ui.views import memory
from napari_dip.ui.views.curve import Curve, TimelineBar
from napari_dip.ui.views.form import TaskForm
from napari_dip.ui.views.inputs import Computing, Inputs
from napari_dip.ui.views.rows import Rows
from napari_dip.ui.views.run import RunBar
from napari_dip.ui.worker import Phase, Report

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Labels

TICK_MS = 20
"""Between two looks at a run: a button's effect shows within two of them."""

MINIMUM_WIDTH = 345
"""Pixels: all of the form beside its scroll bar."""

SETTINGS_TIPS = {
    Action.COPY: "Copy all settings as JSON text",
    Action.PASTE: "Fill the form from copied settings",
    Action.FROM_LAYER: "Fill the form with the settings of the selected restored layer",
}


class RestoreView(QWidget):
    """Fulfils `controller.View`."""

    changed = Signal(str, object)
    task_edited = Signal(object)
    asked = Signal(Action)
    iteration_chosen = Signal(object)
    ticked = Signal()
    closed = Signal()

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._choice = ComboBox(
            name="name",
            label="Task",
            tooltip="What to restore",
            choices=[(task.title, name) for name, task in TASKS.items()],
        )
        self._inputs, self._form, self._computing = Inputs(viewer), TaskForm(), Computing()
        self._run_bar, self._curve, self._timeline = RunBar(), Curve(), TimelineBar()
        self._lay_out()
        self._connect()

    def emit_all(self) -> None:
        """Say what is chosen already, to a controller that has just begun to listen."""
        self._inputs.emit_all()

    def reset_choices(self, event: Any = None) -> None:
        """Follow the layers; napari connects this to their events."""
        self._inputs.reset_choices()

    def show_task(self, task: Task) -> None:
        with self._choice.changed.blocked():
            self._choice.value = task.name
        self._choice.tooltip = (type(task).__doc__ or "").split("\n")[0]
        self._inputs.show_task(task)
        self._form.show_task(task)

    def show_device(self, device: str) -> None:
        self._computing.show_device(device)

    def show_phase(self, phase: Phase, allowed: frozenset[Action]) -> None:
        self._run_bar.show_phase(phase, allowed)

    def show_message(self, text: str, is_error: bool) -> None:
        self._run_bar.show_message(text, is_error)

    def show_progress(self, fraction: float | None, text: str) -> None:
        self._run_bar.show_progress(fraction, text)

    def show_curve(self, reports: tuple[Report, ...], stopped_at: int | None) -> None:
        self._curve.show_reports(reports, stopped_at)

    def show_timeline(self, iterations: tuple[int, ...], shown: int | None) -> None:
        self._timeline.show_iterations(iterations, shown)
        self._curve.show_mark(shown)

    def show_estimate(self, text: str, is_warning: bool) -> None:
        self._computing.show_estimate(text, is_warning)

    def set_ticking(self, on: bool) -> None:
        if on != self._timer.isActive():
            self._timer.start() if on else self._timer.stop()

    def start_painting(self, layer: Labels) -> None:
        """Choose a mask layer and turn its brush on."""
        self._inputs.choose("mask", layer)
        self._viewer.layers.selection.active = layer
        layer.mode = "paint"

    def copy_text(self, text: str) -> None:
        QApplication.clipboard().setText(text)

    def pasted_text(self) -> str:
        return str(QApplication.clipboard().text())

    def remember(self, task: Task) -> None:
        memory.remember(task)

    def event(self, event: QEvent) -> bool:
        # A dock that is closed gets no closeEvent: napari takes its widget out. A hidden one
        # keeps its parent, and its run goes on.
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.closed.emit()
        return bool(super().event(event))

    def _tick(self) -> None:
        self.ticked.emit()

    def _lay_out(self) -> None:
        task = Rows()
        task.add(self._choice)
        above = QWidget()
        column = QVBoxLayout(above)
        for widget in (task, self._inputs, self._form, self._computing, self._settings()):
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
        below = QWidget()
        below.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(below)
        for widget in (self._run_bar, self._curve, self._timeline):
            column.addWidget(widget)
        layout.addWidget(below)

    def _settings(self) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        for action, tip in SETTINGS_TIPS.items():
            button = QPushButton(str(action))
            button.setToolTip(tip)
            button.clicked.connect(partial(self._ask, action))
            layout.addWidget(button)
        return row

    def _connect(self) -> None:
        self._choice.changed.connect(lambda name: self.changed.emit("name", name))
        self._form.edited.connect(self.task_edited.emit)
        self._form.invalid.connect(lambda text: self.changed.emit("form_error", text))
        for part in (self._inputs, self._computing):
            part.changed.connect(self.changed.emit)
        for source in (self._inputs, self._run_bar, self._timeline):
            source.asked.connect(self._ask)
        self._timeline.iteration_chosen.connect(self.iteration_chosen.emit)

    def _ask(self, action: Action) -> None:
        self.asked.emit(action)
