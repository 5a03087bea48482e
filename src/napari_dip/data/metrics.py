"""Scores of a restoration against the true image.

PSNR is over all pixels and channels that are finite in both images; SSIM is scikit-image's, with
its default window of 7 pixels. A stack with fewer planes than that is compared plane by plane.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

SSIM_WINDOW = 7
"""Side of the window of SSIM in pixels."""


def psnr(image: NDArray[Any], reference: NDArray[Any], data_range: float) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal images.

    Parameters
    ----------
    image, reference
        Arrays of one shape.
    data_range
        Difference of white and black, such as 255 for 8-bit images.

    Examples
    --------
    >>> round(psnr(np.full((8, 8), 100), np.full((8, 8), 110), 255), 2)
    28.13
    """
    error = np.asarray(image, np.float64) - np.asarray(reference, np.float64)
    mse = float(np.mean(np.square(error[np.isfinite(error)]))) if error.size else 0.0
    return math.inf if mse == 0 else 10 * math.log10(data_range**2 / mse)


def ssim(
    image: NDArray[Any], reference: NDArray[Any], data_range: float, channel_axis: int | None
) -> float:
    """Structural similarity (Wang et al. 2004), at most 1; NaN if pixels are missing.

    Parameters
    ----------
    image, reference, data_range
        As for `psnr`.
    channel_axis
        Position of the axis of channels, if there is one.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((16, 16, 3))
    >>> ssim(image, image, data_range=1, channel_axis=2)
    1.0
    """
    from skimage.metrics import structural_similarity

    image, reference = np.asarray(image, np.float64), np.asarray(reference, np.float64)
    sides = enumerate(image.shape)
    thin = next((axis for axis, n in sides if n < SSIM_WINDOW and axis != channel_axis), None)
    if thin is not None:
        planes = zip(np.moveaxis(image, thin, 0), np.moveaxis(reference, thin, 0), strict=True)
        if channel_axis is not None and channel_axis > thin:
            channel_axis -= 1
        return fmean(ssim(one, other, data_range, channel_axis) for one, other in planes)
    return float(
        structural_similarity(
            image, reference, data_range=data_range, channel_axis=channel_axis, win_size=SSIM_WINDOW
        )
    )
