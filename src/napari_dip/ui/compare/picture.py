"""The slice of a layer that is on display: where its pixels lie, and their values when asked for.

Taking a picture reads nothing, so it is done on the window's thread; reading may take long (lazy
arrays), so it is done beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


FRAME = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
"""A layer's keywords that say where it lies."""


@dataclass(frozen=True)
class DisplayedSlice:
    """The slice of a layer that is on display, not read yet."""

    name: str
    source: LayerSource

    @property
    def shape(self) -> tuple[int, ...]:
        """(y, x)."""
        return self.source.sides

    @property
    def corners(self) -> NDArray[np.float64]:
        """The pixels (2, 2) at the first and the last corner: centres are at whole numbers."""
        return np.array([(0, 0), self.shape]) - 0.5

    @property
    def frame(self) -> dict[str, Any]:
        """Keywords of a layer with the same pixels, whatever it shows."""
        kwargs = self.source.layer_kwargs()
        return {name: kwargs[name] for name in FRAME}

    def read(self) -> Array:
        """(y, x), or (y, x, 3) of a colour, whose transparency is left out."""
        values = self.flat(self.source.crop.read())
        return values[..., :3] if self.source.rgb else values

    def flat(self, values: Array) -> Array:
        """A box of the layer without the axes that are not on display."""
        others = set(range(len(self.source.shape))) - set(self.source.space)
        return values.squeeze(axis=tuple(others))

    def stacked(self, values: Array) -> Array:
        """The inverse of `flat`, for values of the picture's size without colour."""
        return values.reshape(
            [b - a for a, b in zip(self.source.start, self.source.stop, strict=True)]
        )

    def to_world(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """World coordinates (n, layer.ndim), in the layer's units, of (n, 2) pixels."""
        points = np.tile(np.asarray(self.source.start, float), (len(np.asarray(pixels)), 1))
        points[:, list(self.source.space)] += pixels
        return np.asarray(self._affine(self.source.transform(points)))

    def to_pixels(
        self, world: NDArray[np.float64], units: Sequence[Any] | None
    ) -> NDArray[np.float64]:
        """The (n, 2) pixels, with fractions, at world coordinates (n, ndim) in some units."""
        ndim = len(self.source.shape)
        world = np.pad(world, ((0, 0), (max(ndim - world.shape[1], 0), 0)))[:, -ndim:]
        world = world * unit_factors(units, self.source.frame["units"])
        points = np.asarray(self.source.transform.inverse(self._affine.inverse(world)))
        return (points - self.source.start)[:, list(self.source.space)]

    @property
    def _affine(self) -> Affine:
        return Affine(affine_matrix=self.source.frame["affine"])


def picture_of(layer: Image, dims: Dims) -> DisplayedSlice:
    """What of a layer is compared.

    Raises
    ------
    UserError
        When it has no picture on display.
    """
    return DisplayedSlice(layer.name, source_from_layer(layer, dims))


def screen_pixel(viewer: Viewer, picture: DisplayedSlice) -> NDArray[np.float64]:
    """The size (y, x) of a pixel of the screen, in a picture's pixels."""
    source = picture.source
    unit = unit_factors(viewer.dims.units, source.frame["units"])
    size = unit / (viewer.scene.camera.zoom * np.abs(source.transform.scale))
    return size[list(source.space)]


def luminance(values: Array) -> NDArray[np.float64]:
    """One value for each pixel, (y, x): a colour's brightness in the image's own range."""
    from skimage.color import rgb2gray

    values = values.astype(np.float64)
    return np.asarray(rgb2gray(values)) if values.ndim == 3 else values


def range_clash(a: DisplayedSlice, first: Array, b: DisplayedSlice, second: Array) -> str:
    """Why the values of two pictures can't be compared, as 0 to 255 with 0 to 1; else empty."""
    for whole, values, unit, others in ((a, first, b, second), (b, second, a, first)):
        if values.dtype.kind not in "ui" or others.dtype.kind != "f":
            continue
        if values.max(initial=0) > 1 and nominal_range(others.dtype, others) == (0, 1):
            return (
                f"{whole.name!r} has values up to {values.max()}, {unit.name!r} from 0 to 1; "
                "bring them to one range"
            )
    return ""
