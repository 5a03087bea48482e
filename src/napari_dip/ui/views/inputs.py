"""Which layers, which part of them, and where it is computed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, SpinBox
from napari.layers import Image, Labels, Shapes
from psygnal import Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_dip.tasks import Task
from napari_dip.ui.model import Action
from napari_dip.ui.views.parts import Parts
from napari_dip.ui.views.rows import Rows

if TYPE_CHECKING:
    from napari import Viewer

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

    def show_division(self, words: str, is_divided: bool) -> None:
        """Show what is fitted together, and whether the result goes to a folder."""
        self._parts.show_division(words, is_divided)

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
