"""The one loop: fit a network's weights to one measurement."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_dip.engine.architectures import build_network
from napari_dip.engine.device import memory_format, resolve_precision
from napari_dip.engine.inputs import FreshNoise, PooledNoise
from napari_dip.engine.losses import squared_error, total_variation
from napari_dip.engine.memory import memory_errors, memory_needed
from napari_dip.engine.problem import FitSettings, Problem
from napari_dip.engine.safeguards import JUMP, Backtracking, ExponentialAverage
from napari_dip.engine.stopping import StopDecision
from napari_dip.errors import UserError

CHECK_EVERY = 10
"""Iterations between looks at the loss: each look waits for the GPU."""


MOST_FAILURES = 8
"""Times in a row that a non-finite loss is recovered from, the learning rate halved each time."""


Weights: TypeAlias = Mapping[str, Tensor]
"""A network's weights and statistics by name, on the CPU."""


class StopReason(StrEnum):
    """Why a fit ended."""

    BUDGET = "budget"
    RULE = "rule"
    CANCELLED = "cancelled"
    DIVERGED = "diverged"


class FitState:
    """The live state of one fit: network, optimiser, average, and how to advance them.

    Parameters
    ----------
    problem, settings
        What is fitted, and how.
    seed
        Of weights, input and perturbations.
    device
        Where.
    weights
        To start from, of a fit with the same network; drawn from the seed if not given.
    """

    def __init__(
        self,
        problem: Problem,
        settings: FitSettings,
        seed: int,
        device: torch.device,
        weights: Weights | None = None,
    ) -> None:
        if settings.r2r and settings.input.kind != "image":
            raise ValueError("r2r: expected the noisy image as input, got an input of another kind")
        self.settings, self.device = settings, device
        self.fidelity = problem.fidelity
        self.operator = problem.operator.to(device)
        self.y = problem.y.to(device)
        shape = problem.noise_shape
        self.noise_shape = None if shape is None else shape.to(device)
        self.dtype = resolve_precision(settings.precision, device)
        with torch.random.fork_rng(devices=[]):
            # Weights and z are drawn on the CPU, so that all devices start from the same ones.
            # (torch.manual_seed would seed the GPUs' generators too, which are the caller's.)
            torch.default_generator.manual_seed(seed)
            generator = torch.Generator().manual_seed(seed)
            z = settings.input.make(problem.image_shape, generator, problem.guide)
            channels = z.shape[1], self.y.shape[1]
            network = build_network(settings.network, *channels, problem.image_shape)
        if weights is not None:
            network.load_state_dict(weights)
        layout = memory_format(settings.layout, self.y.ndim - 2)
        self.network = network.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.z = z.to(device, memory_format=layout)
        noise = FreshNoise if settings.fresh_noise else PooledNoise
        generator = torch.Generator(device).manual_seed(seed)
        self.noise = noise(self.z, settings.input_noise, generator, settings.noise_correlation)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), settings.learning_rate, fused=device.type != "mps"
        )
        self.average = ExponentialAverage(settings.average)
        jump = JUMP if problem.has_optimum else None
        self.backtracking = Backtracking(self.network, self.optimizer, self.average, jump)
        self.watch = settings.stopping.start() if settings.stopping else None
        self.best: Tensor | None = None
        self.loss: Tensor
        self.losses: list[Tensor] = []  # since the last check
        self.slowdown = 1.0

    def forward(self, z: Tensor) -> Tensor:
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            out: Tensor = self.network(z)
            return out

    def cycle_spin(self, z: Tensor, iteration: int) -> Tensor:
        """The network's image, with a shuffled network's block grid elsewhere at each iteration.

        Blocks of shuffle x shuffle pixels would leave a faint grid in flat areas; moving the image
        under it averages it away (cycle spinning, Coifman and Donoho 1995). It is moved by growing,
        not by rolling: its border would be in blocks with the opposite one. Where z is no picture
        but noise, each shift would be another picture to learn.
        """
        factors = self.settings.network.shuffle_factors(z.shape[2:])
        if max(factors) == 1 or self.settings.input.kind != "image":
            return self.forward(z)
        widths: list[int] = []
        shown: list[slice] = []
        for factor, side in zip(factors, z.shape[2:], strict=True):
            # All shifts of a block, one after another. By how much the picture grows does not
            # depend on the shift, so that the network always sees one size.
            iteration, shift = divmod(iteration, factor)
            grows = factor if factor > 1 else 0
            widths = [shift, grows - shift, *widths]  # of the last axis first
            shown.append(slice(shift, shift + side))
        grown = F.pad(z, widths, mode="replicate")
        return self.forward(grown)[:, :, *shown]

    def step(self, iteration: int) -> None:
        """One iteration: perturb z, compute the loss, update the weights and the average."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate(iteration) * self.slowdown
        self.optimizer.zero_grad(set_to_none=True)
        noise = self.noise()
        if noise is not None and self.noise_shape is not None:
            noise = noise * self.noise_shape
        z = self.z if noise is None else self.z + noise
        self.output = self.cycle_spin(z, iteration).float()
        target = self.y
        if self.settings.r2r and noise is not None:
            target = self.operator(self.y - self.settings.r2r * noise)
        loss = self.fidelity(self.operator(self.output), target)
        if self.settings.total_variation:
            loss = loss + self.settings.total_variation * total_variation(self.output)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.average.update(self.output)
        self.loss = loss.detach()
        self.losses.append(self.loss)

    def terminate(self, iteration: int) -> StopReason | None:
        """Look after the fit: go back when it breaks, ask the rule whether to stop."""
        if iteration % CHECK_EVERY == 0 or iteration in (1, self.settings.iterations):
            losses = torch.stack(self.losses).tolist()
            self.losses = []
            went_back = self.backtracking.inspect(losses)
            if self.backtracking.failures > MOST_FAILURES:
                return StopReason.DIVERGED
            if went_back:
                if not all(map(math.isfinite, losses)):
                    self.slowdown /= 2
                return None  # the newest output is not this state's: nothing to judge
        if self.watch and iteration % self.watch.interval == 0 and self.average.value is not None:
            verdict = self.watch.update(
                iteration, self.output.detach(), self.average.copy, self.residual
            )
            if verdict is StopDecision.BEST:
                self.best = self.average.copy()
            elif verdict is StopDecision.STOP:
                return StopReason.RULE
        return None

    @torch.no_grad()
    def residual(self) -> float:
        """The averaged image's mean squared residual."""
        return float(squared_error(self.operator(self.average.copy()), self.y))

    def last_loss(self) -> float:
        return float(self.loss)

    def weights(self) -> Weights:
        """Weights and statistics as they are, copied to the CPU."""
        state = self.network.state_dict()
        return {name: value.to("cpu", copy=True) for name, value in state.items()}

    def image(self) -> Tensor:
        if self.average.value is None:
            raise UserError(
                "learning_rate: the loss is not a finite number from the start; "
                "lower it, or use precision=float32"
            )
        chosen = self.average.copy() if self.best is None else self.best
        if not chosen.isfinite().all() and self.backtracking.averaged is not None:
            chosen = self.backtracking.averaged  # broken since the last check
        return self.operator.crop_to_visible(chosen)[0].cpu().clone()


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
    spread
        Of several runs: the standard deviation of their images, like `image`; on the last progress
        and only there, once two runs have ended.
    weights
        Of each run's network, to start a similar fit from; on the last progress and only there.
    """

    iteration: int
    iterations: int
    seconds: float
    loss: float
    image: Tensor
    stop_reason: StopReason | None = None
    spread: Tensor | None = None
    weights: tuple[Weights, ...] = field(default=(), repr=False)


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
    weights: Weights | None = None,
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
    weights
        To start from (a warm start), of a fit with the same network on a similar problem.

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
        run = FitState(problem, settings, seed, device, weights)
        start = time.perf_counter()

        def progress(iteration: int, reason: StopReason | None = None) -> Progress:
            seconds = time.perf_counter() - start
            loss, image = run.last_loss(), run.image()
            kept = () if reason is None else (run.weights(),)
            return Progress(
                iteration, settings.iterations, seconds, loss, image, reason, weights=kept
            )

        reason = StopReason.BUDGET
        iteration = 0
        # The first iteration always runs: there is no image before it.
        while iteration < settings.iterations:
            if iteration and should_stop():
                reason = StopReason.CANCELLED
                break
            run.step(iteration)
            iteration += 1
            stopped = run.terminate(iteration)
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
    weights: Sequence[Weights] = (),
) -> Iterator[Progress]:
    """Several fits with different seeds, one after another, and the mean of their images.

    Its parameters are those of `fit`, and `runs`; iterations and seconds count over all runs. From
    the second run on, progress shows the mean of the finished runs: an unfinished one would only
    spoil it. `weights` has those to start from for each run, or for none.
    """
    finished: list[Tensor] = []
    kept: list[Weights] = []
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
            weights=weights[run] if weights else None,
        ):
            kept += last.weights
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
                spread=torch.stack(shown).std(dim=0) if is_over and len(shown) > 1 else None,
                weights=tuple(kept) if is_over else (),
            )
        if last is None or last.stop_reason is StopReason.CANCELLED:
            return
        finished.append(last.image)
        done += last.iteration
        seconds += last.seconds
