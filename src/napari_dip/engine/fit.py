"""The loop of a fit, which optimises a network's weights for one measurement."""

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
from napari_dip.engine.stopping import FitSnapshot, StopDecision
from napari_dip.errors import UserError

CHECK_EVERY = 10
"""Iterations between checks of the loss: each check waits for the GPU."""

MOST_FAILURES = 8
"""Most recoveries in a row from a loss that is not finite; each halves the learning rate."""

Weights: TypeAlias = Mapping[str, Tensor]
"""A network's weights and statistics by name, on the CPU."""


class StopReason(StrEnum):
    """Reason why a fit ended."""

    BUDGET = "budget"
    RULE = "rule"
    CANCELLED = "cancelled"
    DIVERGED = "diverged"


class FitState:
    """The state of one fit (network, optimiser, average), and its iteration.

    Parameters
    ----------
    problem, settings
        The problem, and the settings of its fit.
    seed
        Seed of weights, input and perturbations.
    device
        Device of the fit.
    weights
        Weights to start from, of a fit with the same network; drawn from the seed if not given.
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
        self.monitor = settings.stopping.start() if settings.stopping else None
        self.best: Tensor | None = None
        self.loss: Tensor
        self.losses: list[Tensor] = []  # since the last check
        self.slowdown = 1.0

    def forward(self, z: Tensor) -> Tensor:
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            out: Tensor = self.network(z)
            return out

    def cycle_spin(self, z: Tensor, iteration: int) -> Tensor:
        """The network's image, for which z is shifted by another amount in each iteration.

        A network that works on blocks of shuffle x shuffle pixels would leave a faint grid in flat
        areas, which the average over all shifts removes (cycle spinning, Coifman and Donoho 1995).
        z is padded rather than rolled, so that no block has pixels of opposite borders. A z of
        noise is not shifted: each shift of it would be another image to learn.
        """
        factors = self.settings.network.shuffle_factors(z.shape[2:])
        if max(factors) == 1 or self.settings.input.kind != "image":
            return self.forward(z)
        widths: list[int] = []
        inside: list[slice] = []
        for factor, side in zip(factors, z.shape[2:], strict=True):
            # All shifts of a block take turns. The padded size does not depend on the shift.
            iteration, shift = divmod(iteration, factor)
            added = factor if factor > 1 else 0
            widths = [shift, added - shift, *widths]  # the last axis comes first
            inside.append(slice(shift, shift + side))
        padded = F.pad(z, widths, mode="replicate")
        return self.forward(padded)[:, :, *inside]

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
        """Go back if the fit breaks, and decide whether it ends."""
        if iteration % CHECK_EVERY == 0 or iteration in (1, self.settings.iterations):
            losses = torch.stack(self.losses).tolist()
            self.losses = []
            went_back = self.backtracking.inspect(losses)
            if self.backtracking.failures > MOST_FAILURES:
                return StopReason.DIVERGED
            if went_back:
                if not all(map(math.isfinite, losses)):
                    self.slowdown /= 2
                return None  # the newest output is not of this state
        if (
            self.monitor
            and iteration % self.monitor.interval == 0
            and self.average.value is not None
        ):
            output = self.output.detach()
            decision = self.monitor.update(
                FitSnapshot(iteration, output, self.average.copy, self.residual)
            )
            if decision is StopDecision.BEST:
                self.best = self.average.copy()
            elif decision is StopDecision.STOP:
                return StopReason.RULE
        return None

    @torch.no_grad()
    def residual(self) -> float:
        """The averaged image's mean squared residual."""
        return float(squared_error(self.operator(self.average.copy()), self.y))

    def last_loss(self) -> float:
        return float(self.loss)

    def weights(self) -> Weights:
        """A copy of the weights and statistics on the CPU."""
        state = self.network.state_dict()
        return {name: value.to("cpu", copy=True) for name, value in state.items()}

    def image(self) -> Tensor:
        """The image that would be returned now: (C, *sides) float32, a copy on the CPU."""
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
    """The progress of a fit.

    Attributes
    ----------
    iteration, iterations
        Iterations done, and the budget.
    seconds
        Time since the fit began.
    loss
        Loss of the last iteration.
    image
        Image that would be returned now: (C, *sides) float32, a copy on the CPU.
    stop_reason
        Reason why the fit ended; None before its last progress.
    spread
        Standard deviation of the runs' images, like `image`; None before the last progress, and
        with fewer than two runs.
    weights
        Weights of each run's network, for a warm start; empty before the last progress.
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
    """Return False: a fit with this `should_stop` is not stopped."""
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
    """Fit a network to one measurement.

    Parameters
    ----------
    problem, settings
        The problem, and the settings of its fit.
    seed
        Seed of all random numbers: the same seed on the same device gives the same image.
    device
        Device of the fit; the CPU if not given.
    report_every
        Iterations between two progresses; the first and the last iteration are always reported.
    should_stop
        Called before each iteration; if it returns True, the fit ends. It may block, which pauses
        the fit.
    weights
        Weights to start from (a warm start), of a fit with the same network on a similar problem.

    Yields
    ------
    Progress
        At least one; the last one has a `stop_reason`.

    Raises
    ------
    OutOfMemory
        When the device has too little memory.
    UserError
        When the loss is not finite from the start.

    Examples
    --------
    >>> from napari_dip.engine.inputs import InputSpec
    >>> from napari_dip.engine.networks import NetworkSpec
    >>> from napari_dip.engine.operators import Identity
    >>> network = NetworkSpec("resnet", (4,))
    >>> problem = Problem(torch.rand(1, 3, 16, 16), Identity())
    >>> *_, last = fit(problem, FitSettings(network, InputSpec(), iterations=2))
    >>> last.image.shape, last.stop_reason.value
    (torch.Size([3, 16, 16]), 'budget')
    """
    device = device or torch.device("cpu")
    with memory_errors(memory_needed(problem, settings, device)):
        state = FitState(problem, settings, seed, device, weights)
        start = time.perf_counter()

        def progress(iteration: int, reason: StopReason | None = None) -> Progress:
            seconds = time.perf_counter() - start
            loss, image = state.last_loss(), state.image()
            kept = () if reason is None else (state.weights(),)
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
            state.step(iteration)
            iteration += 1
            stopped = state.terminate(iteration)
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
    """Run several fits with different seeds, one after another, and average their images.

    The parameters are those of `fit`, and the number of runs; `weights` has those of each run, or
    none. Iterations and seconds count over all runs. From the second run on, the image is the mean
    of the finished runs.
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
