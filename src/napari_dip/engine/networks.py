"""The networks whose structure is the prior.

One description, `NetworkSpec`, builds each of them for 2-D and 3-D data of any size. Every network
maps an input z of shape (1, channels, *space) to an image of shape (1, channels, *space) in [0, 1].

Source: Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", IJCV 2020 (arXiv 1711.10925), section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from torch import nn

from napari_dip.engine.architectures import Pixels, ResNet, Shuffled, SkipNetwork, UNet
from napari_dip.engine.layers import Padding

Kind: TypeAlias = Literal["skip", "unet", "resnet", "pixels"]
Downsampling: TypeAlias = Literal["stride", "average", "max"]
Upsampling: TypeAlias = Literal["bilinear", "nearest"]


@dataclass(frozen=True)
class NetworkSpec:
    """What a network looks like, level by level from the finest to the coarsest.

    Attributes
    ----------
    kind
        "skip": the paper's encoder-decoder with skip connections (an hourglass where `skips` are
        zero). "unet", "resnet": as the paper used them. "pixels": no network, the image's pixels
        are the parameters (the paper's baseline without a deep prior).
    filters
        Filters per level, in the encoder and the decoder (U-Net: one more entry than levels;
        ResNet: one entry per residual block).
    skips
        Filters of each level's skip connection, 0 for none.
    kernels_down, kernels_up, kernel_skip
        Kernel sizes, odd.
    downsampling, upsampling
        How a level shrinks and grows back. "bilinear" is trilinear in 3-D. `upsampling` is one
        name, or one for each level.
    padding
        What convolutions see beyond the border.
    pointwise
        Whether the decoder has a 1x1 convolution after each level's convolution.
    shuffle
        Work at 1/shuffle of the resolution: pixel-unshuffle in front, pixel-shuffle behind.
    anisotropy
        How many times as far apart as a slice's pixels the slices of a volume are: so much later
        their number is halved.
    """

    kind: Kind = "skip"
    filters: tuple[int, ...] = (128,) * 5
    skips: tuple[int, ...] = (4,) * 5
    kernels_down: tuple[int, ...] = (3,) * 5
    kernels_up: tuple[int, ...] = (3,) * 5
    kernel_skip: int = 1
    downsampling: Downsampling = "stride"
    upsampling: Upsampling | tuple[Upsampling, ...] = "bilinear"
    padding: Padding = "reflect"
    pointwise: bool = True
    shuffle: int = 1
    anisotropy: float = 1.0

    def __post_init__(self) -> None:
        levels = len(self.filters)
        if not levels or min(self.filters) < 1:
            raise ValueError(f"filters: {self.filters} must name at least one level, each above 0")
        kernels = {
            "kernels_down": self.kernels_down,
            "kernels_up": self.kernels_up,
            "kernel_skip": (self.kernel_skip,),
        }
        for name, sizes in kernels.items():
            if any(k < 1 or k % 2 == 0 for k in sizes):
                raise ValueError(f"{name}: {sizes} must be odd, so that the image keeps its size")
        if self.kind == "resnet" and len(set(self.filters)) > 1:
            raise ValueError(f"filters: a ResNet's blocks are equally wide, not {self.filters}")
        if self.kind != "skip":
            return
        per_level: tuple[tuple[str, Sequence[Any]], ...] = (
            ("skips", self.skips),
            ("kernels_down", self.kernels_down),
            ("kernels_up", self.kernels_up),
            ("upsampling", self.upsamplings()),
        )
        for name, values in per_level:
            if len(values) != levels:
                raise ValueError(
                    f"{name}: {len(values)} entries, but filters has {levels} levels; "
                    "give one entry for each level"
                )

    def upsamplings(self) -> tuple[Upsampling, ...]:
        """One upsampling mode for each level."""
        if isinstance(self.upsampling, str):
            return (self.upsampling,) * len(self.filters)
        return self.upsampling

    def spacing(self, space: Sequence[int]) -> tuple[float, ...]:
        """How far apart pixels are along each axis."""
        return (self.anisotropy, 1.0, 1.0) if len(space) == 3 else (1.0, 1.0)

    def shuffle_factors(self, space: Sequence[int]) -> tuple[int, ...]:
        """By how much less than the image's the resolution is at which the network works.

        Slices are few, and detail changes from one to the next: z keeps its resolution.
        """
        within = tuple(min(self.shuffle, n) for n in space[-2:])
        return (1, *within) if len(space) == 3 else within

    def build(self, in_channels: int, out_channels: int, space: Sequence[int]) -> nn.Module:
        """Make the network, with PyTorch's default random weights.

        Parameters
        ----------
        in_channels, out_channels
            Channels of z and of the image.
        space
            The image's sides in pixels, two or three of them.
        """
        if self.kind == "pixels":
            return Pixels(out_channels, space)
        if self.shuffle > 1:
            return Shuffled(self, in_channels, out_channels, space)
        if self.kind == "unet":
            return UNet(self, in_channels, out_channels, space)
        if self.kind == "resnet":
            return ResNet(self, in_channels, out_channels, space)
        return SkipNetwork(self, in_channels, out_channels, space)
