"""What a dock knows: evented, without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from psygnal import SignalGroupDescriptor

from napari_dip.ui.run.thread import Phase

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Shapes


class Region(StrEnum):
    """How much of the image is restored."""

    WHOLE = "Whole image"
    VIEW = "Field of view"
    RECTANGLE = "Rectangle"


class StackScope(StrEnum):
    """How much of a stack is restored."""

    SLICE = "Current slice"
    VOLUME = "Volume (3-D)"
    SLICES = "All slices, one by one"
    VOLUMES = "All volumes, one by one"

    @property
    def is_volume(self) -> bool:
        """Whether three axes are fitted together."""
        return self in (StackScope.VOLUME, StackScope.VOLUMES)

    @property
    def is_looped(self) -> bool:
        """Whether the other axes are gone through."""
        return self in (StackScope.SLICES, StackScope.VOLUMES)


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
    region, scope
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
    scope: StackScope = StackScope.SLICE
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
