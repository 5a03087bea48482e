"""The results of the public functions, and the updates that a restoration gives on its way."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from napari_dip._version import __version__
from napari_dip.data.reading import Note, ReadingRecord
from napari_dip.tasks.base import Task

if TYPE_CHECKING:
    from napari_dip.engine.fit import Weights


Array = NDArray[Any]


class Result(ABC):
    """What every run returns, be it of one image, of many files or a study.

    Attributes
    ----------
    stop_reason
        Why the run ended: "budget" (all was done), "rule" (the stopping rule was met), "cancelled",
        "diverged", or "failed" (some of many tiles or files).
    seconds
        The time that the run took.
    warnings
        What a person should know about the settings and the result, a line each.
    notes
        What was left out, changed or assumed when image and inputs were read.

    Examples
    --------
    >>> from napari_dip import Restoration, Result
    >>> issubclass(Restoration, Result)
    True
    """

    stop_reason: str
    seconds: float
    warnings: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the run was neither cancelled nor did it fail or diverge."""
        return self.stop_reason in ("budget", "rule")

    @abstractmethod
    def report(self) -> dict[str, Any]:
        """Everything but the pixels, as JSON values."""


@dataclass(frozen=True)
class Restoration(Result):
    """A restored image, and how it was made.

    Attributes
    ----------
    image
        The restored image, with the axes, dtype and units of the given one.
    images
        All images of the task by name, "image" first. Detail enhancement adds "coarse" and
        "detail". The setting `uncertainty` adds "uncertainty", the standard deviation of each
        pixel over the runs. "detail" and "uncertainty" are float32, in the units of the image.
    task
        The task with the settings that were used, nothing left open.
    stop_reason
        "budget", "rule" (the stopping rule was met), "cancelled" or "diverged".
    iterations, seconds
        The iterations and the time of all runs together.
    history
        A dict for each update: iteration, seconds, loss, and psnr if there is a reference.
    psnr, ssim, input_psnr
        Scores of the restored image, and PSNR of the given one, against the reference; None
        without one. PSNR is over all pixels and channels.
    estimated_psnr, estimated_input_psnr
        The same scores without a reference, estimated from the image alone: right to about 1.5 dB
        (`docs/performance.md`). None where nothing can be told.
    seed, device, data_range, peak_memory_mb, version
        The conditions under which it was made.
    weights
        The weights of each run's network, if they were kept.
    filled
        The part of the image that was missing and is filled, for inpainting; else None.
    readings
        The reading records of the files that it was made from.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import Denoise, restore
    >>> image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    >>> result = restore(image, Denoise(iterations=2, filters=(4,)), device="cpu")
    >>> result.image.dtype, result.is_complete
    (dtype('uint8'), True)
    >>> report = result.report()
    >>> report["task"], report["iterations"], report["settings"]["filters"]
    ('denoise', 2, (4,))
    """

    image: Array
    images: dict[str, Array] = field(repr=False)
    task: Task
    stop_reason: str
    iterations: int
    seconds: float
    history: list[dict[str, float]] = field(repr=False)
    psnr: float | None
    ssim: float | None
    input_psnr: float | None
    seed: int
    device: str
    data_range: float
    peak_memory_mb: float
    version: str = __version__
    weights: tuple[Weights, ...] = field(default=(), repr=False)
    warnings: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    readings: tuple[ReadingRecord, ...] = ()
    filled: float | None = None
    estimated_psnr: float | None = None
    estimated_input_psnr: float | None = None

    def report(self) -> dict[str, Any]:
        """Everything but the pixels, as JSON values."""
        return {
            "task": self.task.name,
            "settings": self.task.to_dict(),
            "preset": self.task.preset,
            "seed": self.seed,
            "device": self.device,
            "dtype": str(self.image.dtype),
            "shape": list(self.image.shape),
            "iterations": self.iterations,
            "stop_reason": self.stop_reason,
            "seconds": self.seconds,
            "peak_memory_mb": _finite(self.peak_memory_mb),
            "data_range": self.data_range,
            "psnr": _finite(self.psnr),
            "ssim": _finite(self.ssim),
            "input_psnr": _finite(self.input_psnr),
            "estimated_psnr": _finite(self.estimated_psnr),
            "estimated_input_psnr": _finite(self.estimated_input_psnr),
            "history": [{k: _finite(v) for k, v in entry.items()} for entry in self.history],
            "version": self.version,
            "filled": self.filled,
            "warnings": list(self.warnings),
            "notes": [note.to_dict() for note in self.notes],
            "reading": [record.to_dict() for record in self.readings],
        }


@dataclass(frozen=True)
class Update:
    """The progress of a restoration.

    Attributes
    ----------
    iteration, iterations
        The iterations done so far, and at most, over all runs.
    seconds
        The time since the start.
    loss
        The loss of the latest iteration; None before the first one, and without a fit.
    image
        The image that would be returned now, in the units of the given one.
    psnr
        The PSNR of this image in dB, if there is a reference.
    result
        The result, on the last update only.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import Denoise, prepare
    >>> job = prepare(np.arange(256.0).reshape(16, 16), Denoise(iterations=2, filters=(4,)))
    >>> *_, last = job.run()
    >>> last.iteration, last.iterations, last.result.stop_reason
    (2, 2, 'budget')
    """

    iteration: int
    iterations: int
    seconds: float
    loss: float | None
    image: Array = field(repr=False)
    psnr: float | None = None
    result: Restoration | None = None


def estimate_words(psnr: float | None, given: float | None) -> str:
    """What is said of an estimated PSNR, in dB, and that of the given image; empty for none.

    Examples
    --------
    >>> estimate_words(31.24, 20.31), estimate_words(31.24, None), estimate_words(None, None)
    ('estimated PSNR 31 dB (given 20 dB)', 'estimated PSNR 31 dB', '')
    """
    if psnr is None:
        return ""
    before = "" if given is None else f" (given {given:.0f} dB)"
    return f"estimated PSNR {psnr:.0f} dB{before}"


def filled_words(filled: float | None) -> str:
    """How much of an image inpainting fills, for summaries; empty for other tasks.

    Examples
    --------
    >>> filled_words(0.0526), filled_words(0.00002), filled_words(None)
    ('fills 5.3 % of the image', 'fills less than 0.1 % of the image', '')
    """
    if filled is None:
        return ""
    percent = 100 * filled
    return f"fills {f'{percent:.1f}' if percent >= 0.05 else 'less than 0.1'} % of the image"


def _finite(value: float | None) -> float | None:
    """JSON has neither infinity (the PSNR of equal images) nor NaN: they become null."""
    return value if value is not None and math.isfinite(value) else None
