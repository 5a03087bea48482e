"""Ways to look at two layers, after which everything is as it was before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_dip.errors import UserError
from napari_dip.ui.layers import take
from napari_dip.ui.scores import same_shape

if TYPE_CHECKING:
    from napari import Viewer


class Comparison:
    """Two layers in a viewer.

    Parameters
    ----------
    viewer
        Whose layers are compared.
    """

    def __init__(self, viewer: Viewer) -> None:
        self.a: Image | None = None
        self.b: Image | None = None
        self._viewer = viewer
        self._before: Looks | None = None
        self._curtain: Image | None = None
        self._shows_b = False

    def side_by_side(self) -> None:
        """Show both in napari's grid, which has one camera for all of its cells."""
        a, b = self._begin()
        self._show_only(a, b)
        grid = self._viewer.canvas.grid
        grid.stride, grid.shape, grid.enabled = 1, (1, 2), True

    def flip(self) -> None:
        """Show the one, then the other, in the same place."""
        a, b = self._begin()
        self._shows_b = not self._shows_b
        self._viewer.canvas.grid.enabled = False
        self._show_only(b if self._shows_b else a)

    def curtain(self, position: float = 0.5) -> None:
        """Show A to the left of a vertical line and B to the right; the line can be dragged.

        Parameters
        ----------
        position
            From 0 (all B) to 1 (all A).
        """
        a, b = self._begin()
        if self._curtain is not None and self._curtain in self._viewer.layers:
            self._draw(position)
            return
        first, second = (take(layer, self._viewer.dims) for layer in (a, b))
        self._left, self._right = first.crop.read(), second.crop.read()
        same_shape(self._left, self._right, b.name)
        self._axis = first.space[-1]
        self._viewer.canvas.grid.enabled = False
        kwargs = {**first.layer_kwargs(), "blending": "translucent_no_depth"}
        self._curtain = Image(self._left, name="Curtain", **kwargs)
        self._curtain.mouse_drag_callbacks.append(self._drag)
        self._curtain.mouse_pan = False  # a drag moves the curtain, not the camera
        self._viewer.add_layer(self._curtain)
        self._draw(position)

    def difference(self) -> Image:
        """Add B - A as a layer, whose middle grey is "no difference"."""
        a, b = self._chosen()
        first, second = (take(layer, self._viewer.dims) for layer in (a, b))
        left, right = first.crop.read(), second.crop.read()
        same_shape(left, right, b.name)
        values = right.astype(np.float32) - left.astype(np.float32)
        if first.rgb:
            values = values[..., :3].mean(axis=-1)
        most = float(np.nanmax(np.abs(values))) or 1.0
        kwargs = {
            **first.layer_kwargs(),
            "rgb": False,
            "colormap": "gray",
            "contrast_limits": (-most, most),
            "blending": "translucent_no_depth",
            "gamma": 1.0,
        }
        layer = Image(values, name=f"{b.name} - {a.name}", **kwargs)
        self._viewer.add_layer(layer)
        return layer

    def end(self) -> None:
        """Put everything back; ending twice is fine."""
        if self._curtain is not None and self._curtain in self._viewer.layers:
            self._viewer.layers.remove(self._curtain)
        self._curtain = None
        if self._before is not None:
            self._before.restore(self._viewer)
            self._before = None

    def _chosen(self) -> tuple[Image, Image]:
        a, b, layers = self.a, self.b, self._viewer.layers
        if a is None or b is None or a is b or a not in layers or b not in layers:
            raise UserError("compare: choose two different Image layers")
        return a, b

    def _begin(self) -> tuple[Image, Image]:
        chosen = self._chosen()
        if self._before is None:
            self._before = Looks(self._viewer)
        return chosen

    def _show_only(self, *shown: Image) -> None:
        for layer in self._viewer.layers:
            layer.visible = layer in shown

    def _draw(self, position: float) -> None:
        assert self._curtain is not None  # only called with one
        side = self._left.shape[self._axis]
        column = round(min(max(position, 0.0), 1.0) * side)
        index: list[Any] = [slice(None)] * self._left.ndim
        index[self._axis] = slice(column, None)
        composed = self._left.astype(np.result_type(self._left, self._right))
        composed[tuple(index)] = self._right[tuple(index)]
        self._curtain.data = composed

    def _drag(self, layer: Image, event: Any) -> Iterator[None]:
        """Follow the pointer; napari runs this until the button is released."""
        while event.type != "mouse_release":
            column = layer.world_to_data(event.position)[self._axis]
            self._draw(column / self._left.shape[self._axis])
            yield


class Looks:
    """What is visible, selected and how it is laid out, to be put back exactly."""

    def __init__(self, viewer: Viewer) -> None:
        self._visible = [(layer, layer.visible) for layer in viewer.layers]
        self._selection, self._active = set(viewer.layers.selection), viewer.layers.selection.active
        grid = viewer.canvas.grid
        self._grid = {"enabled": grid.enabled, "stride": grid.stride, "shape": grid.shape}

    def restore(self, viewer: Viewer) -> None:
        """Put it back, as far as the layers are still there."""
        for name, value in self._grid.items():
            setattr(viewer.canvas.grid, name, value)
        for layer, visible in self._visible:
            if layer in viewer.layers:
                layer.visible = visible
        viewer.layers.selection = {layer for layer in self._selection if layer in viewer.layers}
        if self._active in viewer.layers:
            viewer.layers.selection.active = self._active
            viewer.layers.selection.update(
                layer for layer in self._selection if layer in viewer.layers
            )
