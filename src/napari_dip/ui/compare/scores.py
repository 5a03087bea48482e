"""Scores of images on display: PSNR and SSIM against a reference, and the remaining noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.metrics import SSIM_WINDOW, psnr, ssim
from napari_dip.data.value_range import nominal_range
from napari_dip.ui.compare.displayed_slice import DisplayedSlice, range_clash


@dataclass(frozen=True)
class Score:
    """One image's scores.

    Attributes
    ----------
    psnr, ssim
        PSNR in dB, and SSIM; None without a reference, NaN if pixels are missing or too few.
    noise
        Estimated standard deviation of the noise, in the image's values.
    why
        Reason why there is no PSNR and SSIM although there is a reference; else empty.
    """

    psnr: float | None
    ssim: float | None
    noise: float
    why: str = ""


def score(
    images: tuple[DisplayedSlice, ...], reference: DisplayedSlice | None
) -> tuple[Score, ...]:
    """Read several images and score each, against a reference if there is one."""
    truth = None if reference is None else reference.read()
    return tuple(_score(image, reference, truth) for image in images)


def noise_of(image: NDArray[Any]) -> float:
    """Estimate the noise's standard deviation in (y, x) or (y, x, c), the mean over channels."""
    channels = [image] if image.ndim == 2 else list(np.moveaxis(image, -1, 0))
    return fmean(_noise_of_channel(channel.astype(np.float64)) for channel in channels)


def _noise_of_channel(image: NDArray[np.float64]) -> float:
    from skimage.restoration import estimate_sigma

    finite = np.isfinite(image)
    if not finite.any() or np.ptp(image[finite]) == 0:
        return 0.0  # there is nothing to take the estimate's median of
    return float(estimate_sigma(np.where(finite, image, np.median(image[finite]))))


def _score(
    image: DisplayedSlice, reference: DisplayedSlice | None, truth: NDArray[Any] | None
) -> Score:
    values = image.read()
    noise = noise_of(values)
    if reference is None or truth is None:
        return Score(None, None, noise)
    if why := _clash(image, values, reference, truth):
        return Score(None, None, noise, why)
    black, white = nominal_range(truth.dtype, truth)
    data_range = white - black
    channel = 2 if values.ndim == 3 else None
    is_small = min(image.shape) < SSIM_WINDOW
    similarity = math.nan if is_small else ssim(values, truth, data_range, channel)
    return Score(psnr(values, truth, data_range), similarity, noise)


def _clash(
    image: DisplayedSlice, values: NDArray[Any], reference: DisplayedSlice, truth: NDArray[Any]
) -> str:
    """Say why an image can't be compared with the reference; empty if it can."""
    if values.shape != truth.shape:
        return (
            f"{image.name!r} has the shape {values.shape}, the reference {truth.shape}; "
            "PSNR and SSIM need the same shape"
        )
    return range_clash(image, values, reference, truth)
