"""The docks that napari.yaml names, and the commands that open the Restore dock for a task."""

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
from napari_dip.ui.studies.classifier_controller import VisualizationController, VisualizationModel
from napari_dip.ui.studies.classifier_view import QtVisualizationView
from napari_dip.ui.studies.lab_controller import LabController, LabModel
from napari_dip.ui.studies.lab_view import QtLabView

if TYPE_CHECKING:
    from napari import Viewer


PLUGIN_TITLE, RESTORE_TITLE = "Deep Image Prior", "Deep Image Prior: Restore"
"""Titles of the plugin and of the Restore dock in napari.yaml."""


class ShortTitle:
    """Mixin for a dock's widget that begins the dock's title with a word of its own.

    So the docks can be told apart even on narrow tabs.
    """

    title: ClassVar[str]

    def event(self, event: QEvent) -> bool:
        dock = self.parent() if event.type() == QEvent.Type.ParentChange else None  # type: ignore[attr-defined]
        if isinstance(dock, QDockWidget):
            dock.setWindowTitle(menu_item_template.format(PLUGIN_TITLE, self.title))
        return bool(super().event(event))  # type: ignore[misc]


class RestoreDock(ShortTitle, QtRestoreView):
    """The dock that restores layers: its view, with model and controller."""

    title = "Restore"

    def __init__(self, napari_viewer: Viewer) -> None:
        viewer = _unwrapped(napari_viewer)
        super().__init__(viewer)
        model = RestoreModel(tasks=remembered(), device=preferences.read().device)
        self.controller = RestoreController(model, self, viewer, preferences=preferences.read)
        # A view that is destroyed with its window emits no other signal.
        self.destroyed.connect(self.controller.abandon)
        self.emit_all()
        model.say(preferences.warning(), is_error=True)

    def choose(self, task: str | None = None, **layers: Any) -> None:
        """Choose a task by its name, and layers by their roles, as a person would."""
        if task is not None:
            self._choice.value = task
        for role, layer in layers.items():
            self._inputs.choose(role, layer)


class CompareDock(ShortTitle, QtCompareView):
    """The dock that compares layers."""

    title = "Compare"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(_unwrapped(napari_viewer))


class LabDock(ShortTitle, QtLabView):
    """The dock that runs the lab's studies: its view, with model and controller."""

    title = "Prior lab"

    def __init__(self, napari_viewer: Viewer) -> None:
        viewer = _unwrapped(napari_viewer)
        super().__init__(viewer)
        model = LabModel(device=preferences.read().device)
        self.controller = LabController(model, self, viewer, preferences=preferences.read)
        self.destroyed.connect(self.controller.abandon)
        self.emit_all()

    def choose(self, study: str | None = None, **layers: Any) -> None:
        """Choose a study by its name, and layers by their roles, as a person would."""
        if study is not None:
            self._choice.value = study
        for role, layer in layers.items():
            self._inputs.choose(role, layer)


class ClassifierDock(ShortTitle, QtVisualizationView):
    """The dock that visualizes a classifier: its view, with model and controller."""

    title = "Classifier"

    def __init__(self, napari_viewer: Viewer) -> None:
        viewer = _unwrapped(napari_viewer)
        super().__init__(viewer)
        model = VisualizationModel(device=preferences.read().device)
        self.controller = VisualizationController(model, self, viewer, preferences=preferences.read)
        self.destroyed.connect(self.controller.abandon)
        self.emit_all()


class BatchDock(ShortTitle, QtBatchView):
    """The dock that restores many files: its view, with model and controller."""

    title = "Batch"

    def __init__(self, napari_viewer: Viewer) -> None:
        viewer = _unwrapped(napari_viewer)
        super().__init__(viewer)
        model = BatchModel(tasks=remembered(), device=preferences.read().device)
        self.controller = BatchController(model, self, viewer, preferences=preferences.read)
        self.show_device(model.device)
        self.destroyed.connect(self.controller.abandon)


def open_restore(viewer: Viewer) -> RestoreDock:
    """Raise the viewer's Restore dock, or open one if there is none, and return it."""
    viewer = _unwrapped(viewer)
    docked = (w for w in viewer.window.dock_widgets.values() if isinstance(w, RestoreDock))
    dock = next(docked, None)
    if dock is None:
        dock = RestoreDock(viewer)
        # By this name napari's own menu entry finds the dock, instead of making another.
        name = menu_item_template.format(PLUGIN_TITLE, RESTORE_TITLE)
        viewer.window.add_dock_widget(dock, name=name)
    dock.parent().show()
    dock.parent().raise_()
    return dock


def _open_for(task: str, viewer: Viewer) -> None:
    """Open the Restore dock for a task, and for the active layer if that is an image."""
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
    """Return the viewer behind napari's proxy.

    napari gives plugins a new proxy each time, whose layers are proxies too. The docks compare
    viewers and layers by identity, so they need the objects themselves.
    """
    return getattr(viewer, "__wrapped__", viewer)
