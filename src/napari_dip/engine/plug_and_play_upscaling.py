"""Plug-and-play upscaling: a denoiser stands in for the prior of a super-resolution.

Two steps alternate while the assumed error falls: the non-local denoiser on the large image; and
the image that is near it and explains the small one, pixel by pixel.

Sources: Venkatakrishnan, Bouman and Wohlberg, "Plug-and-Play priors", GlobalSIP 2013; Irani and
Peleg, CVGIP 1991 (iterative back-projection); Egiazarian and Katkovnik, "Single image
super-resolution via BM3D sparse coding", EUSIPCO 2015 (falling noise levels).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from napari_dip.engine.operators import Downsample, resize
from napari_dip.engine.plug_and_play import denoise_step

_STEPS = 10
"""Number of times that the two steps alternate."""

_FIRST_LEVEL, _LAST_LEVEL = 100 / 255, 4 / 255
"""Noise level, in units of y, that the denoiser is told in the first and in the last step."""

_REFINING_LEVEL = 30 / 255
"""Noise level that the denoiser is told in a step that another estimate guides."""

_PRIOR_WEIGHT, _FIRST_PRIOR_WEIGHT = 0.3, 0.015
"""Weight of the denoised image, and of the enlarged image at first, against the small image; in
units of the part of a large image's energy that its small image keeps."""

_SOLVER_STEPS, _FIRST_SOLVER_STEPS = 8, 20
"""Steps of conjugate gradients that bring an image near the small image."""


@torch.no_grad()
def upscale_plug_and_play(
    y: Tensor, observed: Tensor, operator: Downsample, sigma: float
) -> Tensor:
    """Enlarge an image with a non-local denoiser as the prior.

    Parameters
    ----------
    y
        The small image, (channels, *space), about [0, 1], with a guess where it is unknown; a
        volume is denoised plane by plane.
    observed
        Known pixels, (channels, *space), bool.
    operator
        How a large image is made small.
    sigma
        Standard deviation of the noise in y's units; the more, the less detail.

    Returns
    -------
    Tensor
        The large image, (channels, *image_shape), not clipped.

    Examples
    --------
    >>> y, observed = torch.rand(1, 8, 10), torch.ones(1, 8, 10, dtype=torch.bool)
    >>> upscale_plug_and_play(y, observed, Downsample(2, 2), 0.0).shape
    torch.Size([1, 16, 20])
    """
    explain = _explanation(y, observed, operator)
    large = resize(y[None], operator.image_shape(y.shape[1:]))[0]
    large = explain(large, _FIRST_PRIOR_WEIGHT, _FIRST_SOLVER_STEPS)
    last = max(_LAST_LEVEL, min(sigma, _FIRST_LEVEL))
    estimate: Tensor | None = None
    for level in torch.logspace(math.log10(_FIRST_LEVEL), math.log10(last), _STEPS).tolist():
        estimate = denoise_step(large, estimate, level)
        large = explain(estimate, _PRIOR_WEIGHT, _SOLVER_STEPS)
    return large


@torch.no_grad()
def refine_upscaled(pilot: Tensor, y: Tensor, observed: Tensor, operator: Downsample) -> Tensor:
    """Improve another estimate of a large image, such as a network's, by its similar patches.

    Parameters
    ----------
    pilot
        The other estimate, (channels, *image_shape).
    y, observed, operator
        As for `upscale_plug_and_play`.

    Returns
    -------
    Tensor
        The large image, as pilot, not clipped.

    Examples
    --------
    >>> y, observed = torch.rand(1, 8, 10), torch.ones(1, 8, 10, dtype=torch.bool)
    >>> refine_upscaled(torch.rand(1, 16, 20), y, observed, Downsample(2, 2)).shape
    torch.Size([1, 16, 20])
    """
    explain = _explanation(y, observed, operator)
    large = explain(pilot, _PRIOR_WEIGHT, _SOLVER_STEPS)
    return explain(denoise_step(large, pilot, _REFINING_LEVEL), _PRIOR_WEIGHT, _SOLVER_STEPS)


def _explanation(
    y: Tensor, observed: Tensor, operator: Downsample
) -> Callable[[Tensor, float, int], Tensor]:
    """A function that changes a large image so that it explains the small one y.

    It finds, by so many steps of conjugate gradients from the large image x, the image of the least
    squared residual in known pixels plus weight times the squared distance from x.
    """
    kept = 1 / math.prod(operator.factors)
    zero = y.new_zeros(len(y), *operator.image_shape(y.shape[1:]))
    # A linear function's derivative is its adjoint.
    transposed = torch.func.vjp(lambda x: operator(x[None])[0] * observed, zero)[1]

    def adjoint(small: Tensor) -> Tensor:
        large: Tensor = transposed(small)[0]
        return large

    def explain(x: Tensor, weight: float, steps: int) -> Tensor:
        weight = weight * kept
        residual = adjoint((y - operator(x[None])[0]) * observed)
        direction, energy = residual.clone(), residual.square().sum()
        for _ in range(steps):
            image = adjoint(operator(direction[None])[0] * observed) + weight * direction
            length = energy / (direction * image).sum().clamp_min(1e-30)
            x = x + length * direction
            residual = residual - length * image
            last, energy = energy, residual.square().sum()
            direction = residual + energy / last.clamp_min(1e-30) * direction
        return x

    return explain
