"""Figures for a comparison: PSNR and SSIM against a reference, and the noise that is left."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.metrics import WINDOW, psnr, ssim
from napari_dip.data.value_range import nominal_range
from napari_dip.ui.compare.picture import DisplayedSlice, range_clash


@dataclass(frozen=True)
class Score:
    """One picture's figures.

    Attributes
    ----------
    psnr, ssim
        None where there is nothing to compare with; NaN where pixels are missing or too few.
    noise
        Standard deviation, in the picture's values.
    why
        Why there is no PSNR and SSIM although there is a reference; else empty.
    """

    psnr: float | None
    ssim: float | None
    noise: float
    why: str = ""


def score(
    pictures: tuple[DisplayedSlice, ...], reference: DisplayedSlice | None
) -> tuple[Score, ...]:
    """Read several pictures and work out their figures, against a reference if there is one."""
    truth = None if reference is None else reference.read()
    return tuple(_score(picture, reference, truth) for picture in pictures)


def noise_of(image: NDArray[Any]) -> float:
    """The standard deviation of the noise in (y, x) or (y, x, c), the mean over channels."""
    channels = [image] if image.ndim == 2 else list(np.moveaxis(image, -1, 0))
    return fmean(_noise_of_channel(channel.astype(np.float64)) for channel in channels)


def _noise_of_channel(image: NDArray[np.float64]) -> float:
    from skimage.restoration import estimate_sigma

    finite = np.isfinite(image)
    if not finite.any() or np.ptp(image[finite]) == 0:
        return 0.0  # the estimate is a median over nothing
    return float(estimate_sigma(np.where(finite, image, np.median(image[finite]))))


def _score(
    picture: DisplayedSlice, reference: DisplayedSlice | None, truth: NDArray[Any] | None
) -> Score:
    image = picture.read()
    noise = noise_of(image)
    if reference is None or truth is None:
        return Score(None, None, noise)
    if why := _clash(picture, image, reference, truth):
        return Score(None, None, noise, why)
    black, white = nominal_range(truth.dtype, truth)
    data_range = white - black
    channel = 2 if image.ndim == 3 else None
    small = min(picture.shape) < WINDOW
    similar = math.nan if small else ssim(image, truth, data_range, channel)
    return Score(psnr(image, truth, data_range), similar, noise)


def _clash(
    picture: DisplayedSlice, image: NDArray[Any], reference: DisplayedSlice, truth: NDArray[Any]
) -> str:
    if image.shape != truth.shape:
        return (
            f"{picture.name!r} has the shape {image.shape}, the reference {truth.shape}; "
            "PSNR and SSIM need one shape"
        )
    return range_clash(picture, image, reference, truth)
