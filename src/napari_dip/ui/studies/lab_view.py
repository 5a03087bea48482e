"""The dock "Deep Image Prior: Prior lab"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox
from psygnal import Signal

from napari_dip.studies.lab.base import Study
from napari_dip.studies.lab.run import STUDIES
from napari_dip.studies.study import StudyPicture
from napari_dip.ui.run.view import QtRunView
from napari_dip.ui.widgets.curves import Curves
from napari_dip.ui.widgets.form import TaskForm
from napari_dip.ui.widgets.inputs import Computing, Inputs
from napari_dip.ui.widgets.rows import Rows

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Labels


class QtLabView(QtRunView):
    """Fulfils `ui.lab.QtLabView`."""

    changed = Signal(str, object)
    study_edited = Signal(object)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._choice = ComboBox(
            name="name",
            label="Study",
            choices=[(study.title, name) for name, study in STUDIES.items()],
        )
        self._side_by_side = CheckBox(
            name="side_by_side",
            label="Side by side",
            tooltip="A layer for each picture, in napari's grid, instead of one stack of all",
        )
        # magicgui writes a box's label beside it too.
        self._side_by_side.native.setText("a layer each, in a grid")
        self._inputs, self._form, self._computing = Inputs(viewer), TaskForm(), Computing()
        self._curves = Curves()
        study, looks = Rows(), Rows()
        study.add(self._choice)
        looks.add(self._side_by_side)
        self._lay_out(
            form=(study, self._inputs, self._form, looks, self._computing), below=(self._curves,)
        )
        self._choice.changed.connect(lambda name: self.changed.emit("name", name))
        self._side_by_side.changed.connect(lambda value: self.changed.emit("side_by_side", value))
        self._form.edited.connect(self.study_edited.emit)
        self._form.invalid.connect(lambda text: self.changed.emit("form_error", text))
        for part in (self._inputs, self._computing):
            part.changed.connect(self.changed.emit)
        self._inputs.asked.connect(self._ask)

    def emit_all(self) -> None:
        """Say what is chosen already, to a controller that has just begun to listen."""
        self._inputs.emit_all()

    def reset_choices(self, event: Any = None) -> None:
        """Follow the layers; napari connects this to their events."""
        self._inputs.reset_choices()

    def show_study(self, study: Study, side_by_side: bool) -> None:
        with self._choice.changed.blocked(), self._side_by_side.changed.blocked():
            self._choice.value = study.name
            self._side_by_side.value = side_by_side
        self._choice.tooltip = (type(study).__doc__ or "").split("\n")[0]
        self._inputs.show_roles(study.accepts)
        self._form.show_task(study)

    def show_device(self, device: str) -> None:
        self._computing.show_device(device)

    def show_curves(self, pictures: tuple[StudyPicture, ...]) -> None:
        self._curves.show_pictures(pictures)

    def start_painting(self, layer: Labels) -> None:
        """Choose a mask layer and turn its brush on."""
        self._inputs.choose("mask", layer)
        self._viewer.layers.selection.active = layer
        layer.mode = "paint"
