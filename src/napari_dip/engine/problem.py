"""What is fitted, and how: the two descriptions that a fit is made from."""

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
from napari_dip.engine.stopping import Stopping

Schedule: TypeAlias = Literal["constant", "one-cycle"]


@dataclass(frozen=True)
class Problem:
    """What is fitted.

    Attributes
    ----------
    y
        The measurement, (1, C, *space), about [0, 1].
    operator
        A, from the image to the measurement.
    guide
        For an input of kind "image": (1, any channels, *domain).
    fidelity
        The data term.
    noise_shape
        (1, 1 or channels of z, *domain): how strong the perturbation of z is at each pixel, in
        units of the settings' `input_noise`; even if not given.
    has_optimum
        Whether the fidelity is an error, 0 at best, and not something that grows without bounds:
        only of an error is a multiple a sign of a fit that breaks.
    """

    y: Tensor
    operator: Operator
    guide: Tensor | None = None
    fidelity: Fidelity = squared_error
    noise_shape: Tensor | None = None
    has_optimum: bool = True

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The sides of the image that is fitted."""
        return self.operator.image_shape(self.y.shape[2:])


@dataclass(frozen=True)
class FitSettings:
    """How it is fitted.

    Attributes
    ----------
    network, input
        The network and its input z.
    iterations
        The budget.
    learning_rate
        Adam's; with "one-cycle" its peak.
    schedule
        "constant", or "one-cycle": a cosine up over 30 % of the iterations and down to zero.
    input_noise
        sigma_p, the standard deviation of the perturbation of z at each iteration.
    fresh_noise
        Draw the perturbation anew at each iteration, as the paper does, or cut it from a pool.
    grain
        How far neighbours share the perturbation: its blur, as a standard deviation in pixels.
    recorruption
        Subtract this much of the perturbation from the target: with the noisy image as input and
        sigma^2 / sigma_p^2 here, input and target have independent noise, and the fit hardly learns
        any. Source: Pang et al., "Recorrupted-to-Recorrupted", CVPR 2021.
    average
        Weight of the exponential average of outputs, 0 for none.
    total_variation
        Weight of a TV prior beside the data term.
    stopping
        A rule that may end the fit before its budget.
    precision, layout
        Number format of convolutions; how images lie in memory.
    """

    network: NetworkSpec
    input: InputSpec
    iterations: int
    learning_rate: float = 0.01
    schedule: Schedule = "constant"
    input_noise: float = 1 / 30
    fresh_noise: bool = True
    grain: float = 0.0
    recorruption: float = 0.0
    average: float = 0.99
    total_variation: float = 0.0
    stopping: Stopping | None = None
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
