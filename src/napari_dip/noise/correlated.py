"""Correlated noise: neighbouring pixels share it, after demosaicking, resizing or scanning.

White noise is strongest in the finest differences of an image. Noise that was blurred is weak there
and strong in differences of pixels further apart, and the ratios tell the blur. The differences are
taken where the image is quietest, so that they are the noise's and not the image's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, gaussian_filter, uniform_filter

Array = NDArray[Any]

_DISTANCES = (1, 2, 4)
"""Distances, in pixels, of the second differences."""

_WINDOW = 15
"""Side, in pixels, of the neighbourhoods that are compared."""

_INSIDE = np.s_[_WINDOW // 2 : -(_WINDOW // 2), _WINDOW // 2 : -(_WINDOW // 2)]
"""Neighbourhoods that lie in the image."""

_NOTHING = 1e-12
"""Energy of a neighbourhood that is empty."""

_MOST_KURTOSIS, _MOST_SPREAD = 6.0, 12.0
"""Kurtosis of the finest structure where it is quiet, and its usual energy as a multiple of the
quiet one, up to which it may be noise: 3 and 2 for normal noise over a photograph, 26 and 46 for a
printed page."""

_QUIET = 0.1
"""Fraction of the neighbourhoods that is taken for flat."""

_MOST_RISE = 1.5
"""Energy of differences of pixels two apart, in neighbourhoods that are a little less quiet than in
the quietest, up to which they may be noise, which is as strong in all of them: 1.2 to 1.5 for noise
over a photograph, 1.6 to 8 for texture."""

LARGEST_MEASURED = 1024
"""Side, in pixels, of the middle of an image that is enough to measure in."""

_BLURS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 2.5)
"""Standard deviations of the Gaussian blurs, in pixels, that are compared with the image."""

_LEAST_BLUR = 0.48
"""Blur, by the finest differences, from which noise is taken for correlated: white noise over
texture comes to 0.46."""

_LEAST_SIGMA = 0.055
"""Noise level, in units of y, from which correlated noise is found: weaker noise can't be told from
an image that is all texture..."""

_LEAST_SHARE = 0.5
"""...unless it is at least this share of the image's standard deviation, as in dark frames; the
finest structure of textured photographs comes to 0.34."""


def estimate_correlated_noise(planes: Array) -> tuple[float, float] | None:
    """Estimate the blur and the level of correlated noise, or None if the noise is white.

    Parameters
    ----------
    planes
        Planes with the same noise, such as colours: (channels, y, x), about [0, 1].

    Returns
    -------
    tuple of float, or None
        Standard deviations of the blur, in pixels, and of the noise, in units of `planes`.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0.5, 0.1, (1, 128, 128))
    >>> estimate_correlated_noise(noise)
    >>> blur, sigma = estimate_correlated_noise(gaussian_filter(2 * noise, (0, 1, 1)))
    >>> 0.9 < blur < 1.1
    True
    """
    *_, height, width = planes.shape
    top, left = max(0, (height - LARGEST_MEASURED) // 2), max(0, (width - LARGEST_MEASURED) // 2)
    middle = planes[:, top : top + LARGEST_MEASURED, left : left + LARGEST_MEASURED].astype(
        np.float64
    )
    noisy = [plane for plane in middle if is_noise(plane) and _is_even(plane)]
    found = [e for plane in noisy if (e := _energies(plane)) is not None]
    if not found:
        return None
    fine, middling, coarse = np.sqrt(np.mean(found, axis=0))
    known = _white_noise_blurred()
    blur = _interpolate(middling / fine, known[:, 1] / known[:, 0])
    if blur < _LEAST_BLUR:
        return None
    # Sensors and rounding add white noise after the blur, which hides it in the finest differences.
    blur = max(blur, _interpolate(coarse / middling, known[:, 2] / known[:, 1]))
    sigma = float(middling / np.interp(blur, _BLURS, known[:, 1]))
    contrast = float(middle.std(axis=(1, 2)).mean())
    return (blur, sigma) if sigma >= min(_LEAST_SIGMA, _LEAST_SHARE * contrast) else None


def is_noise(plane: Array) -> bool:
    """Whether the finest structure of a plane (y, x), where it is quiet, may be noise.

    Noise is everywhere and about normal; the structure of lines and letters is neither.
    """
    waves = _differences(plane, 1)[_INSIDE]
    energy = uniform_filter(waves**2, _WINDOW)
    alive = energy > _NOTHING
    if alive.mean() < _QUIET:
        return False
    quiet, usual = np.quantile(energy[alive], [2 * _QUIET, 0.5])
    squares = waves[alive & (energy <= quiet)] ** 2
    kurtosis = np.mean(squares**2) / max(float(np.mean(squares)) ** 2, _NOTHING**2)
    return bool(kurtosis < _MOST_KURTOSIS and usual < _MOST_SPREAD * quiet)


def _is_even(plane: Array) -> bool:
    """Whether a plane (y, x) is about as restless in all neighbourhoods in which it is quiet."""
    energy = uniform_filter(_differences(plane, 2) ** 2, _WINDOW)[_INSIDE]
    alive = energy > _NOTHING  # a pattern of period 2 has none, although its neighbours differ
    if alive.mean() < _QUIET:
        return False
    low, high = np.quantile(energy[alive], [_QUIET / 2, 2 * _QUIET])
    return bool(high < _MOST_RISE * low)


def _differences(plane: Array, apart: int) -> Array:
    """Second differences along both axes of pixels so far apart; white noise keeps its level."""
    kernel = np.zeros(2 * apart + 1)
    kernel[::apart] = np.array([1.0, -2.0, 1.0]) / np.sqrt(6)
    rows = convolve1d(plane, kernel, 0, mode="mirror")
    waves: Array = convolve1d(rows, kernel, 1, mode="mirror")
    return waves


def _energies(plane: Array) -> Array | None:
    """Mean squares of second differences, by distance, where the plane is quiet but not empty."""
    found = [uniform_filter(_differences(plane, n) ** 2, _WINDOW)[_INSIDE] for n in _DISTANCES]
    alive = found[0] > _NOTHING
    if alive.mean() < _QUIET:
        return None
    return np.array([np.quantile(energy[alive], _QUIET) for energy in found])


@cache
def _white_noise_blurred() -> Array:
    """Roots of `_energies` for noise of variance 1: (blurs, distances)."""
    white = np.random.default_rng(0).normal(size=(256, 256))
    blurred = (gaussian_filter(white, blur, mode="wrap") for blur in _BLURS)
    found = [e for e in (_energies(noise / noise.std()) for noise in blurred) if e is not None]
    energies: Array = np.array(found)
    return energies**0.5


def _interpolate(ratio: float, known: Array) -> float:
    """The blur whose ratio of differences this is."""
    return float(np.interp(ratio, np.maximum.accumulate(known), _BLURS))
