"""Plug-and-play restoration of a JPEG whose quantisation is known.

Two steps alternate while the assumed error falls: a non-local denoiser; and the expectation of each
coefficient within the interval that its quantisation left. Luma and both chromas are denoised in
groups that are found in luma, each with its own strength.

Sources: Venkatakrishnan, Bouman and Wohlberg, "Plug-and-Play priors", GlobalSIP 2013; Zhang,
Xiong, Zhao, Ma and Gao, "CONCOLOR", IEEE TIP 2016, and Rosenholtz and Zakhor, ICIP 1991
(quantisation constraint).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_dip.engine.jpeg_quantization import (
    Component,
    JpegQuantization,
    from_luma_chroma,
    to_luma_chroma,
)
from napari_dip.engine.nonlocal_denoising import denoise_nonlocal, refine_nonlocal

_STEPS = 10
"""Number of times that the two steps alternate."""

_TOLD = 0.75
"""The error that is told to the denoiser, in units of the expected one, which is too high because
the blocks of an image differ."""

_FIRST_LEVEL, _SECOND_LEVEL, _LAST_LEVEL = 2.8, 2.4, 0.6
"""Error that the denoiser is told in the first, the second and the last step, in units of the
expected one. An error that neighbours share takes more than white noise."""

_LOOSENESS = 1.6
"""Error of the coefficients of a denoised image, in units of the error that was told."""

_FINAL_LOOSENESS = 1.0
"""The same for the result, in units of the expected error."""

_CHROMA_ERROR = 0.4
"""Error of a chroma whose steps are unknown, in units of that of luma."""

_LEVELS = 255.0


@torch.no_grad()
def restore_jpeg(image: Tensor, quantization: JpegQuantization) -> Tensor:
    """Restore a JPEG from its own similar patches, within what its quantisation allows.

    Parameters
    ----------
    image
        Grey or RGB levels from 0 to 255, (1 or 3, y, x), float32.
    quantization
        Its quantisation, from `find_quantization`.

    Returns
    -------
    Tensor
        (1 or 3, y, x) levels, not clipped.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from PIL import Image
    >>> from napari_dip.engine.jpeg_quantization import find_quantization
    >>> y, x = np.mgrid[:48, :48]
    >>> bars, file = np.where((y + x) // 6 % 2, 200.0, 60.0), io.BytesIO()
    >>> Image.fromarray(bars.astype(np.uint8)).save(file, "JPEG", quality=10)
    >>> jpeg = torch.from_numpy(np.array(Image.open(file))).float()[None]
    >>> quantization = find_quantization(jpeg, torch.ones(48, 48, dtype=torch.bool))
    >>> restored, truth = restore_jpeg(jpeg, quantization), torch.from_numpy(bars)
    >>> bool((restored - truth).std() < 0.8 * (jpeg - truth).std())
    True
    """
    problem = _Problem(to_luma_chroma(image), quantization)
    estimate = problem.denoise(problem.measured, None, _FIRST_LEVEL)
    last = _FIRST_LEVEL
    for level in _levels():
        estimate = problem.denoise(problem.constrain(estimate, _LOOSENESS * last), estimate, level)
        last = level
    return from_luma_chroma(problem.constrain(estimate, _FINAL_LOOSENESS, is_last=True))


@torch.no_grad()
def refine_jpeg(image: Tensor, pilot: Tensor, quantization: JpegQuantization) -> Tensor:
    """Restore a JPEG in one more step from another estimate, such as a network's.

    Parameters
    ----------
    image, quantization
        As for `restore_jpeg`.
    pilot
        The other estimate, (1 or 3, y, x) levels.

    Returns
    -------
    Tensor
        (1 or 3, y, x) levels, not clipped.
    """
    problem = _Problem(to_luma_chroma(image), quantization)
    estimate = to_luma_chroma(pilot)
    constrained = problem.constrain(estimate, _LOOSENESS * _LAST_LEVEL)
    estimate = problem.denoise(constrained, estimate, _LAST_LEVEL)
    return from_luma_chroma(problem.constrain(estimate, _FINAL_LOOSENESS, is_last=True))


def _levels() -> list[float]:
    """The levels after the first."""
    return torch.logspace(math.log10(_SECOND_LEVEL), math.log10(_LAST_LEVEL), _STEPS).tolist()


class _Problem:
    """The planes of a JPEG and the errors that are expected in them."""

    def __init__(self, measured: Tensor, quantization: JpegQuantization) -> None:
        self.measured = measured
        self.components = quantization.components
        luma = self.components[0]
        assert luma is not None  # without it there is no quantisation
        errors = [
            _CHROMA_ERROR * luma.deviation if each is None else each.deviation
            for each in self.components
        ]
        self.errors = [_TOLD * max(error, 1e-3) for error in errors]

    def denoise(self, planes: Tensor, pilot: Tensor | None, level: float) -> Tensor:
        """Denoise planes whose errors are level times the expected ones."""
        # Planes are scaled so that their noise is of one strength.
        scales = planes.new_tensor([self.errors[0] / (_LEVELS * e) for e in self.errors])
        scaled, sigma = planes * scales[:, None, None], level * self.errors[0] / _LEVELS
        if pilot is None:
            done = denoise_nonlocal(scaled, sigma, quick=True, opponent=True)
        else:
            guide = pilot * scales[:, None, None]
            done = refine_nonlocal(scaled, guide, sigma, opponent=True)
        return done / scales[:, None, None]

    def constrain(self, planes: Tensor, looseness: float, *, is_last: bool = False) -> Tensor:
        """The expected planes, given estimates whose errors are so many times the expected ones.

        A plane without known steps is the measured one, but in the last step the estimate.
        """

        def expected(plane: Tensor, given: Tensor, component: Component | None, e: float) -> Tensor:
            if component is None:
                return plane if is_last else given
            return component.constrain(plane, looseness * e)

        each = zip(planes, self.measured, self.components, self.errors, strict=True)
        return torch.stack([expected(*parts) for parts in each])
