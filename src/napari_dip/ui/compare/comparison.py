"""The Compare dock's controller: modes that show several layers, and the way back from them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from napari.layers import Image, Layer
from psygnal import Signal

from napari_dip.errors import UserError
from napari_dip.ui.compare.curtain import Curtain
from napari_dip.ui.compare.difference import Difference, difference
from napari_dip.ui.compare.displayed_slice import (
    Array,
    DisplayedSlice,
    ReadRequest,
    displayed_slice,
)
from napari_dip.ui.compare.profile import ProfileLine
from napari_dip.ui.compare.viewer_state import ViewerGrid, ViewerState, show

if TYPE_CHECKING:
    from napari import Viewer


class Mode(StrEnum):
    """How layers are shown until the mode ends."""

    SIDE_BY_SIDE = "Side by side"
    FLICKER = "Flicker"
    CURTAIN = "Curtain"


_CURRENT: WeakValueDictionary[int, Comparison] = WeakValueDictionary()
"""The comparison that shows its layers in a viewer, by the viewer's id: one at a time."""


class Comparison:
    """The layers that are compared, and the mode in which a viewer shows them.

    Parameters
    ----------
    viewer
        The viewer that has the layers.
    """

    changed = Signal()
    """Emitted when the mode, the layer shown by Flicker or the curtain's position changes."""

    def __init__(self, viewer: Viewer) -> None:
        self.layers: tuple[Image, ...] = ()
        self.mode: Mode | None = None
        self.position = 0.5
        self.curtain: Curtain | None = None
        self.line: ProfileLine | None = None
        self._viewer = viewer
        self._before: ViewerState | None = None
        self._shown = 0
        self._grid = ViewerGrid(viewer)

    @property
    def shown(self) -> Image | None:
        """The layer that Flicker shows now."""
        return self.layers[self._shown] if self.mode is Mode.FLICKER else None

    @property
    def has_begun(self) -> bool:
        """Whether there is a viewer state to put back."""
        return self._before is not None

    def side_by_side(self) -> None:
        """Show all layers in napari's grid, which has one camera for all of its cells."""
        self._begin(Mode.SIDE_BY_SIDE)
        self._show_only(self.layers)
        self._grid.lay_out()

    def flip(self) -> None:
        """Show the next layer in the same place."""
        self._shown = (self._shown + 1) % max(len(self.layers), 1)
        self._flicker()

    def draw_curtain(self) -> ReadRequest:
        """Show A to the left of a vertical line and B to the right; the line can be dragged."""
        self._need_two(Mode.CURTAIN)
        self._need_2d("curtain")
        image = displayed_slice(self.layers[1], self._viewer.dims)
        self._begin(Mode.CURTAIN)
        self._show_only(self.layers[:1])
        return lambda: partial(self._show_curtain, image, image.source.crop.read())

    def move_curtain(self, position: float) -> None:
        """Move the curtain: at 0 all is B, at 1 all is A."""
        self.position = position
        if self.curtain is not None:
            self.curtain.move(position)

    def subtract(self) -> ReadRequest:
        """Add B - A as a layer, in which middle grey means no difference."""
        self._need_two("difference")
        a, b = (displayed_slice(layer, self._viewer.dims) for layer in self.layers[:2])
        return lambda: partial(self._add_difference, difference(a, b))

    def draw_line(self) -> ProfileLine:
        """Add a line over the images, for a profile."""
        if not self.layers:
            raise UserError("line profile: tick an Image layer")
        self._need_2d("line profile")
        self._begin(self.mode)
        self.line = ProfileLine(self._viewer, self.layers[0])
        show(self.line.layer, self.mode is not Mode.SIDE_BY_SIDE)
        self.changed.emit()
        return self.line

    def remove_line(self) -> None:
        """Remove the line."""
        if self.line is not None:
            self.line.remove()
            self.line = None
        if self.mode is None:
            self.end()
        self.changed.emit()

    def choose(self, layers: Sequence[Image]) -> ReadRequest | None:
        """Compare other layers, in the same mode."""
        shown, b = self.shown, self.layers[1:2]
        self.layers = tuple(layers)
        self._shown = self.layers.index(shown) if shown in self.layers else 0
        if self.mode is None:
            return None
        if len(self.layers) < 2:
            self.end()
        elif self.mode is Mode.SIDE_BY_SIDE:
            self.side_by_side()
        elif self.mode is Mode.FLICKER:
            self._flicker()
        else:
            if self.layers[1:2] != b:
                self._remove_curtain()
            return self.draw_curtain()
        return None

    def refresh(self) -> ReadRequest | None:
        """Return what has to be read again for another slice, or for new pixels."""
        if self.line is not None and self.layers:
            self.line.follow(self.layers[0])
        return self.draw_curtain() if self.mode is Mode.CURTAIN else None

    def tidy(self) -> None:
        """End the curtain or the line if a person has removed one of their layers."""
        if self.line is not None and not self.line.is_there:
            self.remove_line()
        if self.curtain is not None and not self.curtain.is_complete:
            self.end()

    @staticmethod
    def is_temporary(viewer: Viewer, layer: Layer) -> bool:
        """Whether a layer belongs to a comparison in a viewer, and goes away with it."""
        current = _CURRENT.get(id(viewer))
        return current is not None and current.owns(layer)

    def owns(self, layer: Layer) -> bool:
        """Whether a layer is part of this comparison's curtain or line."""
        curtain = self.curtain.layers if self.curtain else ()
        return layer in curtain or (self.line is not None and layer is self.line.layer)

    def end(self) -> None:
        """Put everything back; ending twice is fine."""
        if self._before is None:
            return
        self._leave()
        if self.line is not None:
            self.line.remove()
            self.line = None
        self._before.restore()
        self._before, self.mode = None, None
        _CURRENT.pop(id(self._viewer), None)
        self.changed.emit()

    def _begin(self, mode: Mode | None) -> None:
        """Save the viewer's state unless it is saved, and change from one mode to another."""
        if mode is not None:
            self._need_two(mode)
        other = _CURRENT.get(id(self._viewer), self)
        if other is not self:
            other.end()
        if self._before is None:
            self._before = ViewerState(self._viewer)
            _CURRENT[id(self._viewer)] = self
        if mode is not self.mode:
            self._leave()
            self.mode = mode
        self._viewer.canvas.grid.enabled = mode is Mode.SIDE_BY_SIDE

    def _leave(self) -> None:
        self._remove_curtain()
        self._grid.end()

    def _remove_curtain(self) -> None:
        if self.curtain is not None:
            self.curtain.remove()
            self.curtain = None

    def _show_only(self, shown: Sequence[Image]) -> None:
        for layer in self._viewer.layers:
            if self.owns(layer):
                # In the grid a line would have a cell of its own.
                show(layer, self.mode is not Mode.SIDE_BY_SIDE)
            else:
                show(layer, layer in shown)
                layer.name_overlay.visible = layer in shown
        self.changed.emit()

    def _flicker(self) -> None:
        self._begin(Mode.FLICKER)
        self._show_only([self.layers[self._shown]])

    def _show_curtain(self, image: DisplayedSlice, values: Array) -> None:
        """Show B's values in the curtain, unless the mode has been left meanwhile."""
        if self.mode is not Mode.CURTAIN:
            return
        if self.curtain is not None:
            self.curtain.show(image, values)
            return
        self.curtain = Curtain(self._viewer, image, values, self.position)
        self.curtain.moved.connect(self._follow_drag)
        self.curtain.add()
        if self.line is not None:
            self.line.move_to_top()
        self.changed.emit()

    def _follow_drag(self, position: float) -> None:
        self.position = position
        self.changed.emit()

    def _add_difference(self, difference: Difference) -> str:
        self._viewer.add_layer(difference.layer())
        return f"Added the layer {difference.name!r}. {difference.note}".rstrip()

    def _need_two(self, what: str) -> None:
        if len(self.layers) < 2:
            raise UserError(f"{what.lower()}: tick two or more Image layers")

    def _need_2d(self, what: str) -> None:
        if self._viewer.dims.ndisplay != 2:
            raise UserError(f"{what}: needs the 2-D view; leave the 3-D view first")
