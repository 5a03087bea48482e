"""The layers that networks are made of, for 2-D and 3-D data of any size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from napari_dip.engine.networks import Padding

_LEAST_SIDE = 4
"""Least side of an axis that is halved, in pixels: the network keeps its depth for thin stacks and
tiny images, but only their long axes shrink."""

_MOST_SPACING = 1.5
"""Greatest spacing of pixels along an axis that is halved, in units of the closest one."""


def conv(
    in_channels: int,
    out_channels: int,
    kernel: int,
    padding: Padding,
    space: Sequence[int],
    *,
    stride: Sequence[int] | None = None,
    bias: bool = True,
) -> nn.Module:
    """A convolution that keeps the image's size (divided by its stride, rounded up)."""
    ndim = len(space)
    kind = nn.Conv2d if ndim == 2 else nn.Conv3d
    half = kernel // 2
    strides: Any = tuple(stride) if stride is not None else (1,) * ndim
    if padding == "zero" and ndim == 3 and 1 < space[0] < kernel:
        # oneDNN (in torch 2.13, on CPUs with AVX-512) computes wrong bfloat16 gradients of the
        # weights if it has to pad the depth of such a thin volume itself.
        within: Any = (0, half, half)
        plain = kind(in_channels, out_channels, kernel, strides, within, bias=bias)
        return nn.Sequential(Pad((0, 0, 0, 0, half, half), "constant"), plain)
    if padding == "zero" or half == 0:
        return kind(in_channels, out_channels, kernel, strides, half, bias=bias)
    # Reflection needs more pixels than the coarsest levels of tiny images have.
    mode = "reflect" if min(space) > half else "replicate"
    plain = kind(in_channels, out_channels, kernel, strides, bias=bias)
    return nn.Sequential(Pad((half,) * (2 * ndim), mode), plain)


class Pad(nn.Module):
    """`torch.nn.functional.pad` as a layer, for any number of dimensions."""

    def __init__(self, widths: tuple[int, ...], mode: str) -> None:
        super().__init__()
        self.widths = widths
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.widths, mode=self.mode)


def batch_norm(channels: int, ndim: int) -> nn.Module:
    """Batch normalisation for 2-D or 3-D data."""
    return nn.BatchNorm2d(channels) if ndim == 2 else nn.BatchNorm3d(channels)


def pool(kind: Literal["average", "max"], stride: Sequence[int], ndim: int) -> nn.Module:
    """Average or maximum pooling for 2-D or 3-D data."""
    # ceil_mode: odd sides are rounded up, as by a strided convolution.
    size: Any = tuple(stride)
    if kind == "average":
        if ndim == 2:
            return nn.AvgPool2d(size, size, ceil_mode=True)
        return nn.AvgPool3d(size, size, ceil_mode=True)
    if ndim == 2:
        return nn.MaxPool2d(size, size, ceil_mode=True)
    return nn.MaxPool3d(size, size, ceil_mode=True)


def halving(
    space: Sequence[int], spacing: Sequence[float]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The strides of one level, and the sides after it.

    Parameters
    ----------
    space
        Sides before the level, in pixels.
    spacing
        Spacing of the pixels along each axis. Slices that lie far apart are not halved before the
        pixels of a slice are as far apart.
    """
    near = _MOST_SPACING * min(spacing)
    stride = tuple(
        2 if side >= _LEAST_SIDE and apart <= near else 1
        for side, apart in zip(space, spacing, strict=True)
    )
    return stride, tuple(math.ceil(n / s) for n, s in zip(space, stride, strict=True))


def coarsened(spacing: Sequence[float], stride: Sequence[int]) -> tuple[float, ...]:
    """The spacing of the pixels after strides."""
    return tuple(d * s for d, s in zip(spacing, stride, strict=True))


def unshuffle(x: Tensor, factors: Sequence[int]) -> Tensor:
    """Move each block of pixels into channels: (B, C, *n) to (B, C * prod(f), *n / f)."""
    batch, channels, *space = x.shape
    split = [n for side, f in zip(space, factors, strict=True) for n in (side // f, f)]
    coarse = [side // f for side, f in zip(space, factors, strict=True)]
    axes = range(len(factors))
    order = [0, 1, *(3 + 2 * a for a in axes), *(2 + 2 * a for a in axes)]
    blocks = channels * math.prod(factors)
    return x.reshape(batch, channels, *split).permute(order).reshape(batch, blocks, *coarse)


def shuffle(x: Tensor, factors: Sequence[int]) -> Tensor:
    """The inverse of `unshuffle`."""
    batch, blocks, *coarse = x.shape
    ndim = len(factors)
    order = [0, 1, *(i for a in range(ndim) for i in (2 + ndim + a, 2 + a))]
    space = [n * f for n, f in zip(coarse, factors, strict=True)]
    channels = blocks // math.prod(factors)
    return (
        x.reshape(batch, channels, *factors, *coarse)
        .permute(order)
        .reshape(batch, channels, *space)
    )


def crop(x: Tensor, space: Sequence[int]) -> Tensor:
    """The first `space` pixels of each axis."""
    for axis, side in enumerate(space, start=2):
        x = x.narrow(axis, 0, side)
    return x
