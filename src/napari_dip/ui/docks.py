"""What napari.yaml names: the docks, and the commands that open one for a task."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from napari.layers import Image
from napari.plugins import menu_item_template
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QDockWidget

from napari_dip.ui import preferences
from napari_dip.ui.batch.controller import BatchController, BatchModel
from napari_dip.ui.batch.view import QtBatchView
from napari_dip.ui.compare.view import QtCompareView
from napari_dip.ui.restore.controller import RestoreController
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.restore.remembered import remembered
from napari_dip.ui.restore.view import QtRestoreView
from napari_dip.ui.studies.classifier import VisualizationController, VisualizationModel
from napari_dip.ui.studies.classifier_view import QtVisualizationView
from napari_dip.ui.studies.lab import LabController, LabModel
from napari_dip.ui.studies.lab_view import QtLabView

if TYPE_CHECKING:
    from napari import Viewer


PLUGIN, RESTORE = "Deep Image Prior", "Deep Image Prior: Restore"
"""The names of the plugin and of its dock, as napari.yaml has them."""


class Tab:
    """Mixin of a dock's content: gives the dock a name that is told apart on a narrow tab."""

    tab: ClassVar[str]

    def event(self, event: QEvent) -> bool:
        dock = self.parent() if event.type() == QEvent.Type.ParentChange else None  # type: ignore[attr-defined]
        if isinstance(dock, QDockWidget):
            dock.setWindowTitle(menu_item_template.format(PLUGIN, self.tab))
        return bool(super().event(event))  # type: ignore[misc]


class RestoreDock(Tab, QtRestoreView):
    """The dock that restores layers, whole: a view with its model and its controller."""

    tab = "Restore"

    def __init__(self, napari_viewer: Viewer) -> None:
        viewer = _unwrapped(napari_viewer)
        super().__init__(viewer)
        model = RestoreModel(tasks=remembered(), device=preferences.read().device)
        self.controller = RestoreController(model, self, viewer, preferences=preferences.read)
        # A view that is destroyed with its window emits nothing else any more.
        self.destroyed.connect(self.controller.abandon)
        self.emit_all()
        model.say(preferences.complaint(), is_error=True)

    def choose(self, task: str | None = None, **layers: Any) -> None:
        """Choose a task by its name, and layers by their role, as a person would."""
        if task is not None:
            self._choice.value = task
        for role, layer in layers.items():
            self._inputs.choose(role, layer)


class CompareDock(Tab, QtCompareView):
    """The dock that compares layers."""

    tab = "Compare"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(_unwrapped(napari_viewer))


class LabDock(Tab, QtLabView):
    """The dock of the prior lab, whole."""

    tab = "Prior lab"

    def __init__(self, napari_viewer: Viewer) -> None:
        viewer = _unwrapped(napari_viewer)
        super().__init__(viewer)
        model = LabModel(device=preferences.read().device)
        self.controller = LabController(model, self, viewer, preferences=preferences.read)
        self.destroyed.connect(self.controller.abandon)
        self.emit_all()

    def choose(self, study: str | None = None, **layers: Any) -> None:
        """Choose a study by its name, and layers by their role, as a person would."""
        if study is not None:
            self._choice.value = study
        for role, layer in layers.items():
            self._inputs.choose(role, layer)


class ClassifierDock(Tab, QtVisualizationView):
    """The dock that looks inside a classifier, whole."""

    tab = "Classifier"

    def __init__(self, napari_viewer: Viewer) -> None:
        viewer = _unwrapped(napari_viewer)
        super().__init__(viewer)
        model = VisualizationModel(device=preferences.read().device)
        self.controller = VisualizationController(model, self, viewer, preferences=preferences.read)
        self.destroyed.connect(self.controller.abandon)
        self.emit_all()


class BatchDock(Tab, QtBatchView):
    """The dock that restores many files, whole."""

    tab = "Batch"

    def __init__(self, napari_viewer: Viewer) -> None:
        viewer = _unwrapped(napari_viewer)
        super().__init__(viewer)
        model = BatchModel(tasks=remembered(), device=preferences.read().device)
        self.controller = BatchController(model, self, viewer, preferences=preferences.read)
        self.show_device(model.device)
        self.destroyed.connect(self.controller.abandon)


def open_restore(viewer: Viewer) -> RestoreDock:
    """The viewer's Restore dock: the one that is open, raised, or a new one."""
    viewer = _unwrapped(viewer)
    docked = (w for w in viewer.window.dock_widgets.values() if isinstance(w, RestoreDock))
    dock = next(docked, None)
    if dock is None:
        dock = RestoreDock(viewer)
        # The name that napari's own menu entry looks for: it shows and hides this dock then,
        # and does not make another.
        viewer.window.add_dock_widget(dock, name=menu_item_template.format(PLUGIN, RESTORE))
    dock.parent().show()
    dock.parent().raise_()
    return dock


def _open_for(task: str, viewer: Viewer) -> None:
    """Open the dock with a task chosen, for the active layer if that is an image."""
    dock = open_restore(viewer)
    dock.choose(task)
    active = _unwrapped(viewer).layers.selection.active
    if isinstance(active, Image):
        dock.choose(image=active)


denoise, dejpeg, inpaint, upscale, deblur, enhance, flash = (
    partial(_open_for, task)
    for task in ("denoise", "dejpeg", "inpaint", "upscale", "deblur", "enhance", "flash")
)


def _unwrapped(viewer: Viewer) -> Viewer:
    """The viewer behind napari's proxy.

    Plugins get a new proxy each time, whose layers are proxies too; layers have to be told apart,
    and docks of one viewer have to know that it is one.
    """
    return getattr(viewer, "__wrapped__", viewer)
