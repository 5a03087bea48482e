"""Priors beside, or instead of, the network's structure."""

from __future__ import annotations

import torch
from torch import Tensor


def total_variation(x: Tensor) -> Tensor:
    """Isotropic total variation, as a mean over pixels.

    Parameters
    ----------
    x
        (1, C, *space).

    Returns
    -------
    Tensor
        A scalar: the mean length of the forward-difference gradient. A tiny constant under the
        root keeps its derivative finite where the image is flat.
    """
    squares = torch.zeros_like(x)
    for axis in range(2, x.ndim):
        last = x.narrow(axis, x.shape[axis] - 1, 1)
        squares = squares + torch.diff(x, dim=axis, append=last).square()
    return (squares + 1e-8).sqrt().mean()
