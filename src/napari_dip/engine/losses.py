"""The terms of the loss: the data term, and total variation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Fidelity: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""A data term: a function of the prediction and of y, both (1, C, *space), to a scalar."""


def squared_error(prediction: Tensor, y: Tensor) -> Tensor:
    """||A x - y||^2 as a mean over all pixels and channels; masked pixels have no error."""
    return F.mse_loss(prediction, y)


def total_variation(x: Tensor) -> Tensor:
    """Isotropic total variation, as a mean over pixels.

    Parameters
    ----------
    x
        (1, C, *space).

    Returns
    -------
    Tensor
        A scalar: the mean length of the gradient (forward differences). A tiny constant under the
        root keeps its derivative finite where the image is flat.
    """
    squares = torch.zeros_like(x)
    for axis in range(2, x.ndim):
        last = x.narrow(axis, x.shape[axis] - 1, 1)
        squares = squares + torch.diff(x, dim=axis, append=last).square()
    return (squares + 1e-8).sqrt().mean()
