"""A curtain: B right of a line that can be dragged, and left of it what lies below.

Only B's part is a layer of its own. So A and B keep their colours and their pixels, and may be of
different size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes
from psygnal import Signal

from napari_dip.ui.compare.picture import Array, DisplayedSlice, screen_pixel
from napari_dip.ui.layers.kwargs import displayable
from napari_dip.ui.layers.source import cropped

if TYPE_CHECKING:
    from napari import Viewer


NAME, HANDLE = "Curtain", "Curtain handle"


COLOUR, RIM = "#ffd500", "black"
"""Of the handle: seen on bright and on dark pictures."""


LINE, GRIP, REACH = 1.5, (16.0, 6.0), 10.0
"""Half the line's width, half the grip's height and width, and how near the pointer grabs them;
in pixels of the screen."""


class Curtain:
    """The layers of a curtain.

    Parameters
    ----------
    viewer
        Gets a layer with B's part and one with the handle, on top.
    picture
        B.
    values
        As `Crop.read` gave them.
    position
        From 0 (all B) to 1 (all A, save B's last column).
    """

    moved = Signal(float)
    """The position, after a drag."""

    def __init__(
        self, viewer: Viewer, picture: DisplayedSlice, values: Array, position: float
    ) -> None:
        self._viewer = viewer
        self._picture, self._values = picture, displayable(values)
        self._column = 0
        self._has_camera = False
        kwargs = {**picture.source.layer_kwargs(), "blending": "opaque", "opacity": 1.0}
        self._layer = Image(self._values, name=f"{NAME}: {picture.name}", **kwargs)
        self._handle = Shapes(
            name=HANDLE, ndim=len(picture.source.shape), opacity=1.0, **picture.frame
        )
        self.layers: tuple[Image, Shapes] = (self._layer, self._handle)
        self.move(position)

    def hang(self) -> None:
        """Add the layers, and wait for a drag."""
        viewer = self._viewer
        for layer in self.layers:
            viewer.add_layer(layer)
        # A is named at the left.
        self._layer.name_overlay.position = "top_right"
        self._layer.name_overlay.visible = True
        # Else the handle's own tools would be on the pointer.
        viewer.layers.selection.active = self._layer
        viewer.mouse_move_callbacks.append(self._hover)
        viewer.mouse_drag_callbacks.append(self._drag)
        viewer.scene.camera.events.zoom.connect(self._draw_handle)

    @property
    def is_whole(self) -> bool:
        """Whether both of its layers are still there."""
        return all(layer in self._viewer.layers for layer in self.layers)

    def move(self, position: float) -> None:
        """Show B from a part of its width on."""
        side = self._width
        self._column = min(max(round(position * side), 0), side - 1)
        source = self._picture.source
        start = [0, 0]
        start[self._across] = self._column
        part = cropped(source, start, self._picture.shape)
        index = tuple(slice(a - b, None) for a, b in zip(part.start, source.start, strict=True))
        self._layer.data = self._values[index]
        self._layer.translate = part.layer_kwargs()["translate"]
        self._draw_handle()

    def show(self, picture: DisplayedSlice, values: Array) -> None:
        """Show another slice of B, or what has become of it."""
        position = self._column / self._width
        self._picture, self._values = picture, displayable(values)
        self._handle.translate = picture.frame["translate"]
        self.move(position)

    def remove(self) -> None:
        """Take the layers away, and the hands off the pointer."""
        viewer = self._viewer
        viewer.scene.camera.events.zoom.disconnect(self._draw_handle)
        viewer.mouse_move_callbacks.remove(self._hover)
        viewer.mouse_drag_callbacks.remove(self._drag)
        self._let_go()
        for layer in self.layers:
            if layer in viewer.layers:
                viewer.layers.remove(layer)

    @property
    def _across(self) -> int:
        """Which axis of the picture goes from left to right."""
        source, dims = self._picture.source, self._viewer.dims
        axis = dims.order[-1] - (dims.ndim - len(source.shape))
        return source.space.index(axis) if axis in source.space else 1

    @property
    def _width(self) -> int:
        return self._picture.shape[self._across]

    def _draw_handle(self, event: Any = None) -> None:
        """A line with a grip in its middle, as thick on the screen at any zoom."""
        across, down = self._across, 1 - self._across
        pixel = screen_pixel(self._viewer, self._picture)
        at = self._column - 0.5
        top, bottom = -0.5, self._picture.shape[down] - 0.5
        middle = (top + bottom) / 2
        boxes = []
        for (low, high), half in (
            ((top, bottom), LINE * pixel[across]),
            (np.array((-1, 1)) * GRIP[0] * pixel[down] + middle, GRIP[1] * pixel[across]),
        ):
            box = np.zeros((4, self._handle.ndim))
            space = self._picture.source.space
            box[:, space[down]] = low, low, high, high
            box[:, space[across]] = at - half, at + half, at + half, at - half
            boxes.append(box)
        if self._handle.nshapes:
            self._handle.data = boxes
            self._handle.edge_width = float(pixel.mean())
        else:
            width = float(pixel.mean())
            self._handle.add_rectangles(boxes, face_color=COLOUR, edge_color=RIM, edge_width=width)

    def _position_of(self, event: Any) -> tuple[float, bool]:
        """Where the pointer is across the picture, and whether it is at the handle."""
        dims = self._viewer.dims
        ((*place,),) = self._picture.to_pixels(np.array([event.position]), dims.units)
        column = place[self._across] + 0.5
        reach = REACH * screen_pixel(self._viewer, self._picture)[self._across]
        return column / self._width, abs(column - self._column) <= reach

    def _hover(self, viewer: Viewer, event: Any) -> None:
        """Hold the camera still while the pointer is where a drag moves the curtain."""
        is_near = self.is_whole and self._position_of(event)[1]
        if is_near and not self._has_camera:
            self._has_camera = True
            viewer.scene.camera.mouse_pan = False
            viewer.cursor.style = "pointing"
        elif not is_near:
            self._let_go()

    def _let_go(self) -> None:
        """Give camera and pointer back to the active layer, as napari does when one is chosen."""
        if not self._has_camera:
            return
        self._has_camera = False
        viewer, active = self._viewer, self._viewer.layers.selection.active
        viewer.scene.camera.mouse_pan = active is None or active.mouse_pan
        viewer.cursor.style = "standard" if active is None else active.cursor

    def _drag(self, viewer: Viewer, event: Any) -> Iterator[None]:
        """Follow the pointer; napari runs this until the button is released."""
        self._hover(viewer, event)
        if not self._has_camera:
            return
        yield
        while event.type == "mouse_move":
            self.move(self._position_of(event)[0])
            self.moved.emit(self._column / self._width)
            yield
