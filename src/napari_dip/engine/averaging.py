"""The exponential average of outputs: steadier than any one iteration's image."""

from __future__ import annotations

import torch
from torch import Tensor


class ExponentialAverage:
    """average <- weight * average + (1 - weight) * x, from the first x on.

    Parameters
    ----------
    weight
        0 keeps the newest image only; the paper uses 0.99.

    Source: arXiv 1711.10925, section 3.1 and 4 ("exponential sliding window").
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.value: Tensor | None = None

    @torch.no_grad()
    def update(self, x: Tensor) -> None:
        if self.value is None or not self.weight:
            self.value = x.detach().to(torch.float32, copy=True)
        else:
            self.value.lerp_(x.detach().to(torch.float32), 1 - self.weight)

    def copy(self) -> Tensor:
        """The average so far, detached from what later updates do."""
        if self.value is None:
            raise RuntimeError("no image has been averaged yet")
        return self.value.clone()
