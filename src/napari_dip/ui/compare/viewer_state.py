"""What a viewer looks like, to be put back exactly; and its grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer


def show(layer: Layer, visible: bool) -> None:
    """Show or hide a layer, unless it is so already: napari would leave its tool then."""
    if layer.visible != visible:
        layer.visible = visible


class ViewerState:
    """What is visible, named in the picture, selected, and how it is laid out.

    Parameters
    ----------
    viewer
        Whose looks are taken down, and put back by `restore`.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._layers = [
            (layer, layer.visible, layer.name_overlay.visible) for layer in viewer.layers
        ]
        self._selection, self._active = set(viewer.layers.selection), viewer.layers.selection.active
        grid = viewer.canvas.grid
        self._grid = {"stride": grid.stride, "shape": grid.shape, "enabled": grid.enabled}

    def restore(self) -> None:
        """Put it back, as far as the layers are still there; those that came since stay as are."""
        viewer = self._viewer
        for name, value in self._grid.items():
            setattr(viewer.canvas.grid, name, value)
        for layer, visible, named in self._layers:
            if layer in viewer.layers:
                show(layer, visible)
                layer.name_overlay.visible = named
        selected = {layer for layer in self._selection if layer in viewer.layers}
        viewer.layers.selection = selected
        if self._active in viewer.layers:
            # Naming the active layer makes it the only one that is selected.
            viewer.layers.selection.active = self._active
            viewer.layers.selection.update(selected)


class ViewerGrid:
    """A viewer's grid, which has one camera for all of its cells.

    Parameters
    ----------
    viewer
        Whose grid it is.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._cells = 1

    def lay_out(self) -> None:
        """Give each visible layer a cell of its own, zoomed to as much as there was to see."""
        grid = self._viewer.canvas.grid
        grid.stride, grid.shape, grid.enabled = 1, (-1, -1), True
        self._zoom_for(max(grid.actual_shape(self._viewer.layers)))

    def end(self) -> None:
        """Show all layers in one place."""
        self._viewer.canvas.grid.enabled = False
        self._zoom_for(1)

    def _zoom_for(self, cells: int) -> None:
        """Show as much of the picture in each of a number of cells as in the whole window."""
        self._viewer.scene.camera.zoom *= self._cells / cells
        self._cells = cells
