"""The slice of a layer that is on display: where its pixels lie, and its values when asked for.

To find the slice reads nothing and is done on the window's thread. To read its values may take
long (lazy arrays) and is done on another thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from napari.utils.transforms import Affine
from numpy.typing import ArrayLike, NDArray

from napari_dip.data.value_range import nominal_range
from napari_dip.ui.layers.kwargs import unit_factors
from napari_dip.ui.layers.source import LayerSource, source_from_layer

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import Dims
    from napari.layers import Image


Array = NDArray[Any]

ReadRequest: TypeAlias = Callable[[], Callable[[], Any]]
"""A function that reads on another thread, and returns a function for the window's thread."""

PLACEMENT = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
"""A layer's keywords that say where it lies."""


@dataclass(frozen=True)
class DisplayedSlice:
    """The slice of a layer that is on display, not read yet."""

    name: str
    source: LayerSource

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along (y, x)."""
        return self.source.sides

    @property
    def corners(self) -> NDArray[np.float64]:
        """The first and the last corner (2, 2) in pixels, whose centres are whole numbers."""
        return np.array([(0, 0), self.shape]) - 0.5

    @property
    def placement(self) -> dict[str, Any]:
        """Keywords of any layer that has the same pixels."""
        kwargs = self.source.layer_kwargs()
        return {name: kwargs[name] for name in PLACEMENT}

    def read(self) -> Array:
        """Read the values: (y, x), or (y, x, 3) of a colour image, without its transparency."""
        values = self.flat(self.source.crop.read())
        return values[..., :3] if self.source.rgb else values

    def flat(self, values: Array) -> Array:
        """Drop the axes that are not on display from the values of a box of the layer."""
        others = set(range(len(self.source.shape))) - set(self.source.space)
        return values.squeeze(axis=tuple(others))

    def stacked(self, values: Array) -> Array:
        """Undo `flat`, for values (y, x) of the whole slice."""
        return values.reshape(
            [b - a for a, b in zip(self.source.start, self.source.stop, strict=True)]
        )

    def to_world(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Convert (n, 2) pixels to world coordinates (n, layer.ndim) in the layer's units."""
        points = np.tile(np.asarray(self.source.start, float), (len(np.asarray(pixels)), 1))
        points[:, list(self.source.space)] += pixels
        return np.asarray(self._affine(self.source.transform(points)))

    def to_pixels(
        self, world: NDArray[np.float64], units: Sequence[Any] | None
    ) -> NDArray[np.float64]:
        """Convert world coordinates (n, ndim) in `units` to (n, 2) pixels with fractions."""
        ndim = len(self.source.shape)
        world = np.pad(world, ((0, 0), (max(ndim - world.shape[1], 0), 0)))[:, -ndim:]
        world = world * unit_factors(units, self.source.world["units"])
        points = np.asarray(self.source.transform.inverse(self._affine.inverse(world)))
        return (points - self.source.start)[:, list(self.source.space)]

    @property
    def _affine(self) -> Affine:
        return Affine(affine_matrix=self.source.world["affine"])


def displayed_slice(layer: Image, dims: Dims) -> DisplayedSlice:
    """Find a layer's slice on display.

    Raises
    ------
    UserError
        When the layer has none.
    """
    return DisplayedSlice(layer.name, source_from_layer(layer, dims))


def screen_pixel(viewer: Viewer, image: DisplayedSlice) -> NDArray[np.float64]:
    """Size (y, x) of a pixel of the screen, in pixels of an image."""
    source = image.source
    unit = unit_factors(viewer.dims.units, source.world["units"])
    size = unit / (viewer.scene.camera.zoom * np.abs(source.transform.scale))
    return size[list(source.space)]


def luminance(values: Array) -> NDArray[np.float64]:
    """Reduce an image to one value for each pixel, (y, x); of a colour it is the luminance."""
    from skimage.color import rgb2gray

    values = values.astype(np.float64)
    return np.asarray(rgb2gray(values)) if values.ndim == 3 else values


def range_clash(a: DisplayedSlice, first: Array, b: DisplayedSlice, second: Array) -> str:
    """Say why the values of two images can't be compared, such as 0 to 255 with 0 to 1.

    The text is empty if they can.
    """
    for whole, values, unit, others in ((a, first, b, second), (b, second, a, first)):
        if values.dtype.kind not in "ui" or others.dtype.kind != "f":
            continue
        if values.max(initial=0) > 1 and nominal_range(others.dtype, others) == (0, 1):
            return (
                f"{whole.name!r} has values up to {values.max()}, {unit.name!r} from 0 to 1; "
                "bring them to one range"
            )
    return ""
