"""What napari.yaml names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.ui.controller import RestoreController
from napari_dip.ui.model import RestoreModel
from napari_dip.ui.views.compare import CompareView
from napari_dip.ui.views.memory import remembered
from napari_dip.ui.views.restore import RestoreView

if TYPE_CHECKING:
    from napari import Viewer


class RestoreDock(RestoreView):
    """The dock that restores layers, whole: a view with its model and its controller."""

    def __init__(self, napari_viewer: Viewer) -> None:
        # napari hands plugins a proxy, a new one each time, whose layers are proxies too; layers
        # have to be told apart, and docks of one viewer have to know that it is one.
        viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        super().__init__(viewer)
        model = RestoreModel(tasks=remembered())
        self.controller = RestoreController(model, self, viewer)
        # A view that is destroyed with its window emits nothing else any more.
        self.destroyed.connect(self.controller.abandon)
        self.emit_all()


class CompareDock(CompareView):
    """The dock that compares layers."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(getattr(napari_viewer, "__wrapped__", napari_viewer))
