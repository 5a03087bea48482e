"""The loop: fit a network's weights to one measurement.

`fit` is the only place that iterates. It yields progress and never prints, draws or writes; what
watches, pauses or stops a fit does so from outside.

Source: Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", IJCV 2020 (arXiv 1711.10925).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from napari_dip.engine.averaging import ExponentialAverage
from napari_dip.engine.backtracking import Backtracking
from napari_dip.engine.devices import (
    WORTH_COMPILING,
    Compilation,
    Precision,
    can_compile,
    compiled,
    estimate_memory,
    memory_errors,
    resolve_precision,
)
from napari_dip.engine.fidelity import Fidelity, squared_error
from napari_dip.engine.inputs import FreshNoise, InputSpec, PooledNoise
from napari_dip.engine.networks import NetworkSpec
from napari_dip.engine.physics import Operator
from napari_dip.engine.priors import total_variation
from napari_dip.engine.stopping import Stopping, Verdict
from napari_dip.errors import UserError

Schedule: TypeAlias = Literal["constant", "one-cycle"]

CHECK_EVERY = 10
"""Iterations between looks at the loss: each look waits for the GPU."""

COMPILE_AT = 8
"""Eager iterations before compiling, so that there is an image to show while it builds."""

MOST_FAILURES = 8
"""Times in a row that a non-finite loss is recovered from, the learning rate halved each time."""


class StopReason(StrEnum):
    """Why a fit ended."""

    BUDGET = "budget"
    RULE = "rule"
    CANCELLED = "cancelled"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class Problem:
    """What is fitted.

    Attributes
    ----------
    y
        The measurement, (1, C, *space), about [0, 1].
    operator
        A, from the image to the measurement.
    guide
        For an input of kind "image": (1, any channels, *domain).
    fidelity
        The data term.
    """

    y: Tensor
    operator: Operator
    guide: Tensor | None = None
    fidelity: Fidelity = squared_error

    @property
    def domain(self) -> tuple[int, ...]:
        """The sides of the image that is fitted."""
        return self.operator.domain(self.y.shape[2:])


@dataclass(frozen=True)
class FitSettings:
    """How it is fitted.

    Attributes
    ----------
    network, input
        The network and its input z.
    iterations
        The budget.
    learning_rate
        Adam's; with "one-cycle" its peak.
    schedule
        "constant", or "one-cycle": a cosine up over 30 % of the iterations and down to zero.
    input_noise
        sigma_p, the standard deviation of the perturbation of z at each iteration.
    fresh_noise
        Draw the perturbation anew at each iteration, as the paper does, or cut it from a pool.
    recorruption
        Subtract this much of the perturbation from the target: with the noisy image as input and
        sigma^2 / sigma_p^2 here, input and target have independent noise, so the fit learns no
        noise however long it goes on. Source: Pang et al., "Recorrupted-to-Recorrupted", CVPR 2021.
    average
        Weight of the exponential average of outputs, 0 for none.
    total_variation
        Weight of a TV prior beside the data term.
    stopping
        A rule that may end the fit before its budget.
    precision, compilation
        Number format of convolutions; whether torch.compile may be used.
    """

    network: NetworkSpec
    input: InputSpec
    iterations: int
    learning_rate: float = 0.01
    schedule: Schedule = "constant"
    input_noise: float = 1 / 30
    fresh_noise: bool = True
    recorruption: float = 0.0
    average: float = 0.99
    total_variation: float = 0.0
    stopping: Stopping | None = None
    precision: Precision = "float32"
    compilation: Compilation = "never"

    def rate(self, iteration: int) -> float:
        """The learning rate of an iteration, counted from 0."""
        if self.schedule == "constant":
            return self.learning_rate
        warm = max(1, 3 * self.iterations // 10)
        if iteration < warm:
            part = (1 - math.cos(math.pi * (iteration + 1) / warm)) / 2
        else:
            part = (1 + math.cos(math.pi * (iteration - warm) / (self.iterations - warm))) / 2
        return self.learning_rate * max(part, 1e-3)


@dataclass(frozen=True)
class Progress:
    """Where a fit is.

    Attributes
    ----------
    iteration, iterations
        Done, and the budget.
    seconds
        Since the fit began.
    loss
        Of the last iteration.
    image
        What would be returned now: (C, *sides) float32 on the CPU, a copy of its own.
    stop_reason
        Set on the last progress of a fit, and only there.
    """

    iteration: int
    iterations: int
    seconds: float
    loss: float
    image: Tensor
    stop_reason: StopReason | None = None


def never() -> bool:
    """Nothing asks the fit to stop."""
    return False


def fit(
    problem: Problem,
    settings: FitSettings,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    report_every: int = 10,
    should_stop: Callable[[], bool] = never,
) -> Iterator[Progress]:
    """Fit a network to one measurement, yielding progress as it goes.

    Parameters
    ----------
    problem, settings
        What is fitted, and how.
    seed
        The same seed on the same device gives the same image.
    device
        The CPU if not given.
    report_every
        Iterations between progress; the first and the last iteration always report.
    should_stop
        Asked before each iteration; true ends the fit with what there is. It may block, which
        pauses the fit.

    Yields
    ------
    Progress
        At least once; the last one has a `stop_reason`.

    Raises
    ------
    OutOfMemory
        With the remedy in its message.
    UserError
        When the loss is not finite from the start.
    """
    device = device or torch.device("cpu")
    with memory_errors(memory_needed(problem, settings, device)):
        run = _Run(problem, settings, seed, device)
        start = time.perf_counter()

        def progress(iteration: int, reason: StopReason | None = None) -> Progress:
            seconds = time.perf_counter() - start
            loss, image = run.last_loss(), run.image()
            return Progress(iteration, settings.iterations, seconds, loss, image, reason)

        reason = StopReason.BUDGET
        iteration = 0
        # The first iteration always runs: there is no image before it.
        while iteration < settings.iterations:
            if iteration and should_stop():
                reason = StopReason.CANCELLED
                break
            run.step(iteration)
            iteration += 1
            if iteration == COMPILE_AT:
                run.compile_if_worthwhile()
            stopped = run.check(iteration)
            if stopped:
                reason = stopped
                break
            if iteration == 1 or (
                iteration % report_every == 0 and iteration < settings.iterations
            ):
                yield progress(iteration)
        yield progress(iteration, reason)


def fit_mean(
    problem: Problem,
    settings: FitSettings,
    *,
    runs: int = 1,
    seed: int = 0,
    device: torch.device | None = None,
    report_every: int = 10,
    should_stop: Callable[[], bool] = never,
) -> Iterator[Progress]:
    """Several fits with different seeds, one after another, and the mean of their images.

    Its parameters are those of `fit`, and `runs`; iterations and seconds count over all runs. From
    the second run on, progress shows the mean of the finished runs: an unfinished one would only
    spoil it.
    """
    finished: list[Tensor] = []
    done, seconds = 0, 0.0
    for run in range(runs):
        last = None
        for last in fit(
            problem,
            settings,
            seed=seed + run,
            device=device,
            report_every=report_every,
            should_stop=should_stop,
        ):
            is_over = last.stop_reason is StopReason.CANCELLED or (
                last.stop_reason is not None and run + 1 == runs
            )
            if last.stop_reason not in (None, StopReason.CANCELLED) or not finished:
                shown = [*finished, last.image]
            else:
                shown = finished
            yield replace(
                last,
                iteration=done + last.iteration,
                iterations=done + (runs - run) * settings.iterations,
                seconds=seconds + last.seconds,
                image=torch.stack(shown).mean(dim=0),
                stop_reason=last.stop_reason if is_over else None,
            )
        if last is None or last.stop_reason is StopReason.CANCELLED:
            return
        finished.append(last.image)
        done += last.iteration
        seconds += last.seconds


def memory_needed(problem: Problem, settings: FitSettings, device: torch.device) -> int:
    """Bytes that a fit is expected to take at its peak."""
    guide = problem.guide
    ndim = len(problem.domain)
    channels = {
        "noise": settings.input.channels,
        "meshgrid": ndim,
        "image": 0 if guide is None else guide.shape[1],
    }[settings.input.kind]
    dtype = resolve_precision(settings.precision, device)
    return estimate_memory(settings.network, channels, problem.y.shape[1], problem.domain, dtype)


class _Run:
    """The live state of one fit: network, optimiser, average, and how to advance them."""

    def __init__(
        self, problem: Problem, settings: FitSettings, seed: int, device: torch.device
    ) -> None:
        if settings.recorruption and settings.input.kind != "image":
            raise ValueError("recorruption: it splits an input that is the noisy image itself")
        self.settings, self.device = settings, device
        self.fidelity = problem.fidelity
        self.operator = problem.operator.to(device)
        self.y = problem.y.to(device)
        self.dtype = resolve_precision(settings.precision, device)
        with torch.random.fork_rng(devices=[]):
            # Weights and z are drawn on the CPU, so that all devices start from the same ones.
            torch.manual_seed(seed)
            generator = torch.Generator().manual_seed(seed)
            z = settings.input.make(problem.domain, generator, problem.guide)
            network = settings.network.build(z.shape[1], self.y.shape[1], problem.domain)
        layout = torch.contiguous_format
        if self.dtype != torch.float32 and self.y.ndim == 4:
            layout = torch.channels_last
        self.module = network.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.network: Callable[[Tensor], Tensor] = self.module
        self.z = z.to(device, memory_format=layout)
        noise = FreshNoise if settings.fresh_noise else PooledNoise
        self.noise = noise(self.z, settings.input_noise, torch.Generator(device).manual_seed(seed))
        self.optimizer = torch.optim.Adam(
            self.module.parameters(), settings.learning_rate, fused=device.type != "mps"
        )
        self.average = ExponentialAverage(settings.average)
        self.backtracking = Backtracking(self.module, self.optimizer, self.average)
        self.watch = settings.stopping.start() if settings.stopping else None
        self.best: Tensor | None = None
        self.losses: list[Tensor] = []
        self.slowdown = 1.0

    def forward(self, z: Tensor) -> Tensor:
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return self.network(z)

    def step(self, iteration: int) -> None:
        """One iteration: perturb z, compute the loss, update the weights and the average."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate(iteration) * self.slowdown
        self.optimizer.zero_grad(set_to_none=True)
        noise = self.noise()
        self.output = self.forward(self.z if noise is None else self.z + noise).float()
        target = self.y
        if self.settings.recorruption and noise is not None:
            target = self.operator(self.y - self.settings.recorruption * noise)
        loss = self.fidelity(self.operator(self.output), target)
        if self.settings.total_variation:
            loss = loss + self.settings.total_variation * total_variation(self.output)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.average.update(self.output)
        self.losses.append(loss.detach())

    def check(self, iteration: int) -> StopReason | None:
        """Look after the fit: go back when it breaks, ask the rule whether to stop."""
        if iteration % CHECK_EVERY == 0 or iteration in (1, self.settings.iterations):
            losses = torch.stack(self.losses).tolist()
            self.losses = self.losses[-1:]
            if self.backtracking.inspect(losses) and not math.isfinite(losses[-1]):
                self.slowdown /= 2
            if self.backtracking.failures > MOST_FAILURES:
                return StopReason.DIVERGED
        if self.watch and iteration % self.watch.interval == 0 and self.average.value is not None:
            verdict = self.watch.look(iteration, self.output.detach(), self.residual)
            if verdict is Verdict.BEST:
                self.best = self.average.copy()
            elif verdict is Verdict.STOP:
                return StopReason.RULE
        return None

    @torch.no_grad()
    def residual(self) -> float:
        """The averaged image's mean squared residual."""
        return float(squared_error(self.operator(self.average.copy()), self.y))

    def compile_if_worthwhile(self) -> None:
        work = self.settings.iterations * math.prod(self.output.shape[2:])
        if self.settings.compilation == "never" or work < WORTH_COMPILING:
            return
        if can_compile(self.device):
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                self.network = compiled(self.module, self.z)

    def last_loss(self) -> float:
        return float(self.losses[-1])

    def image(self) -> Tensor:
        if self.average.value is None:
            raise UserError(
                "learning_rate: the loss is not a finite number from the start; "
                "lower it, or use precision=float32"
            )
        chosen = self.average.copy() if self.best is None else self.best
        return self.operator.visible(chosen)[0].cpu().clone()
