"""`NetworkSpec`, which describes a network, and `NETWORKS`, the kinds of network by name.

A network's structure is the prior. Importing this module does not import torch, so that forms and
the command line can list the kinds of network; `architectures` has the networks themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, TypeVar

from napari_dip.registry import Registry, class_check

Downsampling: TypeAlias = Literal["stride", "average", "max"]
Upsampling: TypeAlias = Literal["bilinear", "nearest"]
Padding: TypeAlias = Literal["reflect", "zero"]

T = TypeVar("T")


def per_level(values: tuple[T, ...], levels: int) -> tuple[T, ...]:
    """One entry for each level: the last entry is repeated, and surplus ones are dropped.

    Examples
    --------
    >>> per_level((4, 8), 4), per_level((4, 8), 1)
    ((4, 8, 8, 8), (4,))
    """
    return (values + values[-1:] * levels)[:levels]


@dataclass(frozen=True)
class NetworkSpec:
    """A description of a network, level by level from the finest to the coarsest.

    Attributes
    ----------
    kind
        A name of `NETWORKS`. "skip": the paper's encoder-decoder with skip connections (an
        hourglass if `skips` are zero). "unet", "resnet": as the paper used them. "pixels": no
        network, the image's pixels are the parameters (the paper's baseline without a deep prior).
    filters
        Filters per level, in the encoder and the decoder (U-Net: one more entry than levels;
        ResNet: one entry per residual block).
    skips
        Filters of each level's skip connection; 0 for no connection.
    kernels_down, kernels_up, kernel_skip
        Kernel sizes, odd.
    downsampling, upsampling
        Method by which a level shrinks the image and enlarges it again; `upsampling` is one for
        all levels or one for each. "bilinear" is trilinear in 3-D.
    padding
        Values that convolutions see beyond the border.
    pointwise
        Whether the decoder has a 1x1 convolution after each level's convolution.
    shuffle
        Factor by which the network works at a lower resolution, between a pixel-unshuffle and a
        pixel-shuffle.
    anisotropy
        Distance between the slices of a volume, in units of the distance between a slice's pixels.
        The number of slices is halved from the level on at which these are as far apart.

    Examples
    --------
    >>> NetworkSpec(filters=(16, 32), skips=(4, 4), kernels_down=(3, 3), kernels_up=(3, 3)).kind
    'skip'
    """

    kind: str = "skip"
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
        if not self.filters or min(self.filters) < 1:
            raise ValueError(f"filters: {self.filters} must name at least one level, each above 0")
        kernels = {
            "kernels_down": self.kernels_down,
            "kernels_up": self.kernels_up,
            "kernel_skip": (self.kernel_skip,),
        }
        for name, sizes in kernels.items():
            if any(k < 1 or k % 2 == 0 for k in sizes):
                raise ValueError(f"{name}: {sizes} must be odd, so that the image keeps its size")
        NETWORKS[self.kind].check(self)

    def upsamplings(self) -> tuple[Upsampling, ...]:
        """One upsampling mode for each level."""
        if isinstance(self.upsampling, str):
            return per_level((self.upsampling,), len(self.filters))
        return self.upsampling

    def spacing(self, space: Sequence[int]) -> tuple[float, ...]:
        """The spacing of the pixels along each axis, in units of that along x."""
        return (self.anisotropy, 1.0, 1.0) if len(space) == 3 else (1.0, 1.0)

    def shuffle_factors(self, space: Sequence[int]) -> tuple[int, ...]:
        """The factor along each axis by which the network works at a lower resolution.

        It is 1 along z: slices are few, and detail changes from one to the next.
        """
        within = tuple(min(self.shuffle, n) for n in space[-2:])
        return (1, *within) if len(space) == 3 else within


class Network:
    """Base of the kinds of network; a subclass also derives from a `torch.nn.Module`.

    Its arguments are a `NetworkSpec`, of which it uses the fields that apply to it, the channels of
    the input z, the channels of the image, and the image's two or three sides in pixels. It maps z,
    (1, channels, *space), to an image in [0, 1] with the same sides.
    """

    name: ClassVar[str]
    """Name of the kind, as the setting `network` takes it."""
    can_shuffle: ClassVar[bool] = True
    """Whether the network may work at a fraction of the resolution (`NetworkSpec.shuffle`)."""

    @classmethod
    def check(cls, spec: NetworkSpec) -> None:
        """Raise a ValueError, whose message begins with the field, if it can't be built so."""


NETWORKS: Registry[type[Network]] = Registry(
    "network",
    lambda network: network.name,
    class_check("network", Network, "name", "forward"),
    {
        "skip": "napari_dip.engine.architectures:SkipNetwork",
        "unet": "napari_dip.engine.architectures:UNet",
        "resnet": "napari_dip.engine.architectures:ResNet",
        "pixels": "napari_dip.engine.architectures:Pixels",
    },
)
"""All kinds of network by name; the package's own are imported when they are asked for."""
