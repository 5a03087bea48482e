"""The values of images along a line that is drawn over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes
from numpy.typing import NDArray
from psygnal import Signal

from napari_dip.ui.compare.displayed_slice import (
    DisplayedSlice,
    displayed_slice,
    luminance,
    screen_pixel,
)
from napari_dip.ui.layers.crop import Crop

if TYPE_CHECKING:
    from napari import Viewer


Values = NDArray[np.float64]

LINE_NAME = "Profile line"

LINE_COLOUR, LINE_WIDTH = "#ffd500", 3.0
"""Colour of the line, and its width in pixels of the screen."""

SAMPLES_PER_BOX = 256
"""Number of samples that are read in one box, so that the boxes of an oblique line are small."""


@dataclass(frozen=True)
class Cut:
    """A line through an image, whose values are not read yet.

    Attributes
    ----------
    image
        The image.
    ends
        The two ends (2, 2) as (y, x) in the image's pixels, with fractions.
    length
        Length of the line in physical units.
    """

    image: DisplayedSlice
    ends: Values
    length: float

    def read(self) -> tuple[Values, Values]:
        """Return distances from the line's start, one for each pixel of it, and the values there.

        Values are interpolated linearly, as in `skimage.measure.profile_line`, and NaN outside of
        the image. Of a colour image they are the luminance.
        """
        count = int(np.ceil(np.linalg.norm(self.ends[1] - self.ends[0]))) + 1
        points = np.linspace(self.ends[0], self.ends[1], count)
        pieces = np.array_split(points, -(-count // SAMPLES_PER_BOX))
        values = np.concatenate([self._sample(piece) for piece in pieces])
        return np.linspace(0, self.length, count), values

    def _sample(self, points: Values) -> Values:
        """Return the values at (n, 2) pixels; only their bounding box is read."""
        from scipy import ndimage

        source = self.image.source
        low = np.maximum(np.floor(points.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 1, self.image.shape)
        if (low >= high).any():
            return np.full(len(points), np.nan)
        box: list[Any] = list(source.crop.index)
        for axis, first, last in zip(source.space, low, high, strict=True):
            box[axis] = slice(int(first), int(last))
        values = self.image.flat(Crop(source.crop.data, tuple(box)).read())
        grey = luminance(values[..., :3] if source.rgb else values)
        return np.asarray(
            ndimage.map_coordinates(grey, (points - low).T, order=1, cval=np.nan), np.float64
        )


@dataclass(frozen=True)
class Profiles:
    """The values of several images along one line.

    Attributes
    ----------
    lines
        (distances, values) for each image.
    unit
        Unit of the distances; empty if the image's axes have different units.
    """

    lines: tuple[tuple[Values, Values], ...]
    unit: str


class ProfileLine:
    """A line over the images, whose ends can be dragged.

    Parameters
    ----------
    viewer
        The viewer that gets the line as a Shapes layer, on top.
    layer
        The line lies over the middle of this layer at first.
    """

    moved = Signal()
    """Emitted while an end is dragged."""

    def __init__(self, viewer: Viewer, layer: Image) -> None:
        self._viewer = viewer
        self._image = displayed_slice(layer, viewer.dims)
        self.layer = Shapes(name=LINE_NAME, ndim=layer.ndim, opacity=1.0, **self._image.placement)
        viewer.add_layer(self.layer)
        space = list(self._image.source.space)
        ends = np.zeros((2, layer.ndim))
        rows, columns = self._image.shape
        ends[:, space] = [(rows / 2, columns * fraction) for fraction in (0.1, 0.9)]
        self.layer.add_lines(ends, edge_color=LINE_COLOUR, edge_width=self._width)
        self.layer.mode = "direct"
        self.layer.selected_data = {0}
        # The event `data` comes when a drag ends; this one comes all the time.
        self.layer.events.set_data.connect(self._emit_if_moved)
        viewer.scene.camera.events.zoom.connect(self._adapt_width)
        self._last_ends = self._ends()

    @property
    def is_there(self) -> bool:
        """Whether the line still exists."""
        return self.layer in self._viewer.layers and self.layer.nshapes > 0

    def follow(self, layer: Image) -> None:
        """Move the line to the slice of a layer that is on display now."""
        self._image = displayed_slice(layer, self._viewer.dims)
        if self.layer.ndim == layer.ndim:
            self.layer.translate = self._image.placement["translate"]

    def move_to_top(self) -> None:
        """Put the line above all other layers."""
        if self.is_there:
            layers = self._viewer.layers
            layers.move(layers.index(self.layer), len(layers))

    def cuts(self, layers: Sequence[Image]) -> tuple[Cut, ...]:
        """Return the line through the displayed slice of each layer."""
        world = self._ends()
        length = float(np.linalg.norm(world[1] - world[0]))
        images = [displayed_slice(layer, self._viewer.dims) for layer in layers]
        return tuple(
            Cut(image, image.to_pixels(world, self.layer.units), length) for image in images
        )

    @property
    def unit(self) -> str:
        """Unit of the line's length; empty if the image's axes have different units."""
        units = {f"{self.layer.units[axis]:~P}" for axis in self._image.source.space}
        return units.pop() if len(units) == 1 else ""

    def remove(self) -> None:
        """Remove the line's layer."""
        self._viewer.scene.camera.events.zoom.disconnect(self._adapt_width)
        self.layer.events.set_data.disconnect(self._emit_if_moved)
        if self.layer in self._viewer.layers:
            self._viewer.layers.remove(self.layer)

    @property
    def _width(self) -> float:
        return LINE_WIDTH * float(screen_pixel(self._viewer, self._image).mean())

    def _ends(self) -> Values:
        """Return the world coordinates (2, ndim) of the line's first and last point."""
        return np.array([self.layer.data_to_world(self.layer.data[0][i]) for i in (0, -1)])

    def _adapt_width(self, event: Any = None) -> None:
        self.layer.edge_width = self._width

    def _emit_if_moved(self, event: Any = None) -> None:
        """Emit if the line has moved; the layer's event reports other changes too."""
        if not self.is_there or np.array_equal(ends := self._ends(), self._last_ends):
            return
        self._last_ends = ends
        self.moved.emit()


def read_profiles(cuts: Sequence[Cut], unit: str) -> Profiles:
    """Read the values along a line through several images."""
    return Profiles(tuple(cut.read() for cut in cuts), unit)
