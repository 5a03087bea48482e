"""The non-local estimate of a measurement, for noise that is uniform, a camera's, or correlated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from napari_dip.tasks.measurement import Measurement, fill_missing

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.noise.camera import CameraNoise


@dataclass(frozen=True)
class NoiseScale:
    """A scale of values, about [0, 1], on which the noise is as strong at all pixels.

    Attributes
    ----------
    sigma
        Standard deviation of the noise on this scale.
    camera
        The camera whose noise is made uniform; None if it is uniform already.
    black, spans
        Data values of 0 in y, and of 1 less those of 0, for each channel.
    low, high
        The camera's stabilised values that become 0 and 1 on this scale.
    """

    sigma: float
    camera: CameraNoise | None = None
    black: tuple[float, ...] = (0.0,)
    spans: tuple[float, ...] = (1.0,)
    low: float = 0.0
    high: float = 1.0

    @classmethod
    def of(cls, measurement: Measurement, sigma: float, camera: CameraNoise | None) -> NoiseScale:
        """The scale for a measurement whose noise is sigma in units of y, or a camera's."""
        if camera is None:
            return cls(sigma)
        import numpy as np

        stable = camera.stabilized(np.array(measurement.values()))
        low, high = float(stable.min()), float(stable.max())
        high = max(high, low + 1)
        return cls(1 / (high - low), camera, measurement.black, measurement.spans, low, high)

    def forward(self, y: Tensor) -> Tensor:
        """Values of y (channels, *space) on this scale."""
        if self.camera is None:
            return y
        import torch

        black, span = self._per_channel(y)
        stable = self.camera.stabilized((black + span * y.double()).numpy())
        return torch.from_numpy((stable - self.low) / (self.high - self.low)).float()

    def back(self, estimate: Tensor) -> Tensor:
        """Estimates on this scale, (channels, *space), in units of y."""
        if self.camera is None:
            return estimate
        import torch

        black, span = self._per_channel(estimate)
        stable = self.low + (self.high - self.low) * estimate.double().numpy()
        values = torch.from_numpy(self.camera.from_stabilized(stable))
        return ((values - black) / span).float()

    def _per_channel(self, values: Tensor) -> tuple[Tensor, Tensor]:
        import torch

        shape = (-1,) + (1,) * (values.ndim - 1)
        black, spans = (torch.tensor(v).double().view(shape) for v in (self.black, self.spans))
        return black, spans


def nonlocal_estimate(
    measurement: Measurement, scale: NoiseScale, blur: float, pilot: Tensor | None = None
) -> Tensor:
    """Denoise a measurement from its own similar patches.

    Parameters
    ----------
    measurement
        The noisy image, a plane or a volume.
    scale
        The scale on which its noise is uniform.
    blur
        The correlation of the noise: standard deviation of its blur in pixels, 0 for white noise.
    pilot
        Another estimate, (channels, *space) in units of y, that guides a single pass.

    Returns
    -------
    Tensor
        (channels, *space) in units of y.
    """
    from napari_dip.engine.nonlocal_denoising import (
        denoise_nonlocal,
        gaussian_correlation,
        refine_nonlocal,
    )

    correlation = gaussian_correlation(blur) if blur else None
    noisy = scale.forward(fill_missing(measurement.y, measurement.observed)[0])
    if pilot is None:
        denoise = partial(denoise_nonlocal, sigma=scale.sigma, correlation=correlation)
        return scale.back(measurement.estimate(denoise, noisy))
    refine = partial(refine_nonlocal, sigma=scale.sigma, correlation=correlation)
    return scale.back(measurement.estimate(refine, noisy, scale.forward(pilot)))
