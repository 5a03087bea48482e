"""Save and restore viewer state: visibility, selection, grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer


def show(layer: Layer, visible: bool) -> None:
    """Show or hide a layer, if that changes anything: napari also drops the layer's tool."""
    if layer.visible != visible:
        layer.visible = visible


class ViewerState:
    """Visibility, name overlays, selection and grid of a viewer at one moment.

    Parameters
    ----------
    viewer
        The viewer whose state is saved now, and put back by `restore`.
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
        """Put the state back for layers that still exist; newer layers stay as they are."""
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
            # To set the active layer selects it alone.
            viewer.layers.selection.active = self._active
            viewer.layers.selection.update(selected)


class ViewerGrid:
    """napari's grid, in which one camera shows all cells, zoomed to the cells' size.

    Parameters
    ----------
    viewer
        The viewer that has the grid.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._cells = 1

    def lay_out(self) -> None:
        """Give each visible layer a cell, which shows as much as the whole window did."""
        grid = self._viewer.canvas.grid
        grid.stride, grid.shape, grid.enabled = 1, (-1, -1), True
        self._zoom_for(max(grid.actual_shape(self._viewer.layers)))

    def end(self) -> None:
        """Show all layers in one place."""
        self._viewer.canvas.grid.enabled = False
        self._zoom_for(1)

    def _zoom_for(self, cells: int) -> None:
        """Zoom so that each of so many cells shows as much as the whole window."""
        self._viewer.scene.camera.zoom *= self._cells / cells
        self._cells = cells
