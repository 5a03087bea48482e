"""Which part of an image is restored, and in which parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, FileEdit, SpinBox
from magicgui.widgets.bases import ValueWidget
from napari.layers import Image, Labels, Shapes
from psygnal import Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_dip.tasks.base import Task
from napari_dip.ui.layers.source import finest_level
from napari_dip.ui.run.model import Action, Region, StackScope
from napari_dip.ui.widgets.rows import Rows

if TYPE_CHECKING:
    from napari import Viewer


SMALL = 512
"""Pixels along the longest side of an image that nobody wants to cut."""


KINDS = {"region": Region, "scope": StackScope}


class Parts(QWidget):
    """Region, stack, block, and where what is restored in parts goes.

    Parameters
    ----------
    rectangles
        Gives the layers that may hold a rectangle.
    divides
        Whether an image may be restored in several parts, one after another.
    """

    changed = Signal(str, object)
    """(name, value): a field of the model."""

    def __init__(self, rectangles: Callable[[ComboBox], list[Any]], *, divides: bool) -> None:
        super().__init__()
        self._divides, self._is_divided = divides, False
        self._image: Image | None = None
        self._rows = Rows()
        self.widgets = self._rows.widgets
        self._words = QLabel()
        self._words.setWordWrap(True)
        self._words.setToolTip("What is fitted together, and what is not")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._rows)
        layout.addWidget(self._words)
        region = ComboBox(
            name="region",
            label="Region",
            tooltip="How much of the image; a small region is a quick try before the full run",
            choices=[(str(r), r) for r in Region],
        )
        rectangle = ComboBox(
            name="rectangle",
            label="in",
            tooltip="The Shapes layer with the rectangle; the selected shape counts, or the last",
            nullable=True,
            choices=rectangles,
        )
        scope = ComboBox(
            name="scope",
            label="Stack",
            tooltip="The slice that is shown, the whole volume with 3-D convolutions, or all of "
            "them one after another, each from the weights of the last: a movie's frames, say",
            choices=self._scopes,
        )
        self._followed = (rectangle, scope)
        for widget in (region, rectangle, scope, *(_dividing() if divides else ())):
            self._rows.add(widget)
            widget.changed.connect(partial(self._emit, widget.name))
        self._show_rows()

    def reset_choices(self) -> None:
        """Follow the layers."""
        for widget in self._followed:
            widget.reset_choices()

    def emit_all(self) -> None:
        """Say what is chosen."""
        for name, widget in self.widgets.items():
            self._emit(name, widget.value)

    def show_image(self, image: Image | None) -> None:
        """Offer what an image has."""
        if image is not self._image:
            self._image = image
            self.widgets["scope"].reset_choices()
        self._show_rows()

    def show_partition(self, words: str, is_divided: bool) -> None:
        """Show what is fitted together, and whether the result goes to a folder."""
        self._words.setText(words)
        self._is_divided = is_divided
        self._show_rows()

    def _emit(self, name: str, value: Any) -> None:
        # PySide6 gives a StrEnum back as plain text.
        kind = KINDS.get(name)
        self.changed.emit(name, value if kind is None else kind(value))
        self._show_rows()

    def _show_rows(self) -> None:
        rows, image = self._rows, self._image
        rows.set_visible("rectangle", self.widgets["region"].value == Region.RECTANGLE)
        rows.set_visible("scope", image is not None and image.ndim > 2)
        if self._divides:
            longest = 0 if image is None else max(finest_level(image).shape[: image.ndim])
            rows.set_visible("tile_size", longest > SMALL or bool(self.widgets["tile_size"].value))
            rows.set_visible("folder", self._is_divided)
        self._words.setVisible(bool(self._words.text()))

    def _scopes(self, _widget: ComboBox) -> list[tuple[str, StackScope]]:
        """What a stack of so many axes can be divided into."""
        ndim = 3 if self._image is None else self._image.ndim
        fit = [e for e in StackScope if ndim >= 2 + e.is_volume + e.is_looped]
        return [(str(e), e) for e in fit if self._divides or not e.is_looped]


def _dividing() -> tuple[ValueWidget[Any], ...]:
    return (
        SpinBox(
            name="tile_size",
            label="Block",
            max=10**5,
            tooltip="Pixels along y and x that are fitted at once; blocks overlap and are blended. "
            "0: as a whole up to 2048 pixels and as far as memory suffices, else in blocks of "
            "1024, in 3-D of 256",
        ),
        FileEdit(
            name="folder",
            label="Results in",
            mode="d",
            nullable=True,
            tooltip="A folder for the result, an OME-Zarr; a run that was stopped goes on there. "
            "Empty: a temporary one, which lives as long as the layer: save it to keep it",
        ),
    )


ROLES: dict[str, tuple[str, tuple[type, ...], str]] = {
    "image": ("Image", (Image,), "The image to restore"),
    "mask": (
        "Mask",
        (Labels, Shapes),
        "What is painted or drawn is missing: it is not learned from, and it is filled in",
    ),
    "guide": ("Flash (guide)", (Image,), "The same scene taken with flash, of the same size"),
    "psf": ("PSF", (Image,), "The point spread function that blurred the image"),
    "reference": (
        "Reference",
        (Image,),
        "The true image, if it is known: PSNR and SSIM are reported. It is not used in the fit",
    ),
}
"""Each role's label, the layers that can play it, and its help."""


