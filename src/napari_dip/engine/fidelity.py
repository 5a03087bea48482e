"""Data terms: how far the predicted measurement A x is from the one that was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch.nn.functional as F
from torch import Tensor

Fidelity: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""fidelity(prediction, y): both (1, C, *space), to a scalar."""


def squared_error(prediction: Tensor, y: Tensor) -> Tensor:
    """||A x - y||^2 as a mean over all pixels and channels (masked ones count as zero error)."""
    return F.mse_loss(prediction, y)
