"""The model of a dock that runs something: evented, without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from psygnal import SignalGroupDescriptor

from napari_dip.ui.run.thread import Phase

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Shapes


class Region(StrEnum):
    """Which region of the image is restored."""

    WHOLE = "Whole image"
    VIEW = "Field of view"
    RECTANGLE = "Rectangle"


class StackScope(StrEnum):
    """Which slices or volumes of a stack are restored."""

    SLICE = "Current slice"
    VOLUME = "Volume (3-D)"
    SLICES = "All slices, one by one"
    VOLUMES = "All volumes, one by one"

    @property
    def is_volume(self) -> bool:
        """Whether volumes are fitted with 3-D convolutions."""
        return self in (StackScope.VOLUME, StackScope.VOLUMES)

    @property
    def is_looped(self) -> bool:
        """Whether all slices or volumes are restored, one after another."""
        return self in (StackScope.SLICES, StackScope.VOLUMES)


class Action(StrEnum):
    """The buttons of the docks."""

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


_ALLOWED: dict[Phase, frozenset[Action]] = {
    Phase.STARTING: frozenset({Action.PAUSE, Action.STOP, Action.CANCEL}),
    Phase.RUNNING: frozenset({Action.PAUSE, Action.STOP, Action.CANCEL}),
    Phase.PAUSING: frozenset({Action.STOP, Action.CANCEL}),
    Phase.PAUSED: frozenset({Action.RESUME, Action.STOP, Action.CANCEL}),
    Phase.STOPPING: frozenset({Action.CANCEL}),
}
"""The actions that are allowed in the phases of an active run; in all others it is RUN."""


@dataclass
class RunModel:
    """The state of a dock's run, and the layers, device and seed that are chosen for it.

    Attributes
    ----------
    image, mask, guide, psf, reference, rectangle
        The chosen layers.
    region, scope
        Which region of the image is used, and which slices of a stack.
    device, seed
        As in `restore`.
    form_error
        Why the form can't be used; empty if it can.
    phase
        The phase of the run.
    message, is_error
        One line of text for the user, and whether it tells an error.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    image: Image | None = None
    mask: Labels | Shapes | Image | None = None
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
        """The actions that are allowed now."""
        return _ALLOWED.get(self.phase, frozenset({Action.RUN}))

    def say(self, message: str, *, is_error: bool = False) -> None:
        """Replace the message."""
        self.is_error = is_error
        self.message = message
