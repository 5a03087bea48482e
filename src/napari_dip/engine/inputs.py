"""The network's input z, and its perturbation at every iteration.

Source: arXiv 1711.10925, section 4 ("noise-based regularisation", "meshgrid").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

Kind: TypeAlias = Literal["noise", "meshgrid", "image"]


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

    kind: Kind = "noise"
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


class FreshNoise:
    """New normal noise in z's shape at every call, as the paper perturbs z; None without noise."""

    def __init__(self, z: Tensor, sigma: float, generator: torch.Generator) -> None:
        self.z, self.sigma, self.generator = z, sigma, generator

    def __call__(self) -> Tensor | None:
        if not self.sigma:
            return None
        return torch.empty_like(self.z).normal_(0, self.sigma, generator=self.generator)


class PooledNoise:
    """A random window, with a random sign, of one larger tensor of normal noise drawn once.

    Drawing normal numbers took a third of a thin network's iteration; a window costs next to
    nothing, and the fit does not notice.
    """

    MARGIN = 64

    def __init__(self, z: Tensor, sigma: float, generator: torch.Generator) -> None:
        self.sides, self.sigma = z.shape[2:], sigma
        self.offsets = torch.Generator().manual_seed(generator.initial_seed())
        # Volumes and tiny images get margins of their own size: the pool stays a few times z.
        self.margins = [min(self.MARGIN, side // 2 + 1) for side in self.sides]
        if sigma:
            sides = [n + m for n, m in zip(self.sides, self.margins, strict=True)]
            pool = torch.empty(1, z.shape[1], *sides, device=z.device)
            self.pool = pool.normal_(0, sigma, generator=generator)

    def __call__(self) -> Tensor | None:
        if not self.sigma:
            return None
        noise = self.pool
        for axis, (side, margin) in enumerate(zip(self.sides, self.margins, strict=True), start=2):
            start = int(torch.randint(margin + 1, (), generator=self.offsets))
            noise = noise.narrow(axis, start, side)
        return noise if int(torch.randint(2, (), generator=self.offsets)) else -noise
