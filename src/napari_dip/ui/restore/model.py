"""What a dock knows: evented, without Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.run.model import RunModel


@dataclass
class RestoreModel(RunModel):
    """The form of the Restore dock.

    Attributes
    ----------
    name
        Of the chosen task.
    tasks
        The settings of each task: changing the task back and forth loses nothing.
    tile_size
        Pixels along y and x that are fitted at once; 0 to have it decided.
    folder
        Where what is restored part by part goes; None for a temporary place.
    fits
        Whether memory suffices for a plane or volume as a whole, as far as is known.
    """

    name: str = "denoise"
    tasks: dict[str, Task] = field(default_factory=lambda: {n: t() for n, t in TASKS.items()})
    tile_size: int = 0
    folder: Path | None = None
    fits: bool = True

    @property
    def task(self) -> Task:
        """The chosen task's settings."""
        return self.tasks[self.name]

    @task.setter
    def task(self, task: Task) -> None:
        self.tasks = {**self.tasks, task.name: task}
        self.name = task.name
