"""What napari.yaml names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_dip.ui.controller import RestoreController
from napari_dip.ui.model import RestoreModel
from napari_dip.ui.views.memory import remembered
from napari_dip.ui.views.restore import RestoreView

if TYPE_CHECKING:
    from napari import Viewer


def restore(napari_viewer: Viewer) -> RestoreView:
    """The dock that restores layers."""
    view = RestoreView(napari_viewer)
    controller = RestoreController(RestoreModel(tasks=remembered()), view, napari_viewer)
    view.controller = controller  # lives as long as the view
    # A view that is destroyed with its window emits nothing else any more.
    view.destroyed.connect(controller.abandon)
    view.connect_model()
    return view
