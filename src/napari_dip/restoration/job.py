"""`Job`: a checked restoration, which runs as a generator of updates."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.axes import CHANNELS
from napari_dip.data.encoding import Encoding
from napari_dip.data.metrics import psnr, ssim
from napari_dip.data.reading import Note
from napari_dip.restoration.result import Restoration, Update
from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement

if TYPE_CHECKING:
    import torch

    from napari_dip.engine.fit import Weights
    from napari_dip.engine.problem import Problem
    from napari_dip.tasks.expected_error import ExpectedError


_REPORTS = 190
"""Updates along a fit; with the first and the last of each run there are at most 200."""

Array = NDArray[Any]
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class UpdateWithResult(Protocol[R_co]):
    """An update of a run; only the last one has a result."""

    @property
    def result(self) -> R_co | None: ...


def run_to_end(
    updates: Iterable[UpdateWithResult[R]],
    on_update: Callable[[Any], object] = lambda update: None,
) -> R:
    """Go through all updates of a run and return the result that the last one carries.

    Parameters
    ----------
    updates
        What `Job.run`, `StudyJob.run` or another run yields.
    on_update
        Called with each update.
    """
    result = None
    for update in updates:
        on_update(update)
        result = update.result
    assert result is not None  # every run's last update has its result
    return result


@dataclass(frozen=True)
class Job:
    """A checked restoration that has not started; `prepare` makes one.

    Attributes
    ----------
    image
        The degraded image, as it was given.
    task
        The task with its settings, nothing left open.
    measurement
        The image and the inputs as tensors.
    encoding
        How tensors become arrays like `image`.
    reference
        The true image, if it is known.
    data_range, seed
        As in `restore`.
    device
        The device that the fit will run on.
    warnings
        What a person should know before it runs, a line each.
    notes
        What was left out, changed or assumed when image and inputs were read.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import Denoise, prepare
    >>> job = prepare(np.arange(256.0).reshape(16, 16), Denoise(iterations=2, filters=(4,)))
    >>> [update.iteration for update in job.run()]  # 0: the instant estimate
    [0, 1, 2]
    """

    image: Array = field(repr=False)
    task: Task
    measurement: Measurement = field(repr=False)
    encoding: Encoding = field(repr=False)
    reference: Array | None = field(repr=False)
    data_range: float
    device: torch.device
    seed: int
    warnings: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def memory_needed(self) -> int:
        """The memory in bytes that the fit is expected to take at its peak."""
        from napari_dip.engine.memory import memory_needed

        return memory_needed(self._problem, self.task.fit_settings(self.measurement), self.device)

    @property
    def result_shape(self) -> tuple[int, ...]:
        """The shape of the restored image."""
        import torch

        operator = self.task.operator(self.measurement)
        shape = operator.image_shape(self.measurement.space)
        x = operator.crop_to_visible(torch.empty(1).expand(1, 1, *shape))
        return self.encoding.decoded_shape(x.shape[2:])

    @cached_property
    def _problem(self) -> Problem:
        """The problem to fit, made once: a smooth fill of large holes takes a while."""
        return self.task.problem(self.measurement)

    def run(
        self,
        should_stop: Callable[[], bool] = lambda: False,
        *,
        weights: Sequence[Weights] = (),
        keep_weights: bool = False,
        estimate_error: bool = True,
    ) -> Iterator[Update]:
        """Fit, and yield updates; the last one has the result.

        The first update, of iteration 0 and without a loss, has the task's instant estimate.

        Parameters
        ----------
        should_stop
            Called before each iteration; when it returns True, the fit ends with the image so
            far. It may block, which pauses the fit.
        weights
            The weights to start from, of each run of a similar job with the same network.
        keep_weights
            Whether the result has the weights.
        estimate_error
            Whether the result has an estimate of its PSNR, which takes a second or two.
        """
        from napari_dip.engine.fit import fit_mean

        start = time.perf_counter()
        instant = self.task.instant(self.measurement)
        runs = self.task.runs or 1
        total = runs * (self.task.iterations or 1)
        history: list[dict[str, float]] = []
        if instant is not None:
            seconds = time.perf_counter() - start
            images = self._images(instant)
            image = images["image"]
            steps = (1, 1) if self.task.is_instant else (0, total)
            first = Update(*steps, seconds, None, image, self._psnr(image))
            if self.task.is_instant:
                expected = self._expected(instant) if estimate_error else None
                result = self._result(first, "budget", images, [], (), expected)
                first = replace(first, result=result)
            yield first
        if self.task.is_instant:
            return
        for progress in fit_mean(
            self._problem,
            self.task.fit_settings(self.measurement),
            runs=runs,
            seed=self.seed,
            device=self.device,
            report_every=max(1, math.ceil(total / max(1, _REPORTS - 2 * runs))),
            should_stop=should_stop,
            weights=weights,
        ):
            x = progress.image
            if instant is not None:
                done = min(1.0, progress.iteration / (self.task.iterations or 1))
                x = self.task.blend(x, instant, done)
            if progress.stop_reason is not None:
                x = self.task.refine(x, self.measurement)
            images = self._images(x, progress.spread)
            update = Update(
                iteration=progress.iteration,
                iterations=progress.iterations,
                seconds=progress.seconds,
                loss=progress.loss,
                image=images["image"],
                psnr=self._psnr(images["image"]),
            )
            scores = {} if update.psnr is None else {"psnr": update.psnr}
            history.append(
                {"iteration": update.iteration, "seconds": update.seconds, "loss": progress.loss}
                | scores
            )
            if progress.stop_reason is not None:
                kept = progress.weights if keep_weights else ()
                is_told = estimate_error and progress.stop_reason in ("budget", "rule")
                expected = self._expected(x) if is_told else None
                reason = str(progress.stop_reason)
                result = self._result(update, reason, images, history, kept, expected)
                update = replace(update, result=result)
            yield update

    def result(
        self,
        should_stop: Callable[[], bool] = lambda: False,
        on_progress: Callable[[Update], object] = lambda update: None,
        *,
        weights: Sequence[Weights] = (),
        keep_weights: bool = False,
        estimate_error: bool = True,
    ) -> Restoration:
        """Run to the end; parameters as in `restore` and `run`."""
        updates = self.run(
            should_stop, weights=weights, keep_weights=keep_weights, estimate_error=estimate_error
        )
        return run_to_end(updates, on_progress)

    def _expected(self, x: torch.Tensor) -> ExpectedError | None:
        return self.task.expected_error(x, self.measurement)

    def _result(
        self,
        last: Update,
        stop_reason: str,
        images: dict[str, Array],
        history: list[dict[str, float]],
        weights: tuple[Weights, ...],
        expected: ExpectedError | None,
    ) -> Restoration:
        from napari_dip.engine.memory import peak_memory

        scores: tuple[float | None, float | None] = (None, None)
        if expected is not None:
            scores = expected.psnr(self.measurement.spans, self.data_range)
        return Restoration(
            image=last.image,
            images=images,
            task=self.task,
            stop_reason=stop_reason,
            iterations=last.iteration,
            seconds=last.seconds,
            history=history,
            psnr=last.psnr,
            ssim=self._ssim(last.image),
            input_psnr=self._psnr(self.image),
            estimated_psnr=scores[0],
            estimated_input_psnr=scores[1],
            seed=self.seed,
            device=str(self.device),
            data_range=self.data_range,
            peak_memory_mb=peak_memory(self.device),
            weights=weights,
            warnings=self.warnings,
            notes=self.notes,
            filled=self._filled,
        )

    @property
    def _filled(self) -> float | None:
        """The part of the image that is missing, if the task fills that."""
        if not self.task.fills_missing:
            return None
        return 1 - float(self.measurement.observed.double().mean())

    def _images(self, x: torch.Tensor, spread: torch.Tensor | None = None) -> dict[str, Array]:
        """All images of the task in the user's units, by name."""
        decoded = {
            name: self.encoding.decode(value, relative=name in self.task.differences)
            for name, value in self.task.postprocess(x, self.measurement).items()
        }
        if self.task.keeps_known:
            known = self.encoding.decode_mask(self.measurement.observed[0])
            decoded["image"] = np.where(known, self.image, decoded["image"])
        if self.task.uncertainty and spread is not None:
            decoded["uncertainty"] = self.encoding.decode(spread, relative=True)
        return decoded

    def _psnr(self, image: Array) -> float | None:
        if self.reference is None or image.shape != self.reference.shape:
            return None
        return psnr(image, self.reference, self.data_range)

    def _ssim(self, image: Array) -> float | None:
        if self.reference is None:
            return None
        channel = next((i for i, a in enumerate(self.encoding.axes) if a in CHANNELS), None)
        return ssim(image, self.reference, self.data_range, channel)
