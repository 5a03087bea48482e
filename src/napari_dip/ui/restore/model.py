"""The Restore dock's model, and what its view has to offer; without Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from psygnal import SignalInstance

from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.run.controller import RunView
from napari_dip.ui.run.model import RunModel
from napari_dip.ui.run.timeline import CurvePoint


@dataclass
class RestoreModel(RunModel):
    """The form of the Restore dock.

    Attributes
    ----------
    name
        The name of the chosen task.
    tasks
        The settings of each task: changing the task back and forth loses nothing.
    tile_size
        Side of a tile along y and x in pixels; 0 decides automatically.
    folder
        Where the result of a tiled run goes; None for a temporary folder.
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


class RestoreView(RunView, Protocol):
    """What the Restore dock's view has to offer."""

    changed: SignalInstance
    """(name, value): a field of the model."""
    task_edited: SignalInstance
    """(Task): a setting of the form."""
    iteration_chosen: SignalInstance
    """(iteration, or None for the newest): the timeline's slider."""

    def show_task(self, task: Task) -> None: ...
    def show_device(self, device: str) -> None: ...
    def show_curve(self, points: tuple[CurvePoint, ...], stopped_at: int | None) -> None: ...
    def show_timeline(self, iterations: tuple[int, ...], shown: int | None) -> None: ...
    def show_partition(self, words: str, is_tiled: bool) -> None: ...
    def show_estimate(self, text: str, is_warning: bool) -> None: ...
    def start_painting(self, layer: Any) -> None: ...
    def copy_text(self, text: str) -> None: ...
    def pasted_text(self) -> str: ...
    def remember(self, task: Task) -> None: ...
