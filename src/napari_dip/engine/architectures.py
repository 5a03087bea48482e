"""The networks: the paper's encoder-decoder, U-Net, ResNet, and plain pixels.

Source: arXiv 1711.10925, section 4, and the authors' code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_dip.engine.layers import (
    batch_norm,
    coarsened,
    conv,
    crop,
    halving,
    pool,
    shuffle,
    unshuffle,
)
from napari_dip.engine.networks import NETWORKS, Network, NetworkSpec


def build_network(
    spec: NetworkSpec, in_channels: int, out_channels: int, space: Sequence[int]
) -> nn.Module:
    """Build a network with PyTorch's default random weights.

    Parameters
    ----------
    spec
        Description of the network.
    in_channels, out_channels
        Channels of z and of the image.
    space
        The image's sides in pixels, two or three of them.

    Examples
    --------
    >>> spec = NetworkSpec("resnet", (8, 8))
    >>> build_network(spec, 4, 3, (16, 16))(torch.rand(1, 4, 16, 16)).shape
    torch.Size([1, 3, 16, 16])
    """
    network: Any = NETWORKS[spec.kind]
    if spec.shuffle > 1 and network.can_shuffle:
        network = ShuffledNetwork
    built: nn.Module = network(spec, in_channels, out_channels, space)
    return built


class SkipLevel(nn.Module):
    """One level of the encoder-decoder, with all coarser levels inside it."""

    def __init__(
        self,
        spec: NetworkSpec,
        index: int,
        in_channels: int,
        space: Sequence[int],
        spacing: Sequence[float],
    ) -> None:
        super().__init__()
        ndim = len(space)
        width, skip = spec.filters[index], spec.skips[index]
        kernel_down, kernel_up = spec.kernels_down[index], spec.kernels_up[index]
        stride, coarse = halving(space, spacing)

        def block(
            channels: int, filters: int, kernel: int, at: Sequence[int], *after: nn.Module
        ) -> list[nn.Module]:
            layer = conv(channels, filters, kernel, spec.padding, at)
            return [layer, *after, batch_norm(filters, ndim), nn.LeakyReLU(0.2)]

        if spec.downsampling == "stride":
            shrink = [
                conv(in_channels, width, kernel_down, spec.padding, space, stride=stride),
                batch_norm(width, ndim),
                nn.LeakyReLU(0.2),
            ]
        else:
            shrink = block(
                in_channels, width, kernel_down, space, pool(spec.downsampling, stride, ndim)
            )
        self.down = nn.Sequential(*shrink, *block(width, width, kernel_down, coarse))
        is_last = index + 1 == len(spec.filters)
        self.coarser = (
            nn.Identity()
            if is_last
            else SkipLevel(spec, index + 1, width, coarse, coarsened(spacing, stride))
        )
        from_below = width if is_last else spec.filters[index + 1]
        mode = spec.upsamplings()[index]
        self.mode = "trilinear" if mode == "bilinear" and ndim == 3 else mode
        self.skip = (
            nn.Sequential(*block(in_channels, skip, spec.kernel_skip, space)) if skip else None
        )
        join = [
            batch_norm(skip + from_below, ndim),
            *block(skip + from_below, width, kernel_up, space),
        ]
        if spec.pointwise:
            join += block(width, width, 1, space)
        self.join = nn.Sequential(*join)

    def forward(self, x: Tensor) -> Tensor:
        up = F.interpolate(self.coarser(self.down(x)), size=x.shape[2:], mode=self.mode)
        if self.skip is not None:
            up = torch.cat([self.skip(x), up], dim=1)
        out: Tensor = self.join(up)
        return out


class SkipNetwork(Network, nn.Sequential):
    """The paper's encoder-decoder: levels, a 1x1 convolution and a sigmoid."""

    name = "skip"

    def __init__(
        self, spec: NetworkSpec, in_channels: int, out_channels: int, space: Sequence[int]
    ) -> None:
        super().__init__(
            SkipLevel(spec, 0, in_channels, space, spec.spacing(space)),
            conv(spec.filters[0], out_channels, 1, spec.padding, space),
            nn.Sigmoid(),
        )

    @classmethod
    def check(cls, spec: NetworkSpec) -> None:
        levels = len(spec.filters)
        entries: dict[str, Sequence[Any]] = {
            "skips": spec.skips,
            "kernels_down": spec.kernels_down,
            "kernels_up": spec.kernels_up,
            "upsampling": spec.upsamplings(),
        }
        for name, values in entries.items():
            if len(values) != levels:
                raise ValueError(
                    f"{name}: {len(values)} entries, but filters has {levels} levels; "
                    "give one entry for each level"
                )


