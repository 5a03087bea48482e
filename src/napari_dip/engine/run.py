"""One fit's live state, and what one iteration does to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_dip.engine.averaging import ExponentialAverage
from napari_dip.engine.backtracking import JUMP, Backtracking
from napari_dip.engine.devices import memory_format, resolve_precision
from napari_dip.engine.fidelity import squared_error
from napari_dip.engine.inputs import FreshNoise, PooledNoise
from napari_dip.engine.priors import total_variation
from napari_dip.engine.problem import FitSettings, Problem
from napari_dip.engine.stopping import Verdict
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


class Run:
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
        if settings.recorruption and settings.input.kind != "image":
            raise ValueError("recorruption: it splits an input that is the noisy image itself")
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
            z = settings.input.make(problem.domain, generator, problem.guide)
            network = settings.network.build(z.shape[1], self.y.shape[1], problem.domain)
        if weights is not None:
            network.load_state_dict(weights)
        layout = memory_format(settings.layout, self.y.ndim - 2)
        self.network = network.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.z = z.to(device, memory_format=layout)
        noise = FreshNoise if settings.fresh_noise else PooledNoise
        generator = torch.Generator(device).manual_seed(seed)
        self.noise = noise(self.z, settings.input_noise, generator, settings.grain)
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

    def spin(self, z: Tensor, iteration: int) -> Tensor:
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
        self.output = self.spin(z, iteration).float()
        target = self.y
        if self.settings.recorruption and noise is not None:
            target = self.operator(self.y - self.settings.recorruption * noise)
        loss = self.fidelity(self.operator(self.output), target)
        if self.settings.total_variation:
            loss = loss + self.settings.total_variation * total_variation(self.output)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.average.update(self.output)
        self.loss = loss.detach()
        self.losses.append(self.loss)

    def check(self, iteration: int) -> StopReason | None:
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
            verdict = self.watch.look(
                iteration, self.output.detach(), self.average.copy, self.residual
            )
            if verdict is Verdict.BEST:
                self.best = self.average.copy()
            elif verdict is Verdict.STOP:
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
        return self.operator.visible(chosen)[0].cpu().clone()
