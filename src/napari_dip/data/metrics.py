"""How good a restoration is, when the truth is known.

PSNR is over all pixels and channels that both images have finite; SSIM is scikit-image's, with
its default window of 7 pixels. A stack with fewer planes than that is compared plane by plane.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW = 7


def psnr(image: NDArray[Any], reference: NDArray[Any], data_range: float) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal images.

    Parameters
    ----------
    image, reference
        Arrays of one shape.
    data_range
        The distance between black and white, such as 255 for 8-bit images.
    """
    error = np.asarray(image, np.float64) - np.asarray(reference, np.float64)
    mse = float(np.mean(np.square(error[np.isfinite(error)]))) if error.size else 0.0
    return math.inf if mse == 0 else 10 * math.log10(data_range**2 / mse)


def ssim(
    image: NDArray[Any], reference: NDArray[Any], data_range: float, channel_axis: int | None
) -> float:
    """Structural similarity (Wang et al. 2004), at most 1; NaN where pixels are missing."""
    from skimage.metrics import structural_similarity

    image, reference = np.asarray(image, np.float64), np.asarray(reference, np.float64)
    sides = enumerate(image.shape)
    thin = next((axis for axis, n in sides if n < WINDOW and axis != channel_axis), None)
    if thin is not None:
        planes = zip(np.moveaxis(image, thin, 0), np.moveaxis(reference, thin, 0), strict=True)
        if channel_axis is not None and channel_axis > thin:
            channel_axis -= 1
        return fmean(ssim(one, other, data_range, channel_axis) for one, other in planes)
    return float(
        structural_similarity(
            image, reference, data_range=data_range, channel_axis=channel_axis, win_size=WINDOW
        )
    )
