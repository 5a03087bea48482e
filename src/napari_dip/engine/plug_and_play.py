"""Plug-and-play deblurring: a denoiser stands in for the prior of a deconvolution.

Two steps alternate while the assumed noise falls: a deconvolution, which finds the image that
explains the measurement and is near the last estimate; and the non-local denoiser on that image.
Surroundings of the frame are estimated too, and only known pixels have to be explained, so that
nothing is assumed beyond the border.

Sources: Venkatakrishnan, Bouman and Wohlberg, "Plug-and-Play priors", GlobalSIP 2013; Zhang et al.,
"Plug-and-Play image restoration with deep denoiser prior", TPAMI 2021 (half-quadratic splitting,
falling noise levels); Almeida and Figueiredo, IEEE TIP 2013 (unknown borders).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from napari_dip.engine.nonlocal_denoising import denoise_nonlocal, refine_nonlocal
from napari_dip.engine.operators import Blur

_STEPS = 8
"""Number of times that the two steps alternate."""

_FIRST_LEVEL = 49 / 255
"""Noise level, in units of y, that the denoiser is told in the first step; it falls from there to
the measurement's."""

_PRIOR_WEIGHT = 0.25
"""Weight of the last estimate against the measurement, both in units of their noise."""

_SOLVER_STEPS = 6
"""Steps of conjugate gradients for each deconvolution."""

_LEAST_SIGMA = 0.5 / 255
"""Least noise level, in units of y: even a clean image is rounded."""


@torch.no_grad()
def deblur_plug_and_play(y: Tensor, observed: Tensor, blur: Blur, sigma: float) -> Tensor:
    """Undo a blur with a non-local denoiser as the prior.

    Parameters
    ----------
    y
        The blurred image, (channels, *space), about [0, 1], with a guess where it is unknown;
        a volume is denoised plane by plane.
    observed
        Known pixels, (channels, *space), bool.
    blur
        The blur, with a PSF of as many axes as space.
    sigma
        Standard deviation of the noise in y's units, the same in all channels.

    Returns
    -------
    Tensor
        (channels, *space), not clipped.

    Examples
    --------
    >>> y, blur = torch.rand(1, 16, 16), Blur(torch.ones(3, 3))
    >>> deblur_plug_and_play(y, torch.ones(1, 16, 16, dtype=torch.bool), blur, 0.01).shape
    torch.Size([1, 16, 16])
    """
    sigma = max(sigma, _LEAST_SIGMA)
    levels = torch.logspace(math.log10(max(_FIRST_LEVEL, sigma)), math.log10(sigma), _STEPS)
    frame = _Frame(y, observed, blur.psf)
    estimate: Tensor | None = None
    for level in levels.tolist():
        weight = _PRIOR_WEIGHT * (sigma / level) ** 2
        estimate = denoise_step(frame.deconvolve(estimate, weight), estimate, level)
    assert estimate is not None
    return estimate[frame.inside]


class _Frame:
    """The measurement in its surroundings, and the deconvolution of both by Fourier transforms.

    The surroundings are as wide as the PSF, so that opposite borders, which are neighbours in a
    Fourier transform, do not blur into one another's frame.
    """

    def __init__(self, y: Tensor, observed: Tensor, psf: Tensor) -> None:
        self.axes = tuple(range(-psf.ndim, 0))
        margins = [(k, k) for k in psf.shape]
        grown = np.pad(y.cpu().numpy(), [(0, 0), *margins], mode="symmetric")
        self.measured = torch.from_numpy(grown).to(y.device)
        self.sides = grown.shape[1:]
        spans = zip(psf.shape, y.shape[1:], strict=True)
        self.inside = (slice(None), *(slice(k, k + side) for k, side in spans))
        self.known = torch.zeros(grown.shape, dtype=torch.bool, device=y.device)
        self.known[self.inside] = observed
        kernel = torch.zeros(self.sides, device=y.device)
        kernel[tuple(slice(k) for k in psf.shape)] = psf
        kernel = kernel.roll([-(k // 2) for k in psf.shape], self.axes)
        self.transfer = torch.fft.rfftn(kernel)
        # A blurred copy joins opposite borders smoothly.
        window = self._window(psf.shape)
        self.measured = self.measured.lerp(self._blurred(self.measured), 1 - window)

    def deconvolve(self, estimate: Tensor | None, weight: float) -> Tensor:
        """The image of the least squared residual plus weight times its distance from estimate.

        Only known pixels have a residual. Conjugate gradients find the image, preconditioned by the
        exact solution for pixels that are all known.
        """
        if estimate is None:
            estimate = self.measured
        x = estimate.clone()
        residual = self._adjoint(self.known * (self.measured - self._blurred(x)))
        direction = solved = self._precondition(residual, weight)
        product = (residual * solved).sum()
        for _ in range(_SOLVER_STEPS):
            image = self._adjoint(self.known * self._blurred(direction)) + weight * direction
            length = product / (direction * image).sum().clamp_min(1e-30)
            x += length * direction
            residual = residual - length * image
            solved = self._precondition(residual, weight)
            last, product = product, (residual * solved).sum()
            direction = solved + product / last.clamp_min(1e-30) * direction
        return x

    def _precondition(self, image: Tensor, weight: float) -> Tensor:
        return self._image(self._spectrum(image) / (self.transfer.abs() ** 2 + weight))

    def _adjoint(self, image: Tensor) -> Tensor:
        return self._image(self.transfer.conj() * self._spectrum(image))

    def _window(self, widths: Sequence[int]) -> Tensor:
        """1 in the frame, falling to 0 at the outer borders: (*sides)."""
        window = torch.ones((), device=self.measured.device)
        for side, width in zip(self.sides, widths, strict=True):
            distance = torch.arange(side, device=window.device)
            distance = 1 + torch.minimum(distance, side - 1 - distance)
            window = window[..., None] * (distance / (width + 1)).clamp(max=1)
        return window

    def _blurred(self, image: Tensor) -> Tensor:
        return self._image(self.transfer * self._spectrum(image))

    def _spectrum(self, image: Tensor) -> Tensor:
        spectrum: Tensor = torch.fft.rfftn(image, dim=self.axes)
        return spectrum

    def _image(self, spectrum: Tensor) -> Tensor:
        image: Tensor = torch.fft.irfftn(spectrum, s=self.sides, dim=self.axes)
        return image


def denoise_step(noisy: Tensor, pilot: Tensor | None, sigma: float) -> Tensor:
    """Denoise an image, or a volume plane by plane, in one pass if there is a pilot.

    Parameters
    ----------
    noisy
        (channels, *space), about [0, 1].
    pilot
        The estimate of the step before, as noisy; None in the first step.
    sigma
        Noise level that the denoiser is told, in the units of noisy.

    Returns
    -------
    Tensor
        As noisy.

    Examples
    --------
    >>> denoise_step(torch.rand(1, 2, 16, 16), None, 0.1).shape
    torch.Size([1, 2, 16, 16])
    """
    if noisy.ndim == 4:
        guides = noisy.shape[1] * [None] if pilot is None else pilot.unbind(1)
        planes = zip(noisy.unbind(1), guides, strict=True)
        return torch.stack([denoise_step(plane, guide, sigma) for plane, guide in planes], 1)
    if pilot is None:
        return denoise_nonlocal(noisy, sigma, quick=True)
    return refine_nonlocal(noisy, pilot, sigma)
