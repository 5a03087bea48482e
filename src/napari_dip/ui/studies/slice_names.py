"""The name of the slice on display, written on the canvas.

A layer whose metadata has names (`slices`) is a stack of pictures with names along its first axis.
The overlay is one of our own, so that a person's own text overlay stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from napari.components.overlays import TextOverlay
from napari.layers import Image

from napari_dip.ui.layers.provenance import KEY
from napari_dip.ui.layers.source import slice_position

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import Dims


OVERLAY = "napari_dip_slice"
"""Name of the overlay among the canvas's overlays."""

SLICES = "slices"
"""Key of the names in a layer's `metadata[KEY]`."""

FONT_SIZE = 14
"""Font size of the overlay in points."""


class SliceNames:
    """Follows a viewer's sliders and layers, and names the slice on display.

    Parameters
    ----------
    viewer
        The viewer that gets the overlay.
    """

    def __init__(self, viewer: Viewer) -> None:
        # A weak reference: _NAMED below keeps this object and must not keep the viewer.
        self._viewer = ref(viewer)
        self._overlay = TextOverlay(
            visible=False, position="top_left", font_size=FONT_SIZE, box=True
        )
        viewer.canvas.overlays[OVERLAY] = self._overlay
        viewer.dims.events.connect(self.update)
        for event in ("inserted", "removed", "reordered"):
            getattr(viewer.layers.events, event).connect(self.update)
        self._followed: WeakKeyDictionary[Image, bool] = WeakKeyDictionary()

    def follow(self, layer: Image) -> None:
        """Name a layer's slices from now on, whenever it is the topmost such layer in view."""
        if layer not in self._followed:
            self._followed[layer] = True
            layer.events.visible.connect(self.update)
        self.update()

    def update(self, event: Any = None) -> None:
        """Write the name of the slice on display."""
        viewer = self._viewer()
        if viewer is None:
            return
        names = (self._name(layer, viewer.dims) for layer in reversed(viewer.layers))
        text = next((name for name in names if name is not None), "")
        self._overlay.text = text
        self._overlay.visible = bool(text)

    def _name(self, layer: Any, dims: Dims) -> str | None:
        """Return the name of a layer's slice on display, or None."""
        if layer not in self._followed or not layer.visible:
            return None
        names = layer.metadata.get(KEY, {}).get(SLICES, ())
        if dims.ndim - layer.ndim in dims.displayed:  # several pictures are on display
            return None
        index = int(slice_position(layer, dims)[0])
        return str(names[index]) if 0 <= index < len(names) else None


_NAMED: WeakKeyDictionary[Viewer, SliceNames] = WeakKeyDictionary()


def slice_names(viewer: Viewer) -> SliceNames:
    """Return a viewer's `SliceNames`, made on first use; it outlives the dock, as stacks do."""
    if viewer not in _NAMED:
        _NAMED[viewer] = SliceNames(viewer)
    return _NAMED[viewer]
