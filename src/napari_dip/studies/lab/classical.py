"""Classical methods to compare a deep prior with: scikit-image's, and BM3D if it is installed.

Each takes a job and returns an image (channels, *space) in the units of the measurement's `y`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_dip.restoration.job import Job
from napari_dip.tasks.measurement import fill_missing

_TV_STRENGTH, _NLM_STRENGTH = 0.8, 0.6
"""Strengths in units of sigma, the best ones on photographs with a sigma of 10/255 to 50/255."""

_LEAST_SIGMA = 1e-4
"""Noise level below which the image counts as free of noise and is returned unchanged."""


def bicubic(job: Job) -> Tensor:
    """Enlarge by cubic interpolation (third-order splines on stacks)."""
    from skimage.transform import resize

    sides = job.task.operator(job.measurement).image_shape(job.measurement.space)
    enlarged = [resize(channel, sides, order=3, mode="edge") for channel in _filled(job)]
    return torch.from_numpy(np.stack(enlarged)).float()


def tv_denoised(job: Job) -> Tensor:
    """Denoise by total variation (Chambolle's algorithm), with a strength set by the noise."""
    from skimage.restoration import denoise_tv_chambolle

    return _denoised(
        job, lambda y, sigma: denoise_tv_chambolle(y, weight=_TV_STRENGTH * sigma, channel_axis=0)
    )


def nlm_denoised(job: Job) -> Tensor:
    """Denoise by non-local means, with the window sizes of scikit-image's example."""
    from skimage.restoration import denoise_nl_means

    def method(y: NDArray[Any], sigma: float) -> Any:
        if len(y) == 1:  # scikit-image mistakes the axis of a single channel for one of space
            return method(np.repeat(y, 2, axis=0), sigma)[:1]
        return denoise_nl_means(
            y,
            patch_size=5,
            patch_distance=6,
            h=_NLM_STRENGTH * sigma,
            sigma=sigma,
            fast_mode=True,
            channel_axis=0,
        )

    return _denoised(job, method)


def has_bm3d(job: Job) -> bool:
    """Whether BM3D is installed and takes the image, which must not be a stack."""
    return find_spec("bm3d") is not None and len(job.measurement.space) == 2


def bm3d_denoised(job: Job) -> Tensor:
    """Denoise by its authors' BM3D: colours together, other channels one by one."""
    import bm3d

    def method(y: NDArray[Any], sigma: float) -> NDArray[Any]:
        if len(y) == 3:
            return np.moveaxis(bm3d.bm3d_rgb(np.moveaxis(y, 0, -1), sigma), -1, 0)
        return np.stack([bm3d.bm3d(channel, sigma) for channel in y])

    return _denoised(job, method)


def biharmonic(job: Job) -> Tensor:
    """Fill holes by biharmonic interpolation."""
    from skimage.restoration import inpaint_biharmonic

    missing = (~job.measurement.observed[0].all(dim=0)).numpy()
    return torch.from_numpy(inpaint_biharmonic(_filled(job), missing, channel_axis=0)).float()


def _filled(job: Job) -> NDArray[Any]:
    measurement = job.measurement
    return fill_missing(measurement.y, measurement.observed)[0].double().numpy()


def _denoised(job: Job, method: Callable[[NDArray[Any], float], Any]) -> Tensor:
    measurement = job.measurement
    known = job.task.sigma
    sigma = (
        measurement.estimated_sigma if known is None else known / measurement.data_range_per_unit
    )
    y = _filled(job)
    denoised = method(y, sigma) if sigma > _LEAST_SIGMA else y
    return torch.from_numpy(np.asarray(denoised)).float()
