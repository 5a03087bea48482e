"""Safeguards of a fit: averaging its outputs, and going back when it destabilises."""

from __future__ import annotations

import copy
import math
from statistics import median

import torch
from torch import Tensor, nn


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


JUMP = 10**0.5
"""A loss this many times the recent median (5 dB, as in the authors' code) is a jump."""


PATIENCE = 3
"""A jump that comes back this often in a row belongs to the fit, and is let through."""


class Backtracking:
    """The last good state of a fit, and the rule when to return to it.

    Parameters
    ----------
    network, optimizer, average
        What is copied and put back.
    jump
        A loss this many times the recent median is a jump; None for losses that are no errors, of
        which ratios say nothing.
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
        """Remember the present state."""
        self.weights = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        self.moments = copy.deepcopy(self.optimizer.state_dict())
        self.averaged = None if self.average.value is None else self.average.copy()

    def restore(self) -> None:
        """Put the remembered state back; the learning rate stays as it is now."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        self.network.load_state_dict(self.weights)
        self.optimizer.load_state_dict(copy.deepcopy(self.moments))
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self.average.value = None if self.averaged is None else self.averaged.clone()

    def inspect(self, losses: list[float]) -> bool:
        """Judge the losses since the last call: save the state, or go back.

        Returns
        -------
        bool
            Whether the state is the old one again.
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
        if jumped and self.jumps < PATIENCE:
            self.jumps += 1
            self.restore()
            return True
        self.jumps = self.failures = 0
        self.recent = median(losses)
        self.save()
        return False
