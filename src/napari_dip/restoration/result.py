"""The results of the public functions, and the updates that a restoration gives on its way."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from napari_dip._version import __version__
from napari_dip.tasks.base import Task

if TYPE_CHECKING:
    from napari_dip.engine.fit import Weights


Array = NDArray[Any]


class Result(ABC):
    """What every run returns, be it one image, many files or a study.

    Attributes
    ----------
    stop_reason
        Why the run ended: "budget" (all was done), "rule" (a stopping rule was met), "cancelled"
        or "diverged".
    seconds
        How long it took.
    """

    stop_reason: str
    seconds: float

    @property
    def is_complete(self) -> bool:
        """Whether the run ended by itself, neither cancelled nor diverged."""
        return self.stop_reason in ("budget", "rule")

    @abstractmethod
    def report(self) -> dict[str, Any]:
        """Everything but the pixels, as JSON values."""


@dataclass(frozen=True)
class Restoration(Result):
    """What came out, and how.

    Attributes
    ----------
    image
        The restored image, in the axes, dtype and units of the one that was given.
    images
        All images of the task by name, `image` first; detail enhancement adds "coarse" and
        "detail", and the setting `uncertainty` adds "uncertainty", the standard deviation of each
        pixel over the runs (both of these float32, in the image's units).
    task
        The settings that were used, nothing left open.
    stop_reason
        "budget", "rule" (the stopping rule was met), "cancelled" or "diverged".
    iterations, seconds
        Done, over all runs, and their time.
    history
        A dict for each report: iteration, seconds, loss, and psnr where a reference was given.
    psnr, ssim, input_psnr
        Against the reference, None without one. PSNR is over all pixels and channels.
    seed, device, data_range, peak_memory_mb, version
        Where and with what it was made.
    weights
        Of each run's network, where they were asked for.
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
            "history": [{k: _finite(v) for k, v in entry.items()} for entry in self.history],
            "version": self.version,
        }


@dataclass(frozen=True)
class Update:
    """Where a restoration is, in the user's units.

    Attributes
    ----------
    iteration, iterations, seconds, loss
        As in the engine's `Progress`.
    image
        What would be returned now.
    psnr
        Its PSNR, with a reference.
    result
        On the last update, and only there.
    """

    iteration: int
    iterations: int
    seconds: float
    loss: float
    image: Array = field(repr=False)
    psnr: float | None = None
    result: Restoration | None = None


def _finite(value: float | None) -> float | None:
    """JSON has neither infinity (the PSNR of equal images) nor NaN: they become null."""
    return value if value is not None and math.isfinite(value) else None
