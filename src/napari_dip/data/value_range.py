"""The intensity range of an image, and its black and white, which become 0 and 1 in a fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RANGE_MARGIN = 0.1
"""Margin at both ends of a range measured from the data, as a fraction of it, for the noise."""


@dataclass(frozen=True)
class IntensityRange:
    """The least and greatest values of an image, from which black and white are derived.

    The range of a large image is the union (`|`) of its tiles' ranges, so that all tiles are scaled
    in the same way.

    Attributes
    ----------
    least, most
        Extremes without isolated points, for each channel, or one for all that share a range.
    lowest, highest
        Extremes of all finite values, likewise.
    """

    least: tuple[float, ...]
    most: tuple[float, ...]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]

    def __or__(self, other: IntensityRange) -> IntensityRange:
        return IntensityRange(
            least=tuple(map(min, self.least, other.least)),
            most=tuple(map(max, self.most, other.most)),
            lowest=tuple(map(min, self.lowest, other.lowest)),
            highest=tuple(map(max, self.highest, other.highest)),
        )

    def nominal(self, dtype: np.dtype[Any]) -> tuple[float, float]:
        """Black and white of all channels: the dtype's, 0 and 1, or the range of the data."""
        return _nominal(dtype, min(self.lowest), max(self.highest))


def intensity_range_of(
    values: NDArray[np.float64], finite: NDArray[np.bool_], *, shared: bool
) -> IntensityRange:
    """Measure the range of values (*space, channels).

    Parameters
    ----------
    values
        The image.
    finite
        Known pixels, of the same shape; the others are ignored.
    shared
        Whether all channels have one range.
    """
    from scipy.ndimage import median_filter

    channels = values.shape[-1]
    filled = np.where(finite, values, np.median(values[finite]))
    smooth = median_filter(filled, size=(3,) * (values.ndim - 1) + (1,))
    groups = [slice(None)] if shared else [slice(c, c + 1) for c in range(channels)]
    robust = [_extremes(filled[..., group], smooth[..., group]) for group in groups]
    return IntensityRange(
        least=tuple(float(least) for least, _ in robust),
        most=tuple(float(most) for _, most in robust),
        lowest=tuple(float(filled[..., group].min()) for group in groups),
        highest=tuple(float(filled[..., group].max()) for group in groups),
    )


def value_range(
    intensity_range: IntensityRange, dtype: np.dtype[Any], channels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The values that become 0 and 1, for each channel.

    An image that fills at least half of its nominal range keeps that range. A microscope's frame
    seldom does: its own range is used, without isolated hot or dead pixels, which would leave
    little of [0, 1] for everything else.
    """
    ranges = []
    extremes = ("least", "most", "lowest", "highest")
    channel_ranges = zip(*(getattr(intensity_range, name) for name in extremes), strict=True)
    for least, most, lowest, highest in channel_ranges:
        if least == most:  # nothing but isolated points
            least, most = lowest, highest
        if least == most:
            most = least + 1  # one empty channel among others
        black, white = _nominal(dtype, lowest, highest)
        if most - least >= (white - black) / 2 and (dtype.kind in "ui" or (black, white) == (0, 1)):
            ranges.append((black, white))
        else:
            margin = RANGE_MARGIN * (most - least)
            ranges.append((least - margin, most + margin))
    blacks, whites = np.array(ranges * (channels if len(ranges) == 1 else 1)).T
    return blacks, whites


def value_limits(dtype: np.dtype[Any], intensity_range: IntensityRange) -> tuple[float, float]:
    """Limits of the values of a result: the dtype's, or [0, 1] for floats within them."""
    if dtype.kind in "ui":
        info = np.iinfo(dtype)
        # 64-bit integers end between two floats; the upper one would overflow.
        most = float(info.max) if int(float(info.max)) == info.max else np.nextafter(info.max, 0.0)
        return float(info.min), float(most)
    low, high = intensity_range.nominal(dtype)
    return (low, high) if (low, high) == (0.0, 1.0) else (-math.inf, math.inf)


def nominal_range(dtype: np.dtype[Any], values: NDArray[Any]) -> tuple[float, float]:
    """Black and white of an image: its dtype's for integers, 0 and 1 for floats within them.

    Other floats have no nominal range; their black and white are the extremes of the data.

    Examples
    --------
    >>> nominal_range(np.dtype("uint8"), np.array([3, 7]))
    (0.0, 255.0)
    """
    finite = values[np.isfinite(values)] if dtype.kind == "f" else values[:0]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return _nominal(dtype, low, high)


def _nominal(dtype: np.dtype[Any], low: float, high: float) -> tuple[float, float]:
    if dtype.kind in "ui":
        info = np.iinfo(dtype)
        return float(info.min), float(info.max)
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)


def _extremes(values: NDArray[np.float64], smooth: NDArray[np.float64]) -> tuple[float, float]:
    """The least and greatest values whose median neighbours are at least a third as extreme.

    The sharpest point that a microscope can sample has such neighbours; a hot pixel has not.
    """
    least, most = smooth.min(), smooth.max()
    bright = values[values - least <= 3 * (smooth - least)]
    dark = values[most - values <= 3 * (most - smooth)]
    return min(least, dark.min(initial=least)), max(most, bright.max(initial=most))
