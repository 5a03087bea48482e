"""Rules that stop a fit before its iteration budget.

A rule looks at the fit every few iterations and says whether to go on. What remembers is made anew
for each fit by `start`, so that the settings stay frozen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor


class StopDecision(Enum):
    """What a rule says of the image it has just seen."""

    CONTINUE = "continue"
    BEST = "best"
    """Go on, and remember this image: it is the best so far."""
    STOP = "stop"
    """Stop and return the best remembered image, or this one if none was."""


class StoppingMonitor(ABC):
    """A rule at work on one fit."""

    interval: int = 10

    @abstractmethod
    def update(
        self,
        iteration: int,
        output: Tensor,
        average: Callable[[], Tensor],
        residual: Callable[[], float],
    ) -> StopDecision:
        """Judge a fit.

        Parameters
        ----------
        iteration
            Iterations done.
        output
            The newest image, (1, C, *domain).
        average
            Gives the averaged image, when asked.
        residual
            Gives the averaged image's mean squared residual, when asked.
        """


class Stopping(ABC):
    """Settings of a rule."""

    @abstractmethod
    def start(self) -> StoppingMonitor:
        """Begin to watch a fit."""


@dataclass(frozen=True)
class Discrepancy(Stopping):
    """Stop when the residual has come down to the noise.

    The image explains the measurement as well as the truth would: ||A x - y||^2 <= sigma^2 per
    pixel; whatever it explains beyond that is noise.

    Attributes
    ----------
    sigma
        The noise's standard deviation, in the fit's units (the image spans [0, 1]).
    """

    sigma: float

    def start(self) -> StoppingMonitor:
        return _DiscrepancyMonitor(self.sigma)


class _DiscrepancyMonitor(StoppingMonitor):
    def __init__(self, sigma: float) -> None:
        self.variance = sigma**2

    def update(
        self,
        iteration: int,
        output: Tensor,
        average: Callable[[], Tensor],
        residual: Callable[[], float],
    ) -> StopDecision:
        return StopDecision.STOP if residual() <= self.variance else StopDecision.CONTINUE


@dataclass(frozen=True)
class WindowedVariance(Stopping):
    """Stop after the outputs' variance over a window of iterations has passed its minimum.

    While the image forms, successive outputs differ because it changes; later they differ because
    noise is being learned. In between the variance is smallest. Source: Wang et al., "Early
    Stopping for Deep Image Prior", TMLR 2023 (arXiv 2112.06074).

    Attributes
    ----------
    window
        Outputs in the window, in looks (one look every `interval` iterations).
    patience
        Looks without a new minimum before stopping.
    start_at
        No minimum counts before this iteration: the first outputs are alike because they are
        all grey.
    interval
        Iterations between looks.
    """

    window: int = 20
    patience: int = 50
    start_at: int = 100
    interval: int = 5

    def start(self) -> StoppingMonitor:
        return _VarianceMonitor(self)


class _VarianceMonitor(StoppingMonitor):
    SAMPLES = 16384
    """Pixels that are compared: enough for a steady variance, few enough to cost nothing."""

    def __init__(self, rule: WindowedVariance) -> None:
        self.rule = rule
        self.interval = rule.interval
        self.seen: list[Tensor] = []
        self.least = float("inf")
        self.waited = 0

    def update(
        self,
        iteration: int,
        output: Tensor,
        average: Callable[[], Tensor],
        residual: Callable[[], float],
    ) -> StopDecision:
        flat = output.flatten()
        step = max(1, flat.numel() // self.SAMPLES)
        self.seen = [*self.seen, flat[::step].clone()][-self.rule.window :]
        if len(self.seen) < self.rule.window or iteration < self.rule.start_at:
            return StopDecision.CONTINUE
        variance = float(torch.stack(self.seen).var(dim=0, correction=0).mean())
        if variance < self.least:
            self.least, self.waited = variance, 0
            return StopDecision.BEST
        self.waited += 1
        return StopDecision.STOP if self.waited > self.rule.patience else StopDecision.CONTINUE


@dataclass(frozen=True)
class Converged(Stopping):
    """Stop when the averaged image no longer changes: for fits that do not learn noise.

    Attributes
    ----------
    interval
        Iterations between looks.
    change
        Root mean square of the change from look to look, of an image that spans [0, 1], below
        which it rests.
    patience
        Looks at rest in a row before stopping.
    start_at
        No rest counts before this iteration: while the learning rate rises there is little change,
        too.
    """

    interval: int
    change: float = 3e-4
    patience: int = 2
    start_at: int = 0

    def start(self) -> StoppingMonitor:
        return _ConvergedMonitor(self)


class _ConvergedMonitor(StoppingMonitor):
    def __init__(self, rule: Converged) -> None:
        self.rule = rule
        self.interval = rule.interval
        self.last: Tensor | None = None
        self.rested = 0

    def update(
        self,
        iteration: int,
        output: Tensor,
        average: Callable[[], Tensor],
        residual: Callable[[], float],
    ) -> StopDecision:
        if iteration < self.rule.start_at:
            return StopDecision.CONTINUE
        image = average()
        if self.last is not None:
            change = float((image - self.last).square().mean().sqrt())
            self.rested = self.rested + 1 if change < self.rule.change else 0
        self.last = image
        return StopDecision.STOP if self.rested >= self.rule.patience else StopDecision.CONTINUE