OPTIONAL = ("mask", "guide", "psf", "reference")


class Inputs(QWidget):
    """Combos that follow the viewer's layers.

    Parameters
    ----------
    viewer
        Whose layers can be chosen.
    divides
        Whether an image may be restored in several parts.
    """

    changed = Signal(str, object)
    """(name, value): a field of the model."""
    asked = Signal(Action)

    def __init__(self, viewer: Viewer, *, divides: bool = False) -> None:
        super().__init__()
        self._viewer = viewer
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._layers: dict[str, ComboBox] = {}
        for role, (label, kinds, tip) in ROLES.items():
            self._layers[role] = ComboBox(
                name=role,
                label=label,
                tooltip=tip,
                nullable=role in OPTIONAL,
                choices=partial(self._choices, kinds),
            )
        self._rows = Rows()
        for widget in self._layers.values():
            self._rows.add(widget)
            widget.changed.connect(partial(self._emit, widget.name))
        self._parts = Parts(partial(self._choices, (Shapes,)), divides=divides)
        self._parts.changed.connect(self.changed.emit)
        self._new_mask = QPushButton(str(Action.NEW_MASK))
        self._new_mask.setToolTip("Add an empty mask over the image and paint what is missing")
        self._new_mask.clicked.connect(lambda: self.asked.emit(Action.NEW_MASK))
        layout.addWidget(self._rows)
        layout.addWidget(self._new_mask)
        layout.addWidget(self._parts)
        self._roles: frozenset[str] = frozenset({"image", "reference"})
        self._show_rows()

    def reset_choices(self) -> None:
        """Follow the layers; napari calls this when one comes, goes or is renamed."""
        for widget in (*self._layers.values(), self._parts):
            widget.reset_choices()
        self._show_rows()

    def emit_all(self) -> None:
        """Say what is chosen, for a model that is new."""
        for name, widget in self._layers.items():
            self._emit(name, widget.value)
        self._parts.emit_all()

    def choose(self, role: str, layer: Any) -> None:
        """Choose a layer for a role."""
        self._layers[role].value = layer

    def show_task(self, task: Task) -> None:
        """Show the rows that a task has a use for."""
        self.show_roles(("image", "reference", *task.accepts))

    def show_roles(self, roles: Iterable[str]) -> None:
        """Show the rows of these layers; without an image, no part of it either."""
        self._roles = frozenset(roles)
        self._show_rows()

    def _emit(self, name: str, value: Any) -> None:
        self.changed.emit(name, value)
        self._show_rows()

    def show_partition(self, words: str, is_divided: bool) -> None:
        """Show what is fitted together, and whether the result goes to a folder."""
        self._parts.show_partition(words, is_divided)

    def _show_rows(self) -> None:
        for role in self._layers:
            self._rows.set_visible(role, role in self._roles)
        self._new_mask.setVisible("mask" in self._roles)
        self._parts.setVisible("image" in self._roles)
        self._parts.show_image(self._layers["image"].value)

    def _choices(self, kinds: tuple[type, ...], _widget: ComboBox) -> list[Any]:
        return [layer for layer in self._viewer.layers if isinstance(layer, kinds)]


class Computing(QWidget):
    """The device and the seed, and what they amount to."""

    changed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._device = ComboBox(
            name="device",
            label="Device",
            tooltip="auto: a CUDA GPU if there is one, else Apple's MPS, else the CPU",
            choices=["auto", "cpu", "cuda", "mps"],
        )
        self._seed = SpinBox(
            name="seed",
            label="Seed",
            tooltip="The same seed on the same device gives the same image",
            min=0,
            max=2**31 - 1,
        )
        rows = Rows()
        self._estimate = QLabel()
        self._estimate.setWordWrap(True)
        self._estimate.setToolTip("Where the fit would run, and its peak memory to about a third")
        layout.addWidget(rows)
        layout.addWidget(self._estimate)
        for widget in (self._device, self._seed):
            rows.add(widget)
            widget.changed.connect(partial(self.changed.emit, widget.name))

    def show_device(self, device: str) -> None:
        """Show which device is chosen."""
        with self._device.changed.blocked():
            self._device.value = device

    def show_estimate(self, text: str, is_warning: bool) -> None:
        """Show where the fit would run and what it takes."""
        self._estimate.setText(f"⚠ {text}" if is_warning else text)
