"""Forward operators A: how an image x becomes the measurement y.

Each is linear. `image_shape` is the shape of the image that a measurement needs, `crop_to_visible`
returns the part of that image that is a result. Shapes: x is (1, C, *image_shape), y is
(1, C, *space).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Operator(nn.Module):
    """A linear map from images to measurements; this one is the identity."""

    def image_shape(self, space: Sequence[int]) -> tuple[int, ...]:
        """Sides of the image that a measurement with sides `space` comes from."""
        return tuple(space)

    def crop_to_visible(self, x: Tensor) -> Tensor:
        """The part of x that is a result; the rest is a border that only explains y."""
        return x

    def forward(self, x: Tensor) -> Tensor:
        return x


class Identity(Operator):
    """y = x: denoising, JPEG clean-up, detail enhancement, flash / no-flash."""


class Mask(Operator):
    """y = m * A x: pixels that were not observed are zero and do not count.

    Parameters
    ----------
    observed
        (*space) boolean, True where the measurement is known.
    inner
        Operator A before the mask; the identity if not given.
    """

    observed: Tensor

    def __init__(self, observed: Tensor, inner: Operator | None = None) -> None:
        super().__init__()
        self.inner = inner if inner is not None else Identity()
        self.register_buffer("observed", observed.to(torch.float32))

    def image_shape(self, space: Sequence[int]) -> tuple[int, ...]:
        return self.inner.image_shape(space)

    def crop_to_visible(self, x: Tensor) -> Tensor:
        return self.inner.crop_to_visible(x)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(x) * self.observed
        return out


def lanczos2(factor: int) -> Tensor:
    """The 1-D Lanczos2 low pass for downsampling by `factor`; its taps sum to 1.

    An even factor has 4 * factor taps (the authors' phase of 0.5), an odd one 4 * factor - 1,
    because its block of pixels has a pixel in the middle.
    """
    taps = 4 * factor - factor % 2
    t = (torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2) / factor
    kernel = torch.sinc(t) * torch.sinc(t / 2)
    return kernel / kernel.sum()


class Downsample(Operator):
    """Low pass and downsampling by integer factors, as one fixed strided convolution.

    A pixel of y lies at the centre of the block of pixels that it stands for. Border pixels are
    repeated outwards. Source: arXiv 1711.10925, section 4 (super-resolution).

    Parameters
    ----------
    factors
        Factor for each axis of space; 1 leaves an axis as it is.
    """

    kernel: Tensor

    def __init__(self, *factors: int) -> None:
        super().__init__()
        if min(factors) < 1:
            raise ValueError(f"factors: {factors} must be at least 1")
        self.factors = factors
        kernel = torch.ones((), dtype=torch.float64)
        for factor in factors:
            kernel = kernel[..., None] * lanczos2(factor)
        self.register_buffer("kernel", kernel.to(torch.float32)[None, None])
        sides = zip(kernel.shape, factors, strict=True)
        self.borders = tuple((taps - factor) // 2 for taps, factor in sides)

    def image_shape(self, space: Sequence[int]) -> tuple[int, ...]:
        return tuple(f * side for f, side in zip(self.factors, space, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        planes = x.reshape(-1, 1, *x.shape[2:])
        if any(self.borders):
            # torch counts from the last axis.
            widths = [width for border in reversed(self.borders) for width in (border, border)]
            planes = F.pad(planes, widths, mode="replicate")
        convolve: Any = F.conv2d if len(self.factors) == 2 else F.conv3d
        out: Tensor = convolve(planes, self.kernel.to(x.dtype), stride=self.factors)
        return out.reshape(*x.shape[:2], *out.shape[2:])


class Blur(Operator):
    """Convolution with a point spread function, by FFT.

    The image is larger than the measurement by the PSF's support: the surroundings of the frame are
    estimated too, so no values have to be assumed there.

    Parameters
    ----------
    psf
        Point spread function, (*sides), non-negative; it is scaled to sum 1. Its centre is its
        middle pixel (side // 2 on each axis).
    """

    psf: Tensor

    def __init__(self, psf: Tensor) -> None:
        super().__init__()
        self.register_buffer("psf", psf.to(torch.float32) / psf.sum())
        self.axes = tuple(range(-psf.ndim, 0))

    def image_shape(self, space: Sequence[int]) -> tuple[int, ...]:
        return tuple(n + k - 1 for n, k in zip(space, self.psf.shape, strict=True))

    def crop_to_visible(self, x: Tensor) -> Tensor:
        for axis, k in zip(self.axes, self.psf.shape, strict=True):
            # Pixel i of y is a sum over x[i : i + k], weighted by the flipped PSF: its centre
            # falls on x[i + k - 1 - k // 2].
            x = x.narrow(axis, k - 1 - k // 2, x.shape[axis] - k + 1)
        return x

    def forward(self, x: Tensor) -> Tensor:
        sides = x.shape[-len(self.axes) :]
        transfer = torch.fft.rfftn(self.psf, s=sides)
        out: Tensor = torch.fft.irfftn(
            torch.fft.rfftn(x.float(), dim=self.axes) * transfer, s=sides
        )
        for axis, k in zip(self.axes, self.psf.shape, strict=True):
            # Only sums that did not wrap around are measurements.
            out = out.narrow(axis, k - 1, out.shape[axis] - k + 1)
        return out


def resize(x: Tensor, space: Sequence[int]) -> Tensor:
    """Resize (1, C, *sides) to new sides, bicubic (trilinear in 3-D), with aligned borders."""
    mode = "bicubic" if len(space) == 2 else "trilinear"
    if tuple(space) == tuple(x.shape[2:]):
        return x
    return F.interpolate(x, size=tuple(space), mode=mode, align_corners=False)
