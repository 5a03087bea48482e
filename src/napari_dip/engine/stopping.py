"""Rules that stop a fit before its iteration budget, and `STOPPING_RULES`, all of them by name.

A rule is shown the fit every few iterations and decides whether it goes on. Its settings are
frozen; the monitor that `start` makes for each fit has the state. Importing this module does not
import torch, so that forms and the command line can list the rules.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Self

from napari_dip.registry import Registry, class_check

if TYPE_CHECKING:
    from torch import Tensor

_CHECKS = 40
"""Number of convergence checks per fit."""


class StopDecision(Enum):
    """Answer of a rule to the image that it has just been shown."""

    CONTINUE = "continue"
    BEST = "best"
    """Go on, and remember this image: it is the best so far."""
    STOP = "stop"
    """Stop and return the best remembered image, or this one if none was."""


@dataclass(frozen=True)
class FitSnapshot:
    """A fit after some iteration, as a rule is shown it.

    Attributes
    ----------
    iteration
        Number of iterations done.
    output
        The newest image, (1, C, *image_shape).
    average
        Returns a copy of the averaged image; it is computed only if it is called.
    residual
        Returns the averaged image's mean squared residual; likewise.
    """

    iteration: int
    output: Tensor
    average: Callable[[], Tensor]
    residual: Callable[[], float]


class StoppingMonitor(ABC):
    """The state of a rule during one fit."""

    interval: int = 10
    """Iterations between two updates."""

    @abstractmethod
    def update(self, fit: FitSnapshot) -> StopDecision:
        """Decide whether the fit goes on."""


@dataclass(frozen=True)
class FitFacts:
    """Properties of a fit that a rule may depend on.

    Attributes
    ----------
    iterations
        Iteration budget of the fit.
    sigma
        The noise's standard deviation in units of y; 0 if it was neither given nor estimated.
    observed
        Fraction of the pixels that are known.
    """

    iterations: int
    sigma: float
    observed: float


class StoppingRule(ABC):
    """Settings of a rule; a subclass is a frozen dataclass."""

    name: ClassVar[str]
    """Name of the rule, as the setting `stop` takes it."""
    needs_sigma: ClassVar[bool] = False
    """Whether the noise level has to be estimated if it is not given."""

    @classmethod
    def for_fit(cls, facts: FitFacts) -> Self:
        """The rule with the settings that suit a fit; its default settings unless overridden."""
        return cls()

    @abstractmethod
    def start(self) -> StoppingMonitor:
        """Begin to monitor a fit."""


@dataclass(frozen=True)
class Discrepancy(StoppingRule):
    """Stop when the residual has come down to the noise.

    The image explains the measurement as well as the truth would: ||A x - y||^2 <= sigma^2 per
    pixel; whatever it explains beyond that is noise.

    Attributes
    ----------
    sigma
        The noise's standard deviation, in the fit's units (the image spans [0, 1]).
    """

    name = "sigma"
    needs_sigma = True

    sigma: float

    @classmethod
    def for_fit(cls, facts: FitFacts) -> Self:
        # The squared error is a mean over all pixels; only known ones can add to it.
        return cls(facts.sigma * facts.observed**0.5)

    def start(self) -> StoppingMonitor:
        return _DiscrepancyMonitor(self.sigma)


class _DiscrepancyMonitor(StoppingMonitor):
    def __init__(self, sigma: float) -> None:
        self.variance = sigma**2

    def update(self, fit: FitSnapshot) -> StopDecision:
        return StopDecision.STOP if fit.residual() <= self.variance else StopDecision.CONTINUE


@dataclass(frozen=True)
class WindowedVariance(StoppingRule):
    """Stop after the outputs' variance over a window of iterations has passed its minimum.

    While the image forms, successive outputs differ because it changes; later they differ because
    noise is being learned. In between the variance is smallest. Source: Wang et al., "Early
    Stopping for Deep Image Prior", TMLR 2023 (arXiv 2112.06074).

    Attributes
    ----------
    window
        Number of outputs in the window; one is taken every `interval` iterations.
    patience
        Updates without a new minimum before stopping.
    start_at
        No minimum counts before this iteration: the first outputs are alike because they are
        all grey.
    interval
        Iterations between updates.
    """

    name = "variance"

    window: int = 20
    patience: int = 50
    start_at: int = 100
    interval: int = 5

    def start(self) -> StoppingMonitor:
        return _VarianceMonitor(self)


class _VarianceMonitor(StoppingMonitor):
    SAMPLES = 16384
    """Number of pixels compared: enough for a steady variance, few enough to cost nothing."""

    def __init__(self, rule: WindowedVariance) -> None:
        self.rule = rule
        self.interval = rule.interval
        self.seen: list[Tensor] = []
        self.least = float("inf")
        self.waited = 0

    def update(self, fit: FitSnapshot) -> StopDecision:
        import torch

        flat = fit.output.flatten()
        step = max(1, flat.numel() // self.SAMPLES)
        self.seen = [*self.seen, flat[::step].clone()][-self.rule.window :]
        if len(self.seen) < self.rule.window or fit.iteration < self.rule.start_at:
            return StopDecision.CONTINUE
        variance = float(torch.stack(self.seen).var(dim=0, correction=0).mean())
        if variance < self.least:
            self.least, self.waited = variance, 0
            return StopDecision.BEST
        self.waited += 1
        return StopDecision.STOP if self.waited > self.rule.patience else StopDecision.CONTINUE


@dataclass(frozen=True)
class Converged(StoppingRule):
    """Stop when the averaged image no longer changes: for fits that do not learn noise.

    Attributes
    ----------
    interval
        Iterations between updates.
    change
        Root mean square of the change between updates, of an image that spans [0, 1], below which
        the image is at rest.
    patience
        Updates at rest in a row before stopping.
    start_at
        No rest counts before this iteration: there is little change, too, while the learning rate
        rises.
    """

    name = "converged"

    interval: int
    change: float = 3e-4
    patience: int = 2
    start_at: int = 0

    @classmethod
    def for_fit(cls, facts: FitFacts) -> Self:
        # A longer budget changes the image more slowly; the rate has its peak before a half.
        return cls(max(1, facts.iterations // _CHECKS), start_at=facts.iterations // 2)

    def start(self) -> StoppingMonitor:
        return _ConvergedMonitor(self)


class _ConvergedMonitor(StoppingMonitor):
    def __init__(self, rule: Converged) -> None:
        self.rule = rule
        self.interval = rule.interval
        self.last: Tensor | None = None
        self.rested = 0

    def update(self, fit: FitSnapshot) -> StopDecision:
        if fit.iteration < self.rule.start_at:
            return StopDecision.CONTINUE
        image = fit.average()
        if self.last is not None:
            change = float((image - self.last).square().mean().sqrt())
            self.rested = self.rested + 1 if change < self.rule.change else 0
        self.last = image
        return StopDecision.STOP if self.rested >= self.rule.patience else StopDecision.CONTINUE


STOPPING_RULES: Registry[type[StoppingRule]] = Registry(
    "stopping_rule",
    lambda rule: rule.name,
    class_check("stopping_rule", StoppingRule, "name", "start"),
    (Discrepancy, WindowedVariance, Converged),
)
"""All rules by name; the setting `stop` also takes "auto" (the preset's) and "budget" (none)."""
