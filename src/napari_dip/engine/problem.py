"""`Problem` and `FitSettings`: the two descriptions from which a fit is made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import Tensor

from napari_dip.engine.device import Layout, Precision
from napari_dip.engine.inputs import InputSpec
from napari_dip.engine.losses import Fidelity, squared_error
from napari_dip.engine.networks import NetworkSpec
from napari_dip.engine.operators import Operator
from napari_dip.engine.stopping import StoppingRule

Schedule: TypeAlias = Literal["constant", "one-cycle"]


@dataclass(frozen=True)
class Problem:
    """A measurement and the terms that an image has to fit.

    Attributes
    ----------
    y
        The measurement, (1, C, *space), about [0, 1].
    operator
        Forward operator A, from the image to the measurement.
    guide
        Network input of kind "image": (1, any channels, *image_shape).
    fidelity
        Data term: a function of A x and y that returns the loss.
    noise_shape
        Strength of the input's perturbation at each pixel, in units of the settings'
        `input_noise`: (1, 1 or channels of z, *image_shape); 1 everywhere if not given.
    has_optimum
        Whether the fidelity is an error, 0 at best, instead of an objective without bounds. Only
        the jumps of an error are a sign of a fit that breaks.

    Examples
    --------
    >>> import torch
    >>> from napari_dip.engine.operators import Downsample
    >>> Problem(torch.rand(1, 3, 16, 20), Downsample(4, 4)).image_shape
    (64, 80)
    """

    y: Tensor
    operator: Operator
    guide: Tensor | None = None
    fidelity: Fidelity = squared_error
    noise_shape: Tensor | None = None
    has_optimum: bool = True

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Sides of the image that is fitted, in pixels."""
        return self.operator.image_shape(self.y.shape[2:])


@dataclass(frozen=True)
class FitSettings:
    """The network, its input, and the optimisation.

    Attributes
    ----------
    network, input
        The network and its input z.
    iterations
        Iteration budget.
    learning_rate
        Adam's learning rate; with "one-cycle" its peak.
    schedule
        "constant", or "one-cycle": a cosine up over 30 % of the iterations and down to zero.
    input_noise
        Standard deviation of the perturbation of z in each iteration (the paper's sigma_p).
    fresh_noise
        Whether the perturbation is drawn anew in each iteration, as in the paper, or cut from a
        pool.
    noise_correlation
        Blur of the perturbation, as a standard deviation in pixels; 0 for white noise.
    r2r
        Factor by which the perturbation is subtracted from the target (R2R); 0 switches it off. If
        the input is the noisy image, sigma^2 / input_noise^2 makes the noise of input and target
        independent, and the fit hardly learns any. Source: Pang et al.,
        "Recorrupted-to-Recorrupted", CVPR 2021.
    average
        Weight of the exponential average of outputs; 0 for no average.
    total_variation
        Weight of a TV prior in addition to the data term.
    stopping
        Rule that may end the fit before its budget.
    precision, layout
        Number format of convolutions; memory layout of images.

    Examples
    --------
    >>> from napari_dip.engine.inputs import InputSpec
    >>> from napari_dip.engine.networks import NetworkSpec
    >>> settings = FitSettings(NetworkSpec(), InputSpec(), 100, schedule="one-cycle")
    >>> settings.rate(29)  # the peak, after 30 % of the iterations
    0.01
    """

    network: NetworkSpec
    input: InputSpec
    iterations: int
    learning_rate: float = 0.01
    schedule: Schedule = "constant"
    input_noise: float = 1 / 30
    fresh_noise: bool = True
    noise_correlation: float = 0.0
    r2r: float = 0.0
    average: float = 0.99
    total_variation: float = 0.0
    stopping: StoppingRule | None = None
    precision: Precision = "float32"
    layout: Layout = "contiguous"

    def rate(self, iteration: int) -> float:
        """The learning rate of an iteration, counted from 0."""
        if self.schedule == "constant":
            return self.learning_rate
        warm = max(1, 3 * self.iterations // 10)
        if iteration < warm:
            part = (1 - math.cos(math.pi * (iteration + 1) / warm)) / 2
        else:
            part = (1 + math.cos(math.pi * (iteration - warm) / (self.iterations - warm))) / 2
        return self.learning_rate * max(part, 1e-3)
