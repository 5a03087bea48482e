"""The level of white noise in one image, also where all of it is textured.

The structure of an image is alike in neighbouring pixels, so that small patches of it vary in few
directions. Noise varies in all of them: the least eigenvalue of the patches' covariance is the
noise's variance. It is taken where the surroundings of the patches are flat. Choosing patches by
their own flatness would choose weak noise; their surroundings have other noise, but the same
structure.

Source of the eigenvalue: Pyatykh, Hesser and Zheng, "Image noise level estimation by principal
component analysis", IEEE TIP 2013.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, uniform_filter

Array = NDArray[Any]

_PATCH, _SURROUNDINGS = 5, 11
"""Sides, in pixels, of a patch and of the square whose other pixels are its surroundings."""

_SHARES = (1.0, 0.5, 0.25, 0.12)
"""Shares of the patches, those with the flattest surroundings. They are tried one after another
until one has enough directions without structure."""

_FREE_DIRECTIONS = 7
"""Directions of a patch that have to be without structure. White noise is as strong in each."""

_UNEVENNESS = 1.04
"""Deviation in the last of these directions, as a multiple of that in the first, up to which they
are taken for noise alone. Noise that grows with the light is uneven from patch to patch, but not
from direction to direction, and a smaller share would pick the dark places, where it is weak."""

_MEAN_BY_CHANCE = 0.6
"""How much too low the mean of these directions is, as a share of how much the least one is."""

_MOST_CLIPPED = 0.2
"""Share of clipped pixels in the surroundings up to which a patch counts: there is less noise in
black and white places."""

_LEAST_PATCHES = 400
"""Fewest patches to measure with."""

_MOST_PATCHES = 250_000
"""Most patches to measure with; of more, every second or third row and column is enough."""


def estimate_noise_level(plane: Array, known: Array | None = None) -> float:
    """Estimate the standard deviation of white noise.

    Parameters
    ----------
    plane
        Noisy image (y, x), finite.
    known
        Where the plane has measured values (y, x), bool; everywhere if None.

    Returns
    -------
    float
        In the units of the plane, within about 3 % where the noise is not weak. Texture as fine as
        noise is taken for noise. If there are too few patches of known pixels, it is
        scikit-image's wavelet estimate (Donoho and Johnstone, Biometrika 1994).

    Examples
    --------
    >>> noisy = np.random.default_rng(0).normal(100, 10, (64, 64))
    >>> 9.5 < estimate_noise_level(noisy) < 10.5
    True
    """
    if min(plane.shape) < _SURROUNDINGS:
        return _wavelet_estimate(plane)
    values = plane.astype(np.float64) - plane.mean()
    structure = _variance_around(values)
    usable = _mean_around(_is_clipped(values)) <= _MOST_CLIPPED
    if known is not None:
        usable &= ~maximum_filter(~known, _PATCH)
    margin = _PATCH // 2
    step = int(np.ceil(np.sqrt(values.size / _MOST_PATCHES)))
    inside = np.s_[margin:-margin:step, margin:-margin:step]
    patches = np.lib.stride_tricks.sliding_window_view(values, (_PATCH, _PATCH))[::step, ::step]
    patches = patches[usable[inside]].reshape(-1, _PATCH**2)
    if len(patches) < _LEAST_PATCHES:
        return _wavelet_estimate(plane)
    patches = patches[np.argsort(structure[inside][usable[inside]], kind="stable")]
    found = []
    for share in _SHARES:
        deviation, is_noise = _least_deviation(
            patches[: max(_LEAST_PATCHES, int(share * len(patches)))]
        )
        found.append(deviation)
        if is_noise:
            break
    return min(found)


def _least_deviation(patches: Array) -> tuple[float, bool]:
    """Standard deviation in the directions in which patches (patches, pixels) vary least.

    Also whether it is that of noise alone.
    """
    count, pixels = patches.shape
    # In a sample, the least variances are too low (the law of Marchenko and Pastur).
    by_chance = float(np.sqrt(pixels / count))
    variances = np.linalg.eigvalsh(np.cov(patches.T, bias=True)).clip(min=0)
    free = np.sqrt(variances[:_FREE_DIRECTIONS])
    if free[-1] <= (_UNEVENNESS + by_chance) * free[0]:
        return float(free.mean()) / (1 - _MEAN_BY_CHANCE * by_chance), True
    return float(free[0]) / (1 - by_chance), False


def _wavelet_estimate(plane: Array) -> float:
    from skimage.restoration import estimate_sigma

    with warnings.catch_warnings():  # a plane that is empty, or narrow as if it were colours
        warnings.simplefilter("ignore")
        estimate = float(estimate_sigma(plane.astype(np.float64)))
    return estimate if np.isfinite(estimate) else 0.0


def _mean_around(values: Array) -> Array:
    """Mean of the surroundings of the patch around each pixel (y, x)."""
    inner, outer = (
        side**2 * uniform_filter(values, side, mode="mirror") for side in (_PATCH, _SURROUNDINGS)
    )
    mean: Array = (outer - inner) / (_SURROUNDINGS**2 - _PATCH**2)
    return mean


def _variance_around(values: Array) -> Array:
    """Variance of the surroundings of the patch around each pixel (y, x)."""
    variance: Array = _mean_around(values**2) - _mean_around(values) ** 2
    return variance


def _is_clipped(values: Array) -> Array:
    """1 where a pixel has the least or the largest value of all, 0 elsewhere (y, x)."""
    clipped: Array = (values == values.min()) | (values == values.max())
    return clipped.astype(np.float64)
