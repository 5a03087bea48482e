"""Period-2 patterns: a constant added to every second pixel, row or column, as sensors do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

Array = NDArray[Any]

_SECOND_DIFFERENCE = np.array([-1.0, 2.0, -1.0]) / 4
"""Keeps what alternates from pixel to pixel as it is, and removes what is smooth."""

_LEAST_SIDE = 16
"""Pixels on a side from which a pattern can be told."""

_CLEAR = 6.0
"""The least amplitude of a pattern, in standard errors of its estimate."""

_LEAST_AMPLITUDE = 0.004
"""The least amplitude of a pattern, in units of the planes: a weaker one is not seen."""


def find_pattern(planes: Array) -> Array | None:
    """Find a pattern of period 2: a checkerboard, alternating columns or alternating rows.

    Each is the median of what alternates, which edges and texture do not move, since they
    alternate one way as often as the other.

    Parameters
    ----------
    planes
        (channels, y, x), about [0, 1].

    Returns
    -------
    ndarray or None
        The pattern to subtract, (channels, y, x); None if there is none.

    Examples
    --------
    >>> y, x = np.mgrid[:32, :32]
    >>> pattern = find_pattern((0.5 + 0.1 * (-1.0) ** (y + x))[None])
    >>> bool(np.abs(pattern[0, 0, :2] - [0.1, -0.1]).max() < 1e-12)
    True
    """
    *_, height, width = planes.shape
    if min(height, width) < _LEAST_SIDE:
        return None
    sign_y, sign_x = (-1.0) ** np.arange(height)[:, None], (-1.0) ** np.arange(width)
    found = np.zeros(planes.shape)
    for axes, sign in (((0, 1), sign_y * sign_x), ((1,), sign_x), ((0,), sign_y)):
        for plane, pattern in zip(planes, found, strict=True):
            alternating = plane.astype(np.float64) - pattern
            for axis in axes:
                alternating = convolve1d(alternating, _SECOND_DIFFERENCE, axis, mode="mirror")
            pattern += _amplitude(alternating * sign) * sign
    return found if found.any() else None


def _amplitude(values: Array) -> float:
    """The median of the values, or 0 if it is not clearly above its error."""
    amplitude = float(np.median(values))
    deviation = float(np.median(np.abs(values - amplitude))) / 0.6745
    error = 1.25 * deviation / np.sqrt(values.size)
    # Neighbouring values share pixels, so that there are fewer than it seems.
    is_clear = abs(amplitude) > max(_LEAST_AMPLITUDE, _CLEAR * 2 * error)
    return amplitude if is_clear else 0.0
