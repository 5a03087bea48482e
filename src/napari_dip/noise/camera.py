"""Camera noise: the shot noise of the photons, and the noise of the read-out.

The variance of a pixel grows with its value: gain * (value - offset) + read_noise^2, with `gain` in
data values per photon (electron). All three are estimated from one image, where it is flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, gaussian_filter
from scipy.stats import theilslopes

Array = NDArray[Any]

_NOISE_FILTER = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]]) / 6
"""Removes planes and straight edges, and keeps the variance of white noise.

Source: Immerkaer, "Fast noise variance estimation", CVIU 1996.
"""

_BINS = 24
"""Number of bins of brightness, with as many pixels in each."""

_LEAST_PIXELS = 64
"""Least number of pixels in a bin for an estimate of its variance."""

_NORMAL_MAD = 0.6745
"""Median absolute deviation of normal noise of variance 1."""

_LEAST_VARIANCE_RATIO = 2.0
"""Ratio of the largest to the smallest variance from which the noise follows the signal: clipped
and rounded normal noise shows ratios up to 1.8."""

_SMOOTHING = 1.5
"""Standard deviation of the Gaussian, in pixels, that estimates each pixel's brightness."""

_LEAST_CONTRAST = 1.0
"""Least range of the bins' brightness in units of the noise: smoothing leaves a seventh of it."""

_LEAST_VARIANCE = 0.01
"""Least variance of a pixel, relative to the mean variance: one without noise can't be fitted."""


_MOST_SEEN = 0.5
"""Share of pixels that saw a photon, below which no noise can be measured from differences."""

_MOST_CLUMPED = 4.0
"""Pairs of neighbours that both saw a photon, as a multiple of what chance gives, up to which the
photons of an image that is brighter in places lie at random."""

_COUNT_TOLERANCE = 0.01
"""Photons by which a count may differ from a whole number."""


@dataclass(frozen=True)
class CameraNoise:
    """Poisson-Gaussian noise, all in data values.

    Attributes
    ----------
    gain
        Data values for each photon, above 0.
    offset
        Data value without light.
    read_noise
        Standard deviation of the noise without light.
    """

    gain: float
    offset: float = 0.0
    read_noise: float = 0.0

    def std(self, values: Array) -> Array:
        """Standard deviation of the noise at each pixel of a noisy image (*space)."""
        smooth = gaussian_filter(values.astype(np.float64), _SMOOTHING, mode="mirror")
        variance = self.gain * (smooth - self.offset) + self.read_noise**2
        mean = max(float(np.mean(np.maximum(variance, 0))), 1e-12)
        std: Array = np.sqrt(np.maximum(variance, _LEAST_VARIANCE * mean))
        return std

    def stabilized(self, values: Array) -> Array:
        """Values whose noise has standard deviation 1 (the generalised Anscombe transform).

        Source: Starck, Murtagh and Bijaoui, 1998.
        """
        photons = (values.astype(np.float64) - self.offset) / self.gain
        root: Array = 2 * np.sqrt(np.maximum(photons + 3 / 8 + self._read_variance, 0))
        return root

    def from_stabilized(self, mean: Array) -> Array:
        """Data values for denoised stabilised values, which stand for their means.

        The exact unbiased inverse in its closed form: the algebraic inverse of `stabilized` would
        be too low where there are few photons. Source: Makitalo and Foi, IEEE TIP 2011 and 2013.
        """
        root = np.maximum(mean, 2 * np.sqrt(3 / 8))  # the darkest mean there is
        slope = np.sqrt(1.5)
        photons = (
            root**2 / 4 + slope / 4 / root - 11 / 8 / root**2 + 5 / 8 * slope / root**3 - 1 / 8
        )
        values: Array = np.maximum(photons - self._read_variance, 0) * self.gain + self.offset
        return values

    @property
    def _read_variance(self) -> float:
        """The variance of the read noise, in photons squared."""
        return (self.read_noise / self.gain) ** 2