class UNet(Network, nn.Module):
    """A U-Net with instance normalisation, max pooling and learned upsampling.

    `filters` names the width of the finest level and of each level below it, so that
    (8, 16, 32, 64, 128, 128) has depth 5, as in the paper's figure of inpainting by depth.
    """

    name = "unet"

    def __init__(
        self, spec: NetworkSpec, in_channels: int, out_channels: int, space: Sequence[int]
    ) -> None:
        super().__init__()
        ndim = len(space)
        transpose = nn.ConvTranspose2d if ndim == 2 else nn.ConvTranspose3d
        norm = nn.InstanceNorm2d if ndim == 2 else nn.InstanceNorm3d
        widths = spec.filters

        def double(channels: int, width: int, at: Sequence[int]) -> nn.Sequential:
            layers: list[nn.Module] = []
            for c in (channels, width):
                layers += [conv(c, width, 3, spec.padding, at), norm(width), nn.ReLU()]
            return nn.Sequential(*layers)

        self.first = double(in_channels, widths[0], space)
        self.pools, self.downs = nn.ModuleList(), nn.ModuleList()
        self.ups, self.joins = nn.ModuleList(), nn.ModuleList()
        spacing = spec.spacing(space)
        for finer, coarser in pairwise(widths):
            stride, coarse = halving(space, spacing)
            spacing = coarsened(spacing, stride)
            # A transposed kernel of 4 at stride 2 doubles a side, one of 3 at stride 1 keeps it.
            kernel: Any = tuple(4 if s == 2 else 3 for s in stride)
            steps: Any = stride
            self.pools.append(pool("max", stride, ndim))
            self.downs.append(double(finer, coarser, coarse))
            self.ups.append(transpose(coarser, finer, kernel, steps, padding=1))
            self.joins.append(double(2 * finer, finer, space))
            space = coarse
        self.last = nn.Sequential(conv(widths[0], out_channels, 1, "zero", space), nn.Sigmoid())

    def forward(self, z: Tensor) -> Tensor:
        features = [self.first(z)]
        for shrink, down in zip(self.pools, self.downs, strict=True):
            features.append(down(shrink(features[-1])))
        x = features.pop()
        for up, join in zip(reversed(self.ups), reversed(self.joins), strict=True):
            finer = features.pop()
            x = join(torch.cat([crop(up(x), finer.shape[2:]), finer], dim=1))
        out: Tensor = self.last(x)
        return out


class ResidualBlock(nn.Module):
    """Two convolutions whose output is added to their input."""

    def __init__(self, width: int, space: Sequence[int]) -> None:
        super().__init__()
        ndim = len(space)
        self.body = nn.Sequential(
            conv(width, width, 3, "zero", space, bias=False),
            batch_norm(width, ndim),
            nn.LeakyReLU(0.2),
            conv(width, width, 3, "zero", space, bias=False),
            batch_norm(width, ndim),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


class ResNet(Network, nn.Sequential):
    """Residual blocks at full resolution, one for each entry of `filters`, all equally wide."""

    name = "resnet"

    def __init__(
        self, spec: NetworkSpec, in_channels: int, out_channels: int, space: Sequence[int]
    ) -> None:
        ndim, width = len(space), spec.filters[0]
        super().__init__(
            conv(in_channels, width, 3, spec.padding, space),
            nn.LeakyReLU(0.2),
            *(ResidualBlock(width, space) for _ in spec.filters),
            conv(width, width, 3, spec.padding, space),
            batch_norm(width, ndim),
            conv(width, out_channels, 3, spec.padding, space),
            nn.Sigmoid(),
        )

    @classmethod
    def check(cls, spec: NetworkSpec) -> None:
        if len(set(spec.filters)) > 1:
            raise ValueError(f"filters: a ResNet's blocks are equally wide, not {spec.filters}")


class Pixels(Network, nn.Module):
    """No network: the pixels themselves are optimised, from mid-grey."""

    name = "pixels"
    can_shuffle = False

    def __init__(
        self, spec: NetworkSpec, in_channels: int, out_channels: int, space: Sequence[int]
    ) -> None:
        super().__init__()
        self.image = nn.Parameter(torch.full((1, out_channels, *space), 0.5))

    def forward(self, z: Tensor) -> Tensor:
        return self.image


class ShuffledNetwork(nn.Module):
    """A network at 1/f of the resolution between a pixel-unshuffle and a pixel-shuffle.

    A standard network does three quarters of its arithmetic at the finest level, which at half the
    resolution has a quarter of the pixels, and nothing of z is lost.
    """

    def __init__(
        self, spec: NetworkSpec, in_channels: int, out_channels: int, space: Sequence[int]
    ) -> None:
        super().__init__()
        self.factors = spec.shuffle_factors(space)
        blocks = math.prod(self.factors)
        coarse = [math.ceil(n / f) for n, f in zip(space, self.factors, strict=True)]
        depth, *_, across = self.factors
        inner = replace(spec, shuffle=1, anisotropy=spec.anisotropy * depth / across)
        self.network = build_network(inner, in_channels * blocks, out_channels * blocks, coarse)

    def forward(self, z: Tensor) -> Tensor:
        space = z.shape[2:]
        missing = [-n % f for n, f in zip(space, self.factors, strict=True)]
        if any(missing):
            widths = [w for m in reversed(missing) for w in (0, m)]
            z = F.pad(z, widths, mode="replicate")
        return crop(shuffle(self.network(unshuffle(z, self.factors)), self.factors), space)
