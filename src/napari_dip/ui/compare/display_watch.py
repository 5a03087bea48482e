"""Word of what is on display having changed: another slice, or other pixels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from psygnal import Signal

if TYPE_CHECKING:
    from napari import Viewer


class DisplayWatch:
    """Tells when what was read of a viewer is out of date.

    Parameters
    ----------
    viewer
        Whose slice on display is watched.
    """

    changed = Signal()

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._layers: tuple[Image, ...] = ()
        events = viewer.dims.events
        self._events = [events.point, events.order, events.ndisplay]
        for event in self._events:
            event.connect(self._look)
        self._place = self._displayed()

    def watch(self, layers: Iterable[Image]) -> None:
        """Watch the pixels of these layers, and of no others."""
        for layer in self._layers:
            layer.events.data.disconnect(self._tell)
        self._layers = tuple(layers)
        for layer in self._layers:
            layer.events.data.connect(self._tell)

    def end(self) -> None:
        """Listen to nothing any more; ending twice is fine."""
        for event in self._events:
            event.disconnect(self._look)
        self._events.clear()
        self.watch(())

    def _look(self, event: Any = None) -> None:
        """See if another slice is on display; napari tells of more."""
        if (place := self._displayed()) != self._place:
            self._place = place
            self.changed.emit()

    def _displayed(self) -> tuple[Any, ...]:
        dims = self._viewer.dims
        return dims.ndisplay, dims.order, [dims.point[axis] for axis in dims.not_displayed]

    def _tell(self, event: Any = None) -> None:
        self.changed.emit()
