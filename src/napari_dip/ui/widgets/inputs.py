"""The parts of a form that choose layers, how much of an image is restored, device and seed."""

from __future__ import annotations

from collections.abc import Iterable
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


SMALL_IMAGE = 512
"""Longest side in pixels of an image for which no tile size is asked."""

ENUMS = {"region": Region, "scope": StackScope}
"""Fields whose values are enums."""

LAYER_ROLES: dict[str, tuple[str, tuple[type, ...], str]] = {
    "image": ("Image", (Image,), "The image to restore"),
    "mask": (
        "Mask",
        (Labels, Shapes, Image),
        "Painted, drawn or bright pixels are missing: they are left out of the fit, and filled in",
    ),
    "guide": ("Flash (guide)", (Image,), "The same scene taken with flash, of the same size"),
    "psf": ("PSF", (Image,), "The point spread function that blurred the image"),
    "reference": (
        "Reference",
        (Image,),
        "The true image, if it is known: PSNR and SSIM are measured against it; no fit uses it",
    ),
}
"""Label, kinds of layers and tooltip of each role that a layer can have."""

OPTIONAL_ROLES = ("mask", "guide", "psf", "reference")


class Inputs(QWidget):
    """The layers of each role, how much of the image is restored, and in which tiles.

    Parameters
    ----------
    viewer
        The viewer whose layers can be chosen.
    with_tiles
        Whether frames, slices and tiles of an image can be restored one by one.
    """

    changed = Signal(str, object)
    """(name, value): a field of the model."""
    asked = Signal(Action)

    def __init__(self, viewer: Viewer, *, with_tiles: bool = False) -> None:
        super().__init__()
        self._viewer = viewer
        self._with_tiles, self._is_tiled = with_tiles, False
        self._roles: frozenset[str] = frozenset({"image", "reference"})
        self._image: Image | None = None
        self._layers, self._region = Rows(), Rows()
        self._layers.setObjectName("layers")
        for widget in self._layer_widgets():
            self._layers.add(widget)
        for widget in (*self._region_widgets(), *(_tiling_widgets() if with_tiles else ())):
            self._region.add(widget)
        self._fields = self._layers.widgets | self._region.widgets
        for name, widget in self._fields.items():
            widget.changed.connect(partial(self._emit, name))
        self._new_mask = QPushButton(str(Action.NEW_MASK))
        self._new_mask.setToolTip("Add an empty mask over the image, to paint what is missing")
        self._new_mask.clicked.connect(lambda: self.asked.emit(Action.NEW_MASK))
        self._partition = QLabel()
        self._partition.setObjectName("partition")
        self._partition.setWordWrap(True)
        self._partition.setToolTip("What is fitted together, and what one by one")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self._layers, self._new_mask, self._region, self._partition):
            layout.addWidget(part)
        self._show_rows()

    def reset_choices(self) -> None:
        """Offer the viewer's layers; napari calls this when one comes, goes or is renamed."""
        for widget in self._fields.values():
            if isinstance(widget, ComboBox):
                widget.reset_choices()
        self._show_rows()

    def emit_all(self) -> None:
        """Emit all values, for a new model."""
        for name, widget in self._fields.items():
            self._emit(name, widget.value)

    def choose(self, role: str, layer: Any) -> None:
        """Choose a layer for a role."""
        self._fields[role].value = layer

    def show_task(self, task: Task) -> None:
        """Show the rows of the layers that a task accepts."""
        self.show_roles(("image", "reference", *task.accepts))

    def show_roles(self, roles: Iterable[str]) -> None:
        """Show the rows of these roles, and those about the image if that is one of them."""
        self._roles = frozenset(roles)
        self._show_rows()

    def show_partition(self, text: str, is_tiled: bool) -> None:
        """Show what is fitted together, and whether the result goes to a folder."""
        self._partition.setText(text)
        self._is_tiled = is_tiled
        self._show_rows()

    def _emit(self, name: str, value: Any) -> None:
        # PySide6 returns a StrEnum as plain text.
        enum = ENUMS.get(name)
        self.changed.emit(name, value if enum is None else enum(value))
        self._show_rows()

    def _show_rows(self) -> None:
        image = self._fields["image"].value
        if image is not self._image:
            self._image = image
            self._fields["scope"].reset_choices()
        for role in LAYER_ROLES:
            self._layers.set_visible(role, role in self._roles)
        self._new_mask.setVisible("mask" in self._roles)
        self._region.setVisible("image" in self._roles)
        self._partition.setVisible("image" in self._roles and bool(self._partition.text()))
        is_rectangle = self._fields["region"].value == Region.RECTANGLE
        self._region.set_visible("rectangle", is_rectangle)
        self._region.set_visible("scope", image is not None and image.ndim > 2)
        if self._with_tiles:
            longest = 0 if image is None else max(finest_level(image).shape[: image.ndim])
            is_large = longest > SMALL_IMAGE or bool(self._fields["tile_size"].value)
            self._region.set_visible("tile_size", is_large)
            self._region.set_visible("folder", self._is_tiled)

    def _layer_widgets(self) -> Iterable[ComboBox]:
        for role, (label, kinds, tip) in LAYER_ROLES.items():
            yield ComboBox(
                name=role,
                label=label,
                tooltip=tip,
                nullable=role in OPTIONAL_ROLES,
                choices=partial(self._choices, kinds),
            )

    def _region_widgets(self) -> Iterable[ComboBox]:
        yield ComboBox(
            name="region",
            label="Region",
            tooltip="How much of the image is restored; try a small region before the full run",
            choices=[(str(r), r) for r in Region],
        )
        yield ComboBox(
            name="rectangle",
            label="in",
            tooltip="The Shapes layer with the rectangle: its selected shape, or the last one",
            nullable=True,
            choices=partial(self._choices, (Shapes,)),
        )
        yield ComboBox(
            name="scope",
            label="Stack",
            tooltip="The displayed slice, the whole volume with 3-D convolutions, or all slices or "
            "volumes one by one, such as a movie's frames, each from the weights of the last",
            choices=self._scopes,
        )

    def _choices(self, kinds: tuple[type, ...], _widget: ComboBox) -> list[Any]:
        return [layer for layer in self._viewer.layers if isinstance(layer, kinds)]

    def _scopes(self, _widget: ComboBox) -> list[tuple[str, StackScope]]:
        """List the scopes of a stack with the image's number of axes."""
        ndim = 3 if self._image is None else self._image.ndim
        fit = [s for s in StackScope if ndim >= 2 + s.is_volume + s.is_looped]
        return [(str(s), s) for s in fit if self._with_tiles or not s.is_looped]


def _tiling_widgets() -> tuple[ValueWidget[Any], ...]:
    return (
        SpinBox(
            name="tile_size",
            label="Tile",
            max=10**5,
            tooltip="Side in pixels of the tiles, which overlap and are blended. 0: no tiles up to "
            "2048 pixels and as far as memory suffices, else tiles of 1024, in 3-D of 256",
        ),
        FileEdit(
            name="folder",
            label="Results in",
            mode="d",
            nullable=True,
            tooltip="Folder for the result, an OME-Zarr; a run that was stopped continues there. "
            "Empty: a temporary folder, which is deleted with the layer; save the layer to keep it",
        ),
    )


class DeviceForm(QWidget):
    """The device, the seed, and an estimate of the memory that the fit takes."""

    changed = Signal(str, object)
    """(name, value): a field of the model."""

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
        self._estimate.setObjectName("estimate")
        self._estimate.setWordWrap(True)
        self._estimate.setToolTip("Device of the fit, and its peak memory to about a third")
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
        """Show the device and the memory of a fit, with a sign if it is a warning."""
        self._estimate.setText(f"⚠ {text}" if is_warning else text)
