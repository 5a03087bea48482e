"""How far a result is from the truth, which nobody knows: an estimate from the image alone.

For missing pixels, some known ones are hidden and filled, and their error is measured. The error of
a denoised image can only be inferred: from how much of an added perturbation comes through, and
from how much was removed. It is too small where texture is lost that nobody could see under the
noise. `benchmarks/expected.py` compares both with true errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from napari_dip.tasks.measurement import Measurement

_PERTURBATION = 0.3
"""Perturbation in units of the noise level. Patches that are grouped by their noise let it through
more than a weak perturbation shows, and a strong one would change the groups altogether."""

_BIAS, _BIAS_OF_STRONG_NOISE = 1.1, 1.8
"""Errors of results as a multiple of the noise that is left in them: the rest is lost structure,
which is more under strong noise."""

_STRONG_NOISE = 0.12
"""Noise level, in units of y, above which noise is strong."""

_LARGEST_MEASURED = 512
"""Side, in pixels, of the middle of an image that is enough to measure in."""

_HIDDEN = 0.1
"""Share of the known pixels that are hidden at random, where many are missing."""

_MANY_MISSING = 0.25
"""Share of missing pixels up to which known pixels are hidden in the shape of the holes."""

_FEWER_KNOWN, _OVERLAP = 0.9, 0.82
"""What the errors of hidden pixels are multiplied by, at random and in the shape of the holes:
fewer pixels are known around them than around the holes."""

_LEAST_HIDDEN = 50
"""Fewest hidden pixels that tell an error."""


_LEAST_ERROR = 1e-12
"""Error, in units of y squared, that stands for none."""


@dataclass(frozen=True)
class ExpectedError:
    """Mean squared errors that are expected, in units of y squared.

    Attributes
    ----------
    result
        Of the restored image, over all its pixels.
    given
        Of the degraded image; None where pixels are missing in it.

    Examples
    --------
    >>> psnr, given = ExpectedError(result=1e-3, given=1e-2).psnr(spans=(255,), data_range=255)
    >>> round(psnr), round(given)
    (30, 20)
    """

    result: float
    given: float | None = None

    def psnr(self, spans: tuple[float, ...], data_range: float) -> tuple[float, float | None]:
        """Expected PSNR of the result and of the given image, in dB.

        Parameters
        ----------
        spans
            The user's units in 1.0 of y, for each channel.
        data_range
            The peak of PSNR, in the user's units.
        """
        unit = math.sqrt(sum(span**2 for span in spans) / len(spans)) / data_range

        def decibels(error: float) -> float:
            return -10 * math.log10(max(error, _LEAST_ERROR) * unit**2)

        return decibels(self.result), None if self.given is None else decibels(self.given)


def expected_when_denoised(
    x: Tensor,
    y: Tensor,
    noise: Tensor,
    estimate: Tensor,
    denoise: Callable[[Tensor], Tensor],
) -> ExpectedError | None:
    """The expected error of a denoised image.

    With the share s of the noise that comes through, the residual y - x has the variance
    (1 - s) sigma², and x has the error s sigma² if nothing but noise was removed (Stein's unbiased
    risk estimate for a linear estimator of least error). Sigma is taken from the residual: this is
    more certain than what was measured before.

    Parameters
    ----------
    x, y
        The denoised and the noisy image, (channels, *space).
    noise
        The noise's standard deviation at each pixel, as y or with sides of 1.
    estimate, denoise
        The image that a denoiser like the one that made x makes of y, and this denoiser.

    Returns
    -------
    ExpectedError or None
        None if there is no noise.
    """
    middle = (slice(None), *(_middle(side) for side in y.shape[1:]))
    noise = noise.expand_as(y)[middle].double()
    x, y, estimate = x[middle].double(), y[middle], estimate[middle]
    variance = float(noise.square().mean())
    if variance == 0:
        return None
    generator = torch.Generator().manual_seed(0)
    added = noise * torch.randn(y.shape, generator=generator, dtype=torch.float64)
    perturbed = denoise((y + _PERTURBATION * added).to(y.dtype))
    answer = (perturbed - estimate).double() / _PERTURBATION
    left = min(max(float((added * answer).mean()) / variance, 0.0), 0.9)
    given = float((y - x).square().mean()) / (1 - left)
    bias = _BIAS if given < _STRONG_NOISE**2 else _BIAS_OF_STRONG_NOISE
    return ExpectedError(bias * left * given, given)


def expected_when_filled(
    measurement: Measurement, fill: Callable[[Measurement], Tensor]
) -> ExpectedError | None:
    """The expected error of an image whose missing pixels were filled.

    Parameters
    ----------
    measurement
        The image with missing pixels.
    fill
        A function like the one that filled them: (channels, *space) in units of y.

    Returns
    -------
    ExpectedError or None
        None if too few pixels are known.
    """
    known = measurement.observed[0].all(dim=0)
    if float(known.float().mean()) > 1 - _MANY_MISSING:
        shape, factor = ~known.flip(list(range(known.ndim))), _OVERLAP
    else:
        generator = torch.Generator().manual_seed(0)
        shape, factor = torch.rand(known.shape, generator=generator) < _HIDDEN, _FEWER_KNOWN
    hidden = known & shape
    if int(hidden.sum()) < _LEAST_HIDDEN:
        return None
    filled = fill(replace(measurement, observed=measurement.observed & ~hidden))
    error = (filled - measurement.y[0]).square()[:, hidden].mean()
    missing = float((~measurement.observed).float().mean())
    return ExpectedError(factor * missing * float(error))


def _middle(side: int) -> slice:
    start = max(0, (side - _LARGEST_MEASURED) // 2)
    return slice(start, start + _LARGEST_MEASURED)
