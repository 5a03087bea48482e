"""What is given beside an image, checked against it: mask, guide and point spread function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.errors import UserError
from napari_dip.images import Encoding, encode
from napari_dip.value_range import Extent

if TYPE_CHECKING:
    import torch

Array = NDArray[Any]


def mask_tensor(mask: Array, encoding: Encoding) -> torch.Tensor:
    """Where pixels are missing, (1 or channels, *space), bool."""
    import torch

    if mask.dtype.kind not in "biuf":
        raise UserError(f"mask: {mask.dtype} values can't mark pixels; use zero and non-zero")
    laid_out = encoding.match(mask)
    if laid_out is None:
        raise UserError(
            f"mask: its shape {mask.shape} is not the image's {encoding.shape}; "
            "make it as large as the image"
        )
    return torch.from_numpy(np.ascontiguousarray(laid_out != 0))


def guide_tensor(
    guide: Array, encoding: Encoding, axes: str | None = None, extent: Extent | None = None
) -> torch.Tensor:
    """The guide's samples as (1, channels, *space); parameters as in `encode`."""
    try:
        if axes is None and guide.shape == encoding.shape:
            axes = encoding.axes
        y, _, _ = encode(guide, axes, extent)
    except UserError as error:
        raise UserError(str(error).replace("image:", "guide:", 1)) from error
    if tuple(y.shape[1:]) != encoding.sides:
        raise UserError(
            f"guide: its shape {guide.shape} does not match the image's {encoding.shape}; "
            "align and crop the two pictures to one size"
        )
    return y[None]


def psf_tensor(psf: Array, encoding: Encoding, space: tuple[int, ...]) -> torch.Tensor:
    """The point spread function, (*sides), float32."""
    import torch

    if psf.dtype.kind not in "iuf" or not np.isfinite(psf).all():
        raise UserError("psf: it has values that are not finite numbers")
    if psf.ndim != len(space):
        raise UserError(
            f"psf: it has {psf.ndim} axes, but the image has {len(space)} of space "
            f"({encoding.space}); give one for each"
        )
    if any(k > n for k, n in zip(psf.shape, space, strict=True)):
        raise UserError(
            f"psf: {psf.shape} is larger than the image {space}; crop it to where it is not zero"
        )
    if (psf < 0).any() or psf.sum() <= 0:
        raise UserError("psf: it must be non-negative with a sum above 0")
    return torch.from_numpy(psf.astype(np.float32))
