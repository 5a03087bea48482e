"""The values of pictures along a line that is drawn over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes
from numpy.typing import NDArray
from psygnal import Signal

from napari_dip.ui.compare.picture import DisplayedSlice, luminance, picture_of, screen_pixel
from napari_dip.ui.layers.crop import Crop

if TYPE_CHECKING:
    from napari import Viewer


Values = NDArray[np.float64]


NAME = "Profile line"


COLOUR, THICKNESS = "#ffd500", 3.0
"""The line's, in pixels of the screen."""


PIECE = 256
"""Samples that are read in one box: the boxes along an oblique line are small."""


@dataclass(frozen=True)
class Cut:
    """A line through a picture, not read yet.

    Attributes
    ----------
    ends
        (2, 2): its ends in the picture's pixels, (y, x), with fractions.
    length
        In physical units.
    """

    picture: DisplayedSlice
    ends: Values
    length: float

    def read(self) -> tuple[Values, Values]:
        """Distances from the line's begin, one for each pixel of its length, and the values there.

        Values are interpolated linearly, as `skimage.measure.profile_line` does it, and NaN where
        the line is outside. Of a colour it is the luminance.
        """
        count = int(np.ceil(np.linalg.norm(self.ends[1] - self.ends[0]))) + 1
        points = np.linspace(self.ends[0], self.ends[1], count)
        pieces = np.array_split(points, -(-count // PIECE))
        values = np.concatenate([self._sample(piece) for piece in pieces])
        return np.linspace(0, self.length, count), values

    def _sample(self, points: Values) -> Values:
        """The values at (n, 2) pixels, of which only the bounding box is read."""
        from scipy import ndimage

        source = self.picture.source
        low = np.maximum(np.floor(points.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 1, self.picture.shape)
        if (low >= high).any():
            return np.full(len(points), np.nan)
        box: list[Any] = list(source.crop.index)
        for axis, first, last in zip(source.space, low, high, strict=True):
            box[axis] = slice(int(first), int(last))
        values = self.picture.flat(Crop(source.crop.data, tuple(box)).read())
        grey = luminance(values[..., :3] if source.rgb else values)
        return np.asarray(
            ndimage.map_coordinates(grey, (points - low).T, order=1, cval=np.nan), np.float64
        )


@dataclass(frozen=True)
class Profiles:
    """The values of several pictures along one line.

    Attributes
    ----------
    lines
        (distances, values) for each picture.
    unit
        Of the distances; empty where the axes have different ones.
    """

    lines: tuple[tuple[Values, Values], ...]
    unit: str


class ProfileLine:
    """A line over the picture, whose ends can be dragged.

    Parameters
    ----------
    viewer
        Gets the line as a Shapes layer, on top.
    layer
        Over whose middle it lies at first.
    """

    moved = Signal()

    def __init__(self, viewer: Viewer, layer: Image) -> None:
        self._viewer = viewer
        self._picture = picture_of(layer, viewer.dims)
        self.layer = Shapes(name=NAME, ndim=layer.ndim, opacity=1.0, **self._picture.frame)
        viewer.add_layer(self.layer)
        space = list(self._picture.source.space)
        ends = np.zeros((2, layer.ndim))
        rows, columns = self._picture.shape
        ends[:, space] = [(rows / 2, columns * part) for part in (0.1, 0.9)]
        self.layer.add_lines(ends, edge_color=COLOUR, edge_width=self._width)
        self.layer.mode = "direct"
        self.layer.selected_data = {0}
        # `data` is emitted when a drag ends, this one all along.
        self.layer.events.set_data.connect(self._look)
        viewer.scene.camera.events.zoom.connect(self._thin)
        self._seen = self._ends()

    @property
    def is_there(self) -> bool:
        """Whether there still is a line."""
        return self.layer in self._viewer.layers and self.layer.nshapes > 0

    def follow(self, layer: Image) -> None:
        """Lie over the slice of a layer that is on display now."""
        self._picture = picture_of(layer, self._viewer.dims)
        if self.layer.ndim == layer.ndim:
            self.layer.translate = self._picture.frame["translate"]

    def lift(self) -> None:
        """Lie over all that is drawn."""
        if self.is_there:
            layers = self._viewer.layers
            layers.move(layers.index(self.layer), len(layers))

    def cuts(self, layers: Sequence[Image]) -> tuple[Cut, ...]:
        """The line through the pictures of layers."""
        world = self._ends()
        length = float(np.linalg.norm(world[1] - world[0]))
        pictures = [picture_of(layer, self._viewer.dims) for layer in layers]
        return tuple(
            Cut(picture, picture.to_pixels(world, self.layer.units), length) for picture in pictures
        )

    @property
    def unit(self) -> str:
        """Of the line's length; empty where the axes of the picture have different ones."""
        units = {f"{self.layer.units[axis]:~P}" for axis in self._picture.source.space}
        return units.pop() if len(units) == 1 else ""

    def remove(self) -> None:
        """Take the line away."""
        self._viewer.scene.camera.events.zoom.disconnect(self._thin)
        self.layer.events.set_data.disconnect(self._look)
        if self.layer in self._viewer.layers:
            self._viewer.layers.remove(self.layer)

    @property
    def _width(self) -> float:
        return THICKNESS * float(screen_pixel(self._viewer, self._picture).mean())

    def _ends(self) -> Values:
        """World coordinates (2, ndim) of the first line's first and last point."""
        return np.array([self.layer.data_to_world(self.layer.data[0][i]) for i in (0, -1)])

    def _thin(self, event: Any = None) -> None:
        self.layer.edge_width = self._width

    def _look(self, event: Any = None) -> None:
        """Tell if the line has moved; the layer tells of much more."""
        if not self.is_there or np.array_equal(ends := self._ends(), self._seen):
            return
        self._seen = ends
        self.moved.emit()


def read_profiles(cuts: Sequence[Cut], unit: str) -> Profiles:
    """Read the values along a line through several pictures."""
    return Profiles(tuple(cut.read() for cut in cuts), unit)
