"""What a dock knows: evented, without Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from psygnal import SignalGroupDescriptor

from napari_dip.tasks import TASKS, Task
from napari_dip.ui.worker import Phase

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Shapes


class Region(StrEnum):
    """How much of the image is restored."""

    WHOLE = "Whole image"
    VIEW = "Field of view"
    RECTANGLE = "Rectangle"


class Extent(StrEnum):
    """How much of a stack is restored."""

    SLICE = "Current slice"
    VOLUME = "Volume (3-D)"
    SLICES = "All slices, one by one"
    VOLUMES = "All volumes, one by one"

    @property
    def is_volume(self) -> bool:
        """Whether three axes are fitted together."""
        return self in (Extent.VOLUME, Extent.VOLUMES)

    @property
    def is_each(self) -> bool:
        """Whether the other axes are gone through."""
        return self in (Extent.SLICES, Extent.VOLUMES)


class Action(StrEnum):
    """What a person can ask for with a button."""

    RUN = "Run"
    PAUSE = "Pause"
    RESUME = "Resume"
    STOP = "Stop and keep"
    CANCEL = "Cancel"
    NEW_MASK = "New mask layer"
    COPY = "Copy settings"
    PASTE = "Paste settings"
    FROM_LAYER = "From layer"
    KEEP = "Keep this one"
    STACK = "All as a stack"
    LOAD = "Load"


STEERING: dict[Phase, frozenset[Action]] = {
    Phase.STARTING: frozenset({Action.PAUSE, Action.STOP, Action.CANCEL}),
    Phase.RUNNING: frozenset({Action.PAUSE, Action.STOP, Action.CANCEL}),
    Phase.PAUSING: frozenset({Action.STOP, Action.CANCEL}),
    Phase.PAUSED: frozenset({Action.RESUME, Action.STOP, Action.CANCEL}),
    Phase.STOPPING: frozenset({Action.CANCEL}),
}
"""What can be asked of a run in each phase; in the others, a new run."""


@dataclass
class RunModel:
    """A run's state, and the layers, device and seed that it is to have.

    Attributes
    ----------
    image, mask, guide, psf, reference, rectangle
        The chosen layers.
    region, extent
        How much of the image is used.
    device, seed
        As in `restore`.
    form_error
        Why the form can't be used, or nothing.
    phase
        Of the run.
    message
        What there is to say, one line; `is_error` when it is what went wrong.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    image: Image | None = None
    mask: Labels | Shapes | None = None
    guide: Image | None = None
    psf: Image | None = None
    reference: Image | None = None
    rectangle: Shapes | None = None
    region: Region = Region.WHOLE
    extent: Extent = Extent.SLICE
    device: str = "auto"
    seed: int = 0
    form_error: str = ""
    phase: Phase = Phase.IDLE
    message: str = ""
    is_error: bool = False

    @property
    def allowed(self) -> frozenset[Action]:
        """What can be asked of the run now."""
        return STEERING.get(self.phase, frozenset({Action.RUN}))

    def say(self, message: str, *, is_error: bool = False) -> None:
        """Replace the message."""
        self.is_error = is_error
        self.message = message


@dataclass
class RestoreModel(RunModel):
    """The form of the Restore dock.

    Attributes
    ----------
    name
        Of the chosen task.
    tasks
        The settings of each task: changing the task back and forth loses nothing.
    block_size
        Pixels along y and x that are fitted at once; 0 to have it decided.
    folder
        Where what is restored part by part goes; None for a temporary place.
    fits
        Whether memory suffices for a plane or volume as a whole, as far as is known.
    """

    name: str = "denoise"
    tasks: dict[str, Task] = field(default_factory=lambda: {n: t() for n, t in TASKS.items()})
    block_size: int = 0
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


def as_dict(task: Task) -> dict[str, Any]:
    """A task's settings as they are copied, remembered and read by `task_from_dict`."""
    return {"task": task.name, **task.to_dict()}
