"""An estimate of a fit's device and memory, which is worked out in the background.

The first estimate also imports all that a fit needs, long before a person presses Run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from napari_dip.restoration.restore import prepare
from napari_dip.tasks.base import Task
from napari_dip.tasks.denoise import Denoise


@dataclass(frozen=True)
class Question:
    """A task, the channels and sides of an image, and a device."""

    task: Task
    channels: int
    sides: tuple[int, ...]
    device: str


@dataclass(frozen=True)
class Estimate:
    """The device of a fit, its peak memory and the device's memory, in bytes."""

    device: str
    needed: int
    total: int | None

    @property
    def fits(self) -> bool:
        """Whether the device's memory suffices, as far as it is known."""
        return self.total is None or self.needed < self.total

    def __str__(self) -> str:
        memory = f"{self.device}: about {self.needed / 1e9:.1f} GB"
        return memory if self.total is None else f"{memory} of {self.total / 1e9:.0f} GB"


def estimate(question: Question) -> Estimate:
    """Estimate the memory from sizes alone: no pixel is read.

    Raises
    ------
    UserError
        When the settings can't be used, or there is no such device.
    """
    import torch

    from napari_dip.engine.device import resolve_device
    from napari_dip.engine.memory import memory_needed, total_memory
    from napari_dip.tasks.measurement import Measurement

    device = resolve_device(question.device)
    shape = (1, question.channels, *question.sides)
    y = torch.zeros(shape)
    measurement = Measurement(
        y=y,
        observed=torch.ones(shape, dtype=torch.bool),
        guide=y,
        psf=torch.ones((3,) * len(question.sides)),
    )
    # The noise level has no effect on memory, and is costly to estimate.
    task = question.task.replace(sigma=question.task.sigma or 0.1).resolve(measurement)
    needed = memory_needed(task.problem(measurement), task.fit_settings(measurement), device)
    warm_up()
    return Estimate(str(device), needed, total_memory(device))


@cache
def warm_up() -> None:
    """Fit a tiny image once: the first fit of a process imports modules for seconds."""
    # On the CPU: no GPU memory is taken before somebody runs something.
    prepare(np.eye(16, dtype=np.float32), Denoise(iterations=1), device="cpu").result()