def estimate_sparse_counts(channels: list[Array]) -> CameraNoise | None:
    """Take an image of a few photons, in which most pixels saw none, for what it is.

    Where most differences of pixels are 0, no noise can be measured; but the smallest step above
    the darkest value is that of one photon.

    Parameters
    ----------
    channels
        Arrays (*space) in data values, all of one camera.

    Returns
    -------
    CameraNoise or None
        None unless most pixels have the darkest value, and the others lie about at random: lines
        and letters on a black ground clump.

    Examples
    --------
    >>> photons = np.random.default_rng(0).poisson(0.2, (64, 64))
    >>> estimate_sparse_counts([7.0 + 2 * photons])
    CameraNoise(gain=2.0, offset=7.0, read_noise=0.0)
    """
    values = np.stack(channels)
    dark = float(values.min())
    seen = values > dark
    share = float(seen.mean())
    if not 0 < share < _MOST_SEEN:
        return None
    together = float((seen[..., 1:] & seen[..., :-1]).mean())
    if together > _MOST_CLUMPED * share**2:
        return None
    gain = float(values[seen].min()) - dark
    steps = (values[seen] - dark) / gain
    # A few of the brightest values may have been clipped.
    if np.quantile(np.abs(steps - np.rint(steps)), 0.95) > _COUNT_TOLERANCE:
        return None
    return CameraNoise(gain, dark)


def estimate_camera_noise(channels: list[Array]) -> CameraNoise | None:
    """Estimate gain, offset and read noise from an image.

    The variance of the noise is measured in bins of brightness, where the image is flattest. The
    gain is the slope of a robust line (Theil-Sen) through these variances.

    Parameters
    ----------
    channels
        Arrays (*space) in data values, all of one camera.

    Returns
    -------
    CameraNoise or None
        None if the noise is about uniform. The split of the line's intercept into offset and read
        noise is arbitrary: one of them is 0.

    Examples
    --------
    >>> photons = np.random.default_rng(0).poisson(np.tile(np.linspace(1, 50, 128), (128, 1)))
    >>> noise = estimate_camera_noise([100.0 + 2 * photons])
    >>> 1.7 < noise.gain < 2.3
    True
    """
    levels, variances, energies = (
        np.concatenate(v) for v in zip(*map(_variance_by_brightness, channels), strict=True)
    )
    if len(levels) < 4:
        return None
    low, high = np.quantile(levels, [0.05, 0.95])
    # The range of brightness has to be larger than noise alone makes it.
    if high - low <= _LEAST_CONTRAST * np.sqrt(energies.mean()) + 1e-6 * abs(high):
        return None
    slope, intercept, *_ = theilslopes(variances, levels)
    dark, bright = slope * low + intercept, slope * high + intercept
    if slope <= 0 or bright < _LEAST_VARIANCE_RATIO * max(dark, 1e-12 * (high - low) ** 2):
        return None
    # The darkest pixels have some noise, even if the line is below 0 there.
    darkest = np.argmin(levels)
    intercept = max(intercept, variances[darkest] / 2 - slope * levels[darkest])
    if intercept >= 0:
        return CameraNoise(float(slope), 0.0, float(np.sqrt(intercept)))
    return CameraNoise(float(slope), float(-intercept / slope))


def _variance_by_brightness(values: Array) -> tuple[Array, Array, Array]:
    """Mean brightness, and the noise's variance and mean square, in each bin of brightness."""
    values = values.astype(np.float64)
    noise = np.abs(
        convolve(values, _NOISE_FILTER.reshape((1,) * (values.ndim - 2) + (3, 3)), mode="mirror")
    )
    smooth = gaussian_filter(values, 2.0, mode="mirror")
    slope = np.sqrt(sum(d**2 for d in np.gradient(smooth)))
    edges = np.quantile(smooth, np.linspace(0, 1, _BINS + 1)[1:-1])
    bins = np.searchsorted(edges, smooth, side="right")
    levels, variances, energies = [], [], []
    for i in range(_BINS):
        in_bin = bins == i
        if in_bin.sum() >= _LEAST_PIXELS:
            flat = in_bin & (slope <= np.median(slope[in_bin]))
            levels.append(smooth[flat].mean())
            variances.append((np.median(noise[flat]) / _NORMAL_MAD) ** 2)
            energies.append((noise[flat] ** 2).mean())
    return np.array(levels), np.array(variances), np.array(energies)
