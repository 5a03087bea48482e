"""The network's input z, and its perturbation in each iteration.

Source: arXiv 1711.10925, section 4 ("noise-based regularisation", "meshgrid").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

InputKind: TypeAlias = Literal["noise", "meshgrid", "image"]


@dataclass(frozen=True)
class InputSpec:
    """Kind of the network's input z.

    Attributes
    ----------
    kind
        "noise": uniform in [0, scale]. "meshgrid": one channel for each axis, its coordinate in
        [0, 1]. "image": a given image, such as the flash photograph or the noisy image itself.
    channels
        Number of channels of the noise.
    scale
        Largest value of the noise.
    """

    kind: InputKind = "noise"
    channels: int = 32
    scale: float = 0.1

    def make(
        self, space: Sequence[int], generator: torch.Generator, image: Tensor | None = None
    ) -> Tensor:
        """Make z, of shape (1, channels, *space), on the CPU.

        Parameters
        ----------
        space
            Sides in pixels.
        generator
            Source of the noise: the same state gives the same z.
        image
            z itself for kind "image", (1, channels, *space).
        """
        if self.kind == "meshgrid":
            axes = [torch.linspace(0, 1, side) for side in space]
            # Last axis first: x, then y, as the paper shows its two channels.
            return torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1])[None]
        if self.kind == "image":
            if image is None:
                raise ValueError('input: "image" needs an image of the size of the result')
            return image.clone()
        return torch.rand(1, self.channels, *space, generator=generator) * self.scale


def correlated(noise: Tensor, blur: float) -> Tensor:
    """Blur noise along y and x, so that neighbours are correlated, and keep its variance.

    Parameters
    ----------
    noise
        (1, channels, *space).
    blur
        Standard deviation of the Gaussian in pixels; 0 changes nothing.
    """
    if not blur:
        return noise
    at = torch.arange(-math.ceil(4 * blur), math.ceil(4 * blur) + 1, device=noise.device)
    kernel = torch.exp(-((at / blur) ** 2) / 2)
    kernel /= torch.linalg.vector_norm(kernel)  # the variance stays
    planes = noise.reshape(-1, 1, *noise.shape[-2:])
    for sides in ((-1, 1), (1, -1)):
        planes = F.conv2d(planes, kernel.view(1, 1, *sides), padding="same")
    return planes.view(noise.shape)


class FreshNoise:
    """Draws new normal noise in z's shape at each call, as the paper does; None if sigma is 0."""

    def __init__(
        self, z: Tensor, sigma: float, generator: torch.Generator, correlation: float = 0.0
    ) -> None:
        self.z, self.sigma = z, sigma
        self.generator, self.correlation = generator, correlation

    def __call__(self) -> Tensor | None:
        if not self.sigma:
            return None
        noise = torch.empty_like(self.z).normal_(0, self.sigma, generator=self.generator)
        return correlated(noise, self.correlation)


class PooledNoise:
    """Cuts a random window, with a random sign, out of a larger tensor of noise drawn once.

    Drawing normal numbers took a third of a thin network's iteration; a window costs next to
    nothing, and the fit is as good.
    """

    MARGIN = 64
    """Most pixels by which the tensor is larger than z along each axis."""

    def __init__(
        self, z: Tensor, sigma: float, generator: torch.Generator, correlation: float = 0.0
    ) -> None:
        self.sides, self.sigma = z.shape[2:], sigma
        self.offsets = torch.Generator().manual_seed(generator.initial_seed())
        # The margins of volumes and tiny images are smaller: the pool stays a few times z.
        self.margins = [min(self.MARGIN, side // 2 + 1) for side in self.sides]
        if sigma:
            sides = [n + m for n, m in zip(self.sides, self.margins, strict=True)]
            pool = torch.empty(1, z.shape[1], *sides, device=z.device)
            self.pool = correlated(pool.normal_(0, sigma, generator=generator), correlation)

    def __call__(self) -> Tensor | None:
        if not self.sigma:
            return None
        noise = self.pool
        for axis, (side, margin) in enumerate(zip(self.sides, self.margins, strict=True), start=2):
            start = int(torch.randint(margin + 1, (), generator=self.offsets))
            noise = noise.narrow(axis, start, side)
        return noise if int(torch.randint(2, (), generator=self.offsets)) else -noise
