"""The loop: fit a network's weights to one measurement.

`fit` is the only place that iterates. It yields progress and never prints, draws or writes; what
watches, pauses or stops a fit does so from outside.

Source: Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", IJCV 2020 (arXiv 1711.10925).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from napari_dip.engine.devices import memory_errors
from napari_dip.engine.problem import FitSettings, Problem, memory_needed
from napari_dip.engine.run import Run, StopReason, Weights


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
        run = Run(problem, settings, seed, device, weights)
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
