"""A curtain: B to the right of a line that can be dragged, and to the left what lies below.

Only the visible part of B is a layer of its own. So A and B keep their colours and their pixels,
and may differ in size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes
from psygnal import Signal

from napari_dip.ui.compare.displayed_slice import Array, DisplayedSlice, screen_pixel
from napari_dip.ui.layers.kwargs import displayable
from napari_dip.ui.layers.source import cropped

if TYPE_CHECKING:
    from napari import Viewer


CURTAIN_NAME, HANDLE_NAME = "Curtain", "Curtain handle"
"""Names of the two layers."""

HANDLE_COLOUR, RIM_COLOUR = "#ffd500", "black"
"""Colours of the handle, visible on bright and on dark images."""

HALF_LINE, HALF_GRIP, REACH = 1.5, (16.0, 6.0), 10.0
"""Half the line's width, half the grip's height and width, and the distance from which the
pointer grabs the handle; in pixels of the screen."""


class Curtain:
    """The two layers of a curtain: the visible part of B, and the handle.

    Parameters
    ----------
    viewer
        The viewer that gets the layers, on top.
    image
        B.
    values
        B's values as `Crop.read` gives them.
    position
        From 0 (all B) to 1 (all A except B's last column).
    """

    moved = Signal(float)
    """(position): emitted after a drag."""

    def __init__(
        self, viewer: Viewer, image: DisplayedSlice, values: Array, position: float
    ) -> None:
        self._viewer = viewer
        self._image, self._values = image, displayable(values)
        self._column = 0
        self._holds_camera = False
        kwargs = {**image.source.layer_kwargs(), "blending": "opaque", "opacity": 1.0}
        self._layer = Image(self._values, name=f"{CURTAIN_NAME}: {image.name}", **kwargs)
        self._handle = Shapes(
            name=HANDLE_NAME, ndim=len(image.source.shape), opacity=1.0, **image.placement
        )
        self.layers: tuple[Image, Shapes] = (self._layer, self._handle)
        self.move(position)

    def add(self) -> None:
        """Add the layers to the viewer, and wait for a drag."""
        viewer = self._viewer
        for layer in self.layers:
            viewer.add_layer(layer)
        # A's name is at the left.
        self._layer.name_overlay.position = "top_right"
        self._layer.name_overlay.visible = True
        # If the handle were active, the pointer would have the tools of a Shapes layer.
        viewer.layers.selection.active = self._layer
        viewer.mouse_move_callbacks.append(self._hover)
        viewer.mouse_drag_callbacks.append(self._drag)
        viewer.scene.camera.events.zoom.connect(self._draw_handle)

    @property
    def is_complete(self) -> bool:
        """Whether both layers are still in the viewer."""
        return all(layer in self._viewer.layers for layer in self.layers)

    def move(self, position: float) -> None:
        """Move the line to a fraction of B's width."""
        side = self._width
        self._column = min(max(round(position * side), 0), side - 1)
        source = self._image.source
        start = [0, 0]
        start[self._across] = self._column
        part = cropped(source, start, self._image.shape)
        index = tuple(slice(a - b, None) for a, b in zip(part.start, source.start, strict=True))
        self._layer.data = self._values[index]
        self._layer.translate = part.layer_kwargs()["translate"]
        self._draw_handle()

    def show(self, image: DisplayedSlice, values: Array) -> None:
        """Show another slice of B, or its new values."""
        position = self._column / self._width
        self._image, self._values = image, displayable(values)
        self._handle.translate = image.placement["translate"]
        self.move(position)

    def remove(self) -> None:
        """Remove the layers, and stop following the pointer."""
        viewer = self._viewer
        viewer.scene.camera.events.zoom.disconnect(self._draw_handle)
        viewer.mouse_move_callbacks.remove(self._hover)
        viewer.mouse_drag_callbacks.remove(self._drag)
        self._release_camera()
        for layer in self.layers:
            if layer in viewer.layers:
                viewer.layers.remove(layer)

    @property
    def _across(self) -> int:
        """The axis of the image (0 or 1) that goes from left to right on the screen."""
        source, dims = self._image.source, self._viewer.dims
        axis = dims.order[-1] - (dims.ndim - len(source.shape))
        return source.space.index(axis) if axis in source.space else 1

    @property
    def _width(self) -> int:
        return self._image.shape[self._across]

    def _draw_handle(self, event: Any = None) -> None:
        """Draw a line with a grip in its middle, equally thick on the screen at any zoom."""
        across, down = self._across, 1 - self._across
        pixel = screen_pixel(self._viewer, self._image)
        at = self._column - 0.5
        top, bottom = -0.5, self._image.shape[down] - 0.5
        middle = (top + bottom) / 2
        boxes = []
        for (low, high), half in (
            ((top, bottom), HALF_LINE * pixel[across]),
            (np.array((-1, 1)) * HALF_GRIP[0] * pixel[down] + middle, HALF_GRIP[1] * pixel[across]),
        ):
            box = np.zeros((4, self._handle.ndim))
            space = self._image.source.space
            box[:, space[down]] = low, low, high, high
            box[:, space[across]] = at - half, at + half, at + half, at - half
            boxes.append(box)
        if self._handle.nshapes:
            self._handle.data = boxes
            self._handle.edge_width = float(pixel.mean())
        else:
            self._handle.add_rectangles(
                boxes,
                face_color=HANDLE_COLOUR,
                edge_color=RIM_COLOUR,
                edge_width=float(pixel.mean()),
            )

    def _position_of(self, event: Any) -> tuple[float, bool]:
        """Return the pointer's position across the image, and whether it is at the handle."""
        dims = self._viewer.dims
        ((*pixel,),) = self._image.to_pixels(np.array([event.position]), dims.units)
        column = pixel[self._across] + 0.5
        reach = REACH * screen_pixel(self._viewer, self._image)[self._across]
        return column / self._width, abs(column - self._column) <= reach

    def _hover(self, viewer: Viewer, event: Any) -> None:
        """Hold the camera still while the pointer is near enough to drag the curtain."""
        is_near = self.is_complete and self._position_of(event)[1]
        if is_near and not self._holds_camera:
            self._holds_camera = True
            viewer.scene.camera.mouse_pan = False
            viewer.cursor.style = "pointing"
        elif not is_near:
            self._release_camera()

    def _release_camera(self) -> None:
        """Give camera and pointer back to the active layer, as napari does on a selection."""
        if not self._holds_camera:
            return
        self._holds_camera = False
        viewer, active = self._viewer, self._viewer.layers.selection.active
        viewer.scene.camera.mouse_pan = active is None or active.mouse_pan
        viewer.cursor.style = "standard" if active is None else active.cursor

    def _drag(self, viewer: Viewer, event: Any) -> Iterator[None]:
        """Follow the pointer; napari runs this until the button is released."""
        self._hover(viewer, event)
        if not self._holds_camera:
            return
        yield
        while event.type == "mouse_move":
            self.move(self._position_of(event)[0])
            self.moved.emit(self._column / self._width)
            yield
