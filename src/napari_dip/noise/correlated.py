"""Grain: noise that neighbouring pixels share, as demosaicking, resizing or a scanner leave it.

White noise is strongest in the finest differences of a picture. Noise that was blurred is weak
there and strong in differences of pixels further apart, by ratios that tell the blur. They are
taken where the picture is quietest, so that they are the noise's and not the picture's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, gaussian_filter, uniform_filter

Array = NDArray[Any]


APART = (1, 2, 4)
"""Pixels between those whose second differences are taken."""


WINDOW = 15
"""Pixels on each side of the neighbourhoods that are compared."""


QUIET = 0.1
"""The fraction of neighbourhoods that are taken for flat: their largest energy counts."""


LARGEST = 1024
"""Pixels on each side of the middle of the picture, which is enough to measure in."""


BLURS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 2.5)
"""Standard deviations of Gaussian blurs, in pixels, that are told apart."""


BLURRED = 0.48
"""The blur, by the finest differences, from which noise is taken for grain: white noise over
texture comes to 0.46."""


STRONG = 0.055
"""The least grain, of y's range: weaker grain can't be told from a picture that is all texture."""


def estimate_grain(planes: Array) -> tuple[float, float] | None:
    """Blur and strength of noise that was blurred, or None where it was not.

    Parameters
    ----------
    planes
        Pictures with the same noise, such as colours: (channels, y, x), about [0, 1].

    Returns
    -------
    tuple of float, or None
        The standard deviations of the blur, in pixels, and of the noise, in the pictures' units.
    """
    *_, height, width = planes.shape
    top, left = max(0, (height - LARGEST) // 2), max(0, (width - LARGEST) // 2)
    middle = planes[:, top : top + LARGEST, left : left + LARGEST].astype(np.float64)
    found = [e for e in map(_energies, middle) if e is not None]
    if not found:
        return None
    fine, middling, coarse = np.sqrt(np.mean(found, axis=0))
    known = _white_noise_blurred()
    blur = _interpolate(middling / fine, known[:, 1] / known[:, 0])
    if blur < BLURRED:
        return None
    # Sensors add white noise after the blur, and rounding does: the finest differences hide it.
    blur = max(blur, _interpolate(coarse / middling, known[:, 2] / known[:, 1]))
    sigma = float(middling / np.interp(blur, BLURS, known[:, 1]))
    return (blur, sigma) if sigma >= STRONG else None


def _energies(plane: Array) -> Array | None:
    """Mean squares of second differences, near to far, where the plane is quiet but not empty."""
    inside = np.s_[WINDOW // 2 : -(WINDOW // 2)]
    found = []
    for apart in APART:
        kernel = np.zeros(2 * apart + 1)
        kernel[::apart] = np.array([1.0, -2.0, 1.0]) / np.sqrt(6)
        waves = convolve1d(convolve1d(plane, kernel, 0, mode="mirror"), kernel, 1, mode="mirror")
        found.append(uniform_filter(waves**2, WINDOW)[inside, inside])
    alive = found[0] > 1e-12
    if alive.mean() < QUIET:
        return None
    return np.array([np.quantile(energy[alive], QUIET) for energy in found])


@cache
def _white_noise_blurred() -> Array:
    """The roots of these energies for noise of variance 1 and each of the blurs."""
    white = np.random.default_rng(0).normal(size=(256, 256))
    blurred = (gaussian_filter(white, blur, mode="wrap") for blur in BLURS)
    found = [e for e in (_energies(noise / noise.std()) for noise in blurred) if e is not None]
    energies: Array = np.array(found)
    return energies**0.5


def _interpolate(ratio: float, known: Array) -> float:
    """The blur that has this ratio."""
    return float(np.interp(ratio, np.maximum.accumulate(known), BLURS))
