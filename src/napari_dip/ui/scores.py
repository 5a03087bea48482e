"""Figures for a comparison: PSNR and SSIM against a reference, and the noise that is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.errors import UserError
from napari_dip.images import nominal_range
from napari_dip.metrics import psnr, ssim
from napari_dip.ui.layers import Source, take

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image


@dataclass(frozen=True)
class Picture:
    """The slice of a layer that is on display, not read yet."""

    name: str
    source: Source

    def read(self) -> NDArray[Any]:
        """(y, x) or (y, x, samples)."""
        values = self.source.crop.read()
        others = tuple(i for i in range(len(self.source.shape)) if i not in self.source.space)
        return values.squeeze(axis=others)


@dataclass(frozen=True)
class Score:
    """One picture's figures; None where there is nothing to compare it with."""

    name: str
    psnr: float | None
    ssim: float | None
    noise: float


def picture_of(layer: Image, dims: Dims) -> Picture:
    """What of a layer is compared."""
    return Picture(layer.name, take(layer, dims))


def score(pictures: tuple[tuple[Picture, ...], Picture | None]) -> tuple[Score, ...]:
    """The figures of several pictures, against a reference if there is one.

    Raises
    ------
    UserError
        When one has another shape than the reference.
    """
    compared, reference = pictures
    truth = None if reference is None else reference.read()
    return tuple(_score(picture, truth) for picture in compared)


def same_shape(a: NDArray[Any], b: NDArray[Any], name: str) -> None:
    """Raise a UserError unless two pictures can be compared pixel by pixel."""
    if a.shape != b.shape:
        raise UserError(
            f"compare: {name!r} has the shape {a.shape} and the other {b.shape}; "
            "choose pictures of one shape"
        )


def _score(picture: Picture, truth: NDArray[Any] | None) -> Score:
    from skimage.restoration import estimate_sigma

    image = picture.read()
    channel = 2 if image.ndim == 3 else None
    finite = np.nan_to_num(image.astype(np.float64))
    noise = float(estimate_sigma(finite, channel_axis=channel, average_sigmas=True))
    if truth is None:
        return Score(picture.name, None, None, noise)
    same_shape(image, truth, picture.name)
    black, white = nominal_range(truth.dtype, truth)
    data_range = white - black
    return Score(
        picture.name,
        psnr(image, truth, data_range),
        ssim(image, truth, data_range, channel),
        noise,
    )
