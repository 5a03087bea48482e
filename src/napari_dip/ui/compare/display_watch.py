"""Notice when another slice is on display, or when the pixels of a layer have changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from psygnal import Signal

if TYPE_CHECKING:
    from napari import Viewer


class DisplayWatch:
    """Emits when values that were read from a viewer's layers are out of date.

    Parameters
    ----------
    viewer
        The viewer whose displayed slice is watched.
    """

    changed = Signal()

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._layers: tuple[Image, ...] = ()
        events = viewer.dims.events
        self._events = [events.point, events.order, events.ndisplay]
        for event in self._events:
            event.connect(self._compare_slice)
        self._slice = self._displayed()

    def watch(self, layers: Iterable[Image]) -> None:
        """Watch the pixels of these layers, and of no others."""
        for layer in self._layers:
            layer.events.data.disconnect(self._emit)
        self._layers = tuple(layers)
        for layer in self._layers:
            layer.events.data.connect(self._emit)

    def end(self) -> None:
        """Stop watching; ending twice is fine."""
        for event in self._events:
            event.disconnect(self._compare_slice)
        self._events.clear()
        self.watch(())

    def _compare_slice(self, event: Any = None) -> None:
        """Emit if another slice is on display; napari's events report other changes too."""
        if (now := self._displayed()) != self._slice:
            self._slice = now
            self.changed.emit()

    def _displayed(self) -> tuple[Any, ...]:
        dims = self._viewer.dims
        return dims.ndisplay, dims.order, [dims.point[axis] for axis in dims.not_displayed]

    def _emit(self, event: Any = None) -> None:
        self.changed.emit()
