"""The Qt view of the dock "Prior lab"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from psygnal import Signal

from napari_dip.studies.lab.base import Study
from napari_dip.studies.lab.registry import STUDIES
from napari_dip.studies.study import StudyPicture
from napari_dip.ui.run.view import QtRunView
from napari_dip.ui.widgets.curves import StudyCurves
from napari_dip.ui.widgets.form import TaskForm
from napari_dip.ui.widgets.inputs import DeviceForm, Inputs
from napari_dip.ui.widgets.rows import Rows, side_by_side_box

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Labels


class QtLabView(QtRunView):
    """The dock in Qt: a `LabView`; its parameter is that of `QtRunView`."""

    changed = Signal(str, object)
    study_edited = Signal(object)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._choice = ComboBox(
            name="name",
            label="Study",
            choices=[(study.title, name) for name, study in STUDIES.items()],
        )
        self._side_by_side = side_by_side_box()
        self._inputs, self._form, self._device = Inputs(viewer), TaskForm(), DeviceForm()
        self._curves = StudyCurves()
        study, layout = Rows(), Rows()
        study.add(self._choice)
        layout.add(self._side_by_side)
        self._lay_out(
            form=(study, self._inputs, self._form, layout, self._device), below=(self._curves,)
        )
        self._choice.changed.connect(lambda name: self.changed.emit("name", name))
        self._side_by_side.changed.connect(lambda value: self.changed.emit("side_by_side", value))
        self._form.edited.connect(self.study_edited.emit)
        self._form.invalid.connect(lambda text: self.changed.emit("form_error", text))
        for form in (self._inputs, self._device):
            form.changed.connect(self.changed.emit)
        self._inputs.asked.connect(self._ask)

    def emit_all(self) -> None:
        """Emit what is chosen already, for a new controller."""
        self._inputs.emit_all()

    def reset_choices(self, event: Any = None) -> None:
        """Offer the viewer's layers; napari connects this method to their events."""
        self._inputs.reset_choices()

    def show_study(self, study: Study, side_by_side: bool) -> None:
        with self._choice.changed.blocked(), self._side_by_side.changed.blocked():
            self._choice.value = study.name
            self._side_by_side.value = side_by_side
        self._choice.tooltip = (type(study).__doc__ or "").split("\n")[0]
        self._inputs.show_roles(study.accepts)
        self._form.show_task(study)

    def show_device(self, device: str) -> None:
        self._device.show_device(device)

    def show_curves(self, pictures: tuple[StudyPicture, ...]) -> None:
        self._curves.show_pictures(pictures)

    def start_painting(self, layer: Labels) -> None:
        """Choose a mask layer and turn its brush on."""
        self._inputs.choose("mask", layer)
        self._viewer.layers.selection.active = layer
        layer.mode = "paint"
