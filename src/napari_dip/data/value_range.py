"""What black and white are: how far an image's values reach, and what of that becomes 0 and 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MARGIN = 0.1
"""Headroom at both ends of a value range read off the data: noise reaches beyond the signal."""


@dataclass(frozen=True)
class IntensityRange:
    """How far an image's values reach; its value range is decided by it.

    That of a large image is joined from its parts' (`|`), so that all of them are scaled alike.

    Attributes
    ----------
    least, most
        For each channel, or one for all that share a range: without isolated points.
    lowest, highest
        Of all that is finite.
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
        """Black and white of the whole image."""
        return _nominal(dtype, min(self.lowest), max(self.highest))


def intensity_range_of(
    values: NDArray[np.float64], finite: NDArray[np.bool_], *, shared: bool
) -> IntensityRange:
    """Measure the range of (*space, channels), over all channels together or one by one."""
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

    A picture that fills at least half of its nominal range keeps that range. A microscope's frame
    seldom does: there the data's own range is taken, without isolated hot or dead pixels, which
    would squeeze everything else into a corner.
    """
    ranges = []
    for reach in zip(
        intensity_range.least,
        intensity_range.most,
        intensity_range.lowest,
        intensity_range.highest,
        strict=True,
    ):
        least, most, lowest, highest = reach
        if least == most:  # nothing but isolated points
            least, most = lowest, highest
        if least == most:
            most = least + 1  # one empty channel among others
        black, white = _nominal(dtype, lowest, highest)
        if most - least >= (white - black) / 2 and (dtype.kind in "ui" or (black, white) == (0, 1)):
            ranges.append((black, white))
        else:
            margin = MARGIN * (most - least)
            ranges.append((least - margin, most + margin))
    low, high = np.array(ranges * (channels if len(ranges) == 1 else 1)).T
    return low, high


def value_limits(dtype: np.dtype[Any], intensity_range: IntensityRange) -> tuple[float, float]:
    """What a value of an image can be: the dtype's, or [0, 1] for floats that are within it."""
    if dtype.kind in "ui":
        info = np.iinfo(dtype)
        # 64-bit integers end between two floats; the upper one would overflow.
        most = float(info.max) if int(float(info.max)) == info.max else np.nextafter(info.max, 0.0)
        return float(info.min), float(most)
    low, high = intensity_range.nominal(dtype)
    return (low, high) if (low, high) == (0.0, 1.0) else (-math.inf, math.inf)


def nominal_range(dtype: np.dtype[Any], values: NDArray[Any]) -> tuple[float, float]:
    """Black and white of an image: its dtype's for integers, 0 and 1 for floats within them.

    Other floats have no nominal range; theirs is what the data span.
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
    """The least and greatest value that have neighbours (in the median) at a third of the way.

    The image of a point, as sharp as a microscope samples it, has them; a hot pixel has not.
    """
    least, most = smooth.min(), smooth.max()
    bright = values[values - least <= 3 * (smooth - least)]
    dark = values[most - values <= 3 * (most - smooth)]
    return min(least, dark.min(initial=least)), max(most, bright.max(initial=most))
