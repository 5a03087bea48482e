"""The network's input z, and its perturbation at every iteration.

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
    """What z is.

    Attributes
    ----------
    kind
        "noise": uniform in [0, scale]. "meshgrid": one channel for each axis, its coordinate in
        [0, 1]. "image": a given picture, such as the flash photograph or the noisy image itself.
    channels
        Channels of the noise; the other kinds have their own.
    scale
        The noise's largest value.
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
            Where the noise comes from: the same state gives the same z.
        image
            For kind "image": shape (1, channels, *space).
        """
        if self.kind == "meshgrid":
            axes = [torch.linspace(0, 1, side) for side in space]
            # Last axis first: x, then y, as the paper shows its two channels.
            return torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1])[None]
        if self.kind == "image":
            if image is None:
                raise ValueError('input: "image" needs a picture of the size of the result')
            return image.clone()
        return torch.rand(1, self.channels, *space, generator=generator) * self.scale


def grainy(noise: Tensor, blur: float) -> Tensor:
    """Noise that neighbours share: blurred along y and x, and as strong as before.

    Parameters
    ----------
    noise
        (1, channels, *space).
    blur
        The Gaussian's standard deviation in pixels; nothing is changed at 0.
    """
    if not blur:
        return noise
    at = torch.arange(-math.ceil(4 * blur), math.ceil(4 * blur) + 1, device=noise.device)
    kernel = torch.exp(-((at / blur) ** 2) / 2)
    kernel /= kernel.norm()  # the variance of what is summed stays what it was
    planes = noise.reshape(-1, 1, *noise.shape[-2:])
    for sides in ((-1, 1), (1, -1)):
        planes = F.conv2d(planes, kernel.view(1, 1, *sides), padding="same")
    return planes.view(noise.shape)


class FreshNoise:
    """New normal noise in z's shape at every call, as the paper perturbs z; None without noise."""

    def __init__(
        self, z: Tensor, sigma: float, generator: torch.Generator, grain: float = 0.0
    ) -> None:
        self.z, self.sigma, self.generator, self.grain = z, sigma, generator, grain

    def __call__(self) -> Tensor | None:
        if not self.sigma:
            return None
        noise = torch.empty_like(self.z).normal_(0, self.sigma, generator=self.generator)
        return grainy(noise, self.grain)


class PooledNoise:
    """A random window, with a random sign, of one larger tensor of normal noise drawn once.

    Drawing normal numbers took a third of a thin network's iteration; a window costs next to
    nothing, and the fit does not notice.
    """

    MARGIN = 64

    def __init__(
        self, z: Tensor, sigma: float, generator: torch.Generator, grain: float = 0.0
    ) -> None:
        self.sides, self.sigma = z.shape[2:], sigma
        self.offsets = torch.Generator().manual_seed(generator.initial_seed())
        # Volumes and tiny images get margins of their own size: the pool stays a few times z.
        self.margins = [min(self.MARGIN, side // 2 + 1) for side in self.sides]
        if sigma:
            sides = [n + m for n, m in zip(self.sides, self.margins, strict=True)]
            pool = torch.empty(1, z.shape[1], *sides, device=z.device)
            self.pool = grainy(pool.normal_(0, sigma, generator=generator), grain)

    def __call__(self) -> Tensor | None:
        if not self.sigma:
            return None
        noise = self.pool
        for axis, (side, margin) in enumerate(zip(self.sides, self.margins, strict=True), start=2):
            start = int(torch.randint(margin + 1, (), generator=self.offsets))
            noise = noise.narrow(axis, start, side)
        return noise if int(torch.randint(2, (), generator=self.offsets)) else -noise
