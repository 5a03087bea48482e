"""Safeguards of a fit: the average of its outputs, and the return to a state before a jump."""

from __future__ import annotations

import copy
import math
from statistics import median

import torch
from torch import Tensor, nn


class ExponentialAverage:
    """The exponential average of images: average <- weight * average + (1 - weight) * x.

    Source: arXiv 1711.10925, section 3.1 and 4 ("exponential sliding window").

    Parameters
    ----------
    weight
        Weight of the average so far, 0.99 in the paper; 0 keeps the newest image only.
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
        """A copy of the average so far."""
        if self.value is None:
            raise RuntimeError("no image has been averaged yet")
        return self.value.clone()


JUMP = 10**0.5
"""Least ratio of a jump's loss to the recent median (5 dB, as in the authors' code)."""

MOST_JUMPS = 3
"""Number of jumps in a row after which a jump belongs to the fit, and is let through."""


class Backtracking:
    """Returns a fit to its last good state when the loss jumps or is not finite.

    Parameters
    ----------
    network, optimizer, average
        The parts of the state.
    jump
        Least ratio of a jump's loss to the recent median; None for a loss that is no error, whose
        ratios have no meaning.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        average: ExponentialAverage,
        jump: float | None = JUMP,
    ) -> None:
        self.network, self.optimizer, self.average = network, optimizer, average
        self.jump = jump
        self.recent: float | None = None
        self.jumps = 0
        self.failures = 0
        self.save()

    def save(self) -> None:
        """Save the present state."""
        self.weights = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        self.moments = copy.deepcopy(self.optimizer.state_dict())
        self.averaged = None if self.average.value is None else self.average.copy()

    def restore(self) -> None:
        """Go back to the saved state, but keep the present learning rate."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        self.network.load_state_dict(self.weights)
        self.optimizer.load_state_dict(copy.deepcopy(self.moments))
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self.average.value = None if self.averaged is None else self.averaged.clone()

    def inspect(self, losses: list[float]) -> bool:
        """Save the state, or go back, depending on the losses since the last call.

        Returns
        -------
        bool
            Whether the fit went back.
        """
        if not all(map(math.isfinite, losses)):
            self.failures += 1
            self.restore()
            return True
        jumped = (
            self.jump is not None
            and self.recent is not None
            and losses[-1] > self.jump * self.recent
        )
        if jumped and self.jumps < MOST_JUMPS:
            self.jumps += 1
            self.restore()
            return True
        self.jumps = self.failures = 0
        self.recent = median(losses)
        self.save()
        return False
