"""The difference of two images, on one grid of pixels, as a layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_dip.errors import UserError
from napari_dip.ui.compare.displayed_slice import DisplayedSlice, luminance, range_clash


@dataclass(frozen=True)
class Difference:
    """The values of one image minus those of another.

    Attributes
    ----------
    name
        Name of the layer, such as "b - a".
    values
        Differences (y, x); of colour images, differences of luminance.
    grid
        The image whose pixels these are.
    note
        A message about interpolation; empty if there was none.
    """

    name: str
    values: NDArray[np.float32]
    grid: DisplayedSlice
    note: str = ""

    def layer(self) -> Image:
        """Make a layer that lies over the image; its middle grey means no difference."""
        finite = np.abs(self.values[np.isfinite(self.values)])
        most = float(finite.max(initial=0)) or 1.0
        return Image(
            self.grid.stacked(self.values),
            name=self.name,
            rgb=False,
            colormap="gray",
            contrast_limits=(-most, most),
            blending="translucent_no_depth",
            **self.grid.placement,
        )


def difference(a: DisplayedSlice, b: DisplayedSlice) -> Difference:
    """Read two images and subtract them: B - A.

    If their pixels differ in size, the coarser image is interpolated linearly onto the finer.

    Raises
    ------
    UserError
        When the images don't show the same area, or their values can't be compared.
    """
    first, second = a.read(), b.read()
    if clash := range_clash(a, first, b, second):
        raise UserError(f"difference: {clash}")
    left, right = luminance(first), luminance(second)
    grid, note = b, ""
    if a.shape != b.shape:
        coarse, grid = sorted((a, b), key=lambda image: np.prod(image.shape))
        note = f"{coarse.name!r} was interpolated linearly onto the pixels of {grid.name!r}."
        if coarse is a:
            left = _resampled(left, a, b)
        else:
            right = _resampled(right, b, a)
    return Difference(f"{b.name} - {a.name}", (right - left).astype(np.float32), grid, note)


def _resampled(
    values: NDArray[np.float64], image: DisplayedSlice, grid: DisplayedSlice
) -> NDArray[np.float64]:
    """Interpolate an image's values (y, x) linearly at the pixels of another.

    Raises
    ------
    UserError
        When the two don't show the same area.
    """
    from scipy import ndimage

    units = grid.source.world["units"]
    corners = image.to_pixels(grid.to_world(grid.corners), units)
    if not np.allclose(corners, image.corners, atol=1):
        raise UserError(
            f"difference: {image.name!r} {image.shape} and {grid.name!r} {grid.shape} don't "
            "show the same area; choose layers of the same shape, or that lie over each other"
        )
    origin, *steps = image.to_pixels(grid.to_world([(0, 0), (1, 0), (0, 1)]), units)
    matrix = np.transpose([step - origin for step in steps])
    return np.asarray(
        ndimage.affine_transform(
            values, matrix, origin, output_shape=grid.shape, order=1, mode="nearest"
        )
    )
