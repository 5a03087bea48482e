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
from napari_dip.ui.model import Action, Extent, Region
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
    """Combos that follow the viewer's layers."""

    changed = Signal(str, object)
    """(name, value): a field of the model."""
    asked = Signal(Action)

    def __init__(self, viewer: Viewer) -> None:
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
        self._rectangle = ComboBox(
            name="rectangle",
            label="in",
            tooltip="The Shapes layer with the rectangle; the selected shape counts, or the last",
            nullable=True,
            choices=partial(self._choices, (Shapes,)),
        )
        self._region = ComboBox(
            name="region",
            label="Region",
            tooltip="How much of the image; a small region is a quick try before the full run",
            choices=[(str(r), r) for r in Region],
        )
        self._extent = ComboBox(
            name="extent",
            label="Stack",
            tooltip="The slice that is shown, or the whole volume with 3-D convolutions",
            choices=[(str(e), e) for e in Extent],
        )
        self._rows, self._parts = Rows(), Rows()
        for rows, widgets in (
            (self._rows, self._layers.values()),
            (self._parts, (self._region, self._rectangle, self._extent)),
        ):
            for widget in widgets:
                rows.add(widget)
                widget.changed.connect(partial(self._emit, widget.name))
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
        for widget in (*self._layers.values(), self._rectangle):
            widget.reset_choices()
        self._show_rows()

    def emit_all(self) -> None:
        """Say what is chosen, for a model that is new."""
        for name, widget in (self._rows.widgets | self._parts.widgets).items():
            self._emit(name, widget.value)

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
        # PySide6 gives a StrEnum back as plain text.
        kind = {"region": Region, "extent": Extent}.get(name)
        self.changed.emit(name, value if kind is None else kind(value))
        self._show_rows()

    def _show_rows(self) -> None:
        for role in self._layers:
            self._rows.set_visible(role, role in self._roles)
        self._new_mask.setVisible("mask" in self._roles)
        self._parts.setVisible("image" in self._roles)
        self._parts.set_visible("rectangle", self._region.value == Region.RECTANGLE)
        image = self._layers["image"].value
        self._parts.set_visible("extent", image is not None and image.ndim > 2)

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
