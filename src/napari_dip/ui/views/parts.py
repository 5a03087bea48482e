"""Which part of an image is restored, and in which parts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from magicgui.widgets import ComboBox, FileEdit, SpinBox
from magicgui.widgets.bases import ValueWidget
from napari.layers import Image
from psygnal import Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_dip.ui.layers import level_0
from napari_dip.ui.model import Extent, Region
from napari_dip.ui.views.rows import Rows

SMALL = 512
"""Pixels along the longest side of an image that nobody wants to cut."""

KINDS = {"region": Region, "extent": Extent}


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
        extent = ComboBox(
            name="extent",
            label="Stack",
            tooltip="The slice that is shown, the whole volume with 3-D convolutions, or all of "
            "them one after another, each from the weights of the last: a movie's frames, say",
            choices=self._extents,
        )
        self._followed = (rectangle, extent)
        for widget in (region, rectangle, extent, *(_dividing() if divides else ())):
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
            self.widgets["extent"].reset_choices()
        self._show_rows()

    def show_division(self, words: str, is_divided: bool) -> None:
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
        rows.set_visible("extent", image is not None and image.ndim > 2)
        if self._divides:
            longest = 0 if image is None else max(level_0(image).shape[: image.ndim])
            rows.set_visible(
                "block_size", longest > SMALL or bool(self.widgets["block_size"].value)
            )
            rows.set_visible("folder", self._is_divided)
        self._words.setVisible(bool(self._words.text()))

    def _extents(self, _widget: ComboBox) -> list[tuple[str, Extent]]:
        """What a stack of so many axes can be divided into."""
        ndim = 3 if self._image is None else self._image.ndim
        fit = [e for e in Extent if ndim >= 2 + e.is_volume + e.is_each]
        return [(str(e), e) for e in fit if self._divides or not e.is_each]


def _dividing() -> tuple[ValueWidget[Any], ...]:
    return (
        SpinBox(
            name="block_size",
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
