"""Camera noise: photons arrive at random, and reading them out adds a little more.

The variance of a pixel grows with what it sees: gain * (value - offset) + read_noise^2, with `gain`
in data values for each photon (electron). It can be read off one image, where it is flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, gaussian_filter
from scipy.stats import theilslopes

Array = NDArray[Any]


WAVES = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]]) / 6
"""What is left of white noise, with its variance, where a picture is a plane or a straight edge.

Source: Immerkaer, "Fast noise variance estimation", CVIU 1996.
"""


BINS = 24
"""Of brightness, with as many pixels in each."""


FEWEST = 64
"""Pixels in a bin below which its variance says nothing."""


NORMAL_MAD = 0.6745
"""The median absolute deviation of normal noise of variance 1."""


SIGNAL_DEPENDENT = 2.0
"""The ratio of the largest to the smallest variance from which noise is taken to follow the signal:
clipped and rounded normal noise shows up to 1.8-fold ones."""


SMOOTHING = 1.5
"""Pixels over which the picture is smoothed to tell how bright each pixel is."""


LEAST_CONTRAST = 1.0
"""Of the bins of brightness, in units of the noise: smoothing leaves a seventh of white noise."""


LEAST = 0.01
"""The smallest variance, as a share of the mean one: a pixel without noise could not be fitted."""


@dataclass(frozen=True)
class CameraNoise:
    """Poisson-Gaussian noise, all in data values.

    Attributes
    ----------
    gain
        Data values for each photon, above 0.
    offset
        The value without light.
    read_noise
        Standard deviation without light.
    """

    gain: float
    offset: float = 0.0
    read_noise: float = 0.0

    def std(self, values: Array) -> Array:
        """Standard deviation at each pixel of a noisy image, whose last two axes are y and x."""
        smooth = gaussian_filter(values.astype(np.float64), SMOOTHING, mode="mirror")
        variance = self.gain * (smooth - self.offset) + self.read_noise**2
        mean = max(float(np.mean(np.maximum(variance, 0))), 1e-12)
        std: Array = np.sqrt(np.maximum(variance, LEAST * mean))
        return std


def estimate_camera_noise(channels: list[Array]) -> CameraNoise | None:
    """Read gain, offset and read noise off an image.

    In bins of brightness, the noise's variance is measured where the picture is flattest; a line
    through it, which outliers do not move (Theil and Sen), has the gain as its slope.

    Parameters
    ----------
    channels
        Arrays (*space) in data values, which one camera took.

    Returns
    -------
    CameraNoise or None
        None where the noise is as good as uniform. The split of the line's intercept into offset
        and read noise is arbitrary: one of them is 0.
    """
    levels, variances, energies = (
        np.concatenate(v) for v in zip(*map(_curve, channels), strict=True)
    )
    if len(levels) < 4:
        return None
    low, high = np.quantile(levels, [0.05, 0.95])
    # Brightness has to differ by more than noise alone makes it differ.
    if high - low <= LEAST_CONTRAST * np.sqrt(energies.mean()) + 1e-6 * abs(high):
        return None
    slope, intercept, *_ = theilslopes(variances, levels)
    dark, bright = slope * low + intercept, slope * high + intercept
    if slope <= 0 or bright < SIGNAL_DEPENDENT * max(dark, 1e-12 * (high - low) ** 2):
        return None
    # The darkest pixels have some noise, whatever the line says.
    darkest = np.argmin(levels)
    intercept = max(intercept, variances[darkest] / 2 - slope * levels[darkest])
    if intercept >= 0:
        return CameraNoise(float(slope), 0.0, float(np.sqrt(intercept)))
    return CameraNoise(float(slope), float(-intercept / slope))


def _curve(values: Array) -> tuple[Array, Array, Array]:
    """Brightness, the noise's variance and its mean square, in each bin of brightness."""
    values = values.astype(np.float64)
    noise = np.abs(
        convolve(values, WAVES.reshape((1,) * (values.ndim - 2) + (3, 3)), mode="mirror")
    )
    smooth = gaussian_filter(values, 2.0, mode="mirror")
    slope = np.sqrt(sum(d**2 for d in np.gradient(smooth)))
    edges = np.quantile(smooth, np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(edges, smooth, side="right")
    levels, variances, energies = [], [], []
    for i in range(BINS):
        here = bins == i
        if here.sum() >= FEWEST:
            flat = here & (slope <= np.median(slope[here]))
            levels.append(smooth[flat].mean())
            variances.append((np.median(noise[flat]) / NORMAL_MAD) ** 2)
            energies.append((noise[flat] ** 2).mean())
    return np.array(levels), np.array(variances), np.array(energies)
