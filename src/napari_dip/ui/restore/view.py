"""The dock "Deep Image Prior: Restore"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from psygnal import Signal
from qtpy.QtWidgets import QApplication, QHBoxLayout, QWidget

from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.restore import remembered as memory
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.timeline import CurvePoint
from napari_dip.ui.run.view import QtRunView
from napari_dip.ui.widgets.curves import FitCurve, TimelineBar
from napari_dip.ui.widgets.form import TaskForm
from napari_dip.ui.widgets.inputs import DeviceForm, Inputs
from napari_dip.ui.widgets.rows import Rows

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Labels


_SETTINGS_TIPS = {
    Action.COPY: "Copy all settings as JSON text",
    Action.PASTE: "Fill the form from copied settings",
    Action.FROM_LAYER: "Fill the form with the settings of the selected restored layer",
}


class QtRestoreView(QtRunView):
    """The `RestoreView` in Qt.

    Its parameter is that of `QtRunView`.
    """

    changed = Signal(str, object)
    task_edited = Signal(object)
    iteration_chosen = Signal(object)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._choice = ComboBox(
            name="name",
            label="Task",
            tooltip="What to restore",
            choices=[(task.title, name) for name, task in TASKS.items()],
        )
        self._inputs = Inputs(viewer, with_tiles=True)
        self._form, self._device = TaskForm(), DeviceForm()
        self._curve, self._timeline = FitCurve(), TimelineBar()
        task = Rows()
        task.add(self._choice)
        self._lay_out(
            form=(task, self._inputs, self._form, self._device, self._settings()),
            below=(self._curve, self._timeline),
        )
        self._connect()

    def emit_all(self) -> None:
        """Emit what is chosen, for a controller that has just been connected."""
        self._inputs.emit_all()

    def reset_choices(self, event: Any = None) -> None:
        """Offer the layers that there are; napari connects this to the layer list's events."""
        self._inputs.reset_choices()

    def show_task(self, task: Task) -> None:
        with self._choice.changed.blocked():
            self._choice.value = task.name
        self._choice.tooltip = (type(task).__doc__ or "").split("\n")[0]
        self._inputs.show_task(task)
        self._form.show_task(task)

    def show_device(self, device: str) -> None:
        self._device.show_device(device)

    def show_curve(self, points: tuple[CurvePoint, ...], stopped_at: int | None) -> None:
        self._curve.show_reports(points, stopped_at)

    def show_timeline(self, iterations: tuple[int, ...], shown: int | None) -> None:
        self._timeline.show_iterations(iterations, shown)
        self._curve.show_mark(shown)

    def show_partition(self, words: str, is_tiled: bool) -> None:
        self._inputs.show_partition(words, is_tiled)

    def show_estimate(self, text: str, is_warning: bool) -> None:
        self._device.show_estimate(text, is_warning)

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

    def _settings(self) -> QWidget:
        """The buttons that copy and paste settings."""
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        for action, tip in _SETTINGS_TIPS.items():
            layout.addWidget(self._button(action, tip))
        return row

    def _connect(self) -> None:
        self._choice.changed.connect(lambda name: self.changed.emit("name", name))
        self._form.edited.connect(self.task_edited.emit)
        self._form.invalid.connect(lambda text: self.changed.emit("form_error", text))
        for part in (self._inputs, self._device):
            part.changed.connect(self.changed.emit)
        for source in (self._inputs, self._timeline):
            source.asked.connect(self._ask)
        self._timeline.iteration_chosen.connect(self.iteration_chosen.emit)
