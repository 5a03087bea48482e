"""The difference of two pictures, on one grid, as a layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_dip.errors import UserError
from napari_dip.ui.compare.picture import DisplayedSlice, luminance, range_clash


@dataclass(frozen=True)
class Difference:
    """What two pictures differ by.

    Attributes
    ----------
    name
        Such as "b - a".
    values
        (y, x); of colours the luminances' difference.
    grid
        The picture whose pixels they are.
    note
        What was done to get there; empty if nothing.
    """

    name: str
    values: NDArray[np.float32]
    grid: DisplayedSlice
    note: str = ""

    def layer(self) -> Image:
        """A layer over the grid's, whose middle grey is "no difference"."""
        finite = np.abs(self.values[np.isfinite(self.values)])
        most = float(finite.max(initial=0)) or 1.0
        return Image(
            self.grid.stacked(self.values),
            name=self.name,
            rgb=False,
            colormap="gray",
            contrast_limits=(-most, most),
            blending="translucent_no_depth",
            **self.grid.frame,
        )


def difference(a: DisplayedSlice, b: DisplayedSlice) -> Difference:
    """Read two pictures and subtract: B - A.

    Of two grids the finer is kept, and the coarser is interpolated linearly.

    Raises
    ------
    UserError
        When they don't show the same area, or their values can't be compared.
    """
    first, second = a.read(), b.read()
    if clash := range_clash(a, first, b, second):
        raise UserError(f"difference: {clash}")
    left, right = luminance(first), luminance(second)
    grid, note = b, ""
    if a.shape != b.shape:
        coarse, grid = sorted((a, b), key=lambda picture: np.prod(picture.shape))
        note = f"{coarse.name!r} was interpolated linearly onto the pixels of {grid.name!r}."
        if coarse is a:
            left = _resampled(left, a, b)
        else:
            right = _resampled(right, b, a)
    return Difference(f"{b.name} - {a.name}", (right - left).astype(np.float32), grid, note)


def _resampled(
    values: NDArray[np.float64], picture: DisplayedSlice, grid: DisplayedSlice
) -> NDArray[np.float64]:
    """A picture's values (y, x) at the pixels of another, interpolated linearly.

    Raises
    ------
    UserError
        When they don't show the same area.
    """
    from scipy import ndimage

    units = grid.source.frame["units"]
    corners = picture.to_pixels(grid.to_world(grid.corners), units)
    if not np.allclose(corners, picture.corners, atol=1):
        raise UserError(
            f"difference: {picture.name!r} {picture.shape} and {grid.name!r} {grid.shape} don't "
            "show the same area; choose layers of one shape, or that lie over each other"
        )
    origin, *steps = picture.to_pixels(grid.to_world([(0, 0), (1, 0), (0, 1)]), units)
    matrix = np.transpose([step - origin for step in steps])
    return np.asarray(
        ndimage.affine_transform(
            values, matrix, origin, output_shape=grid.shape, order=1, mode="nearest"
        )
    )
