"""Rows of labelled widgets, aligned across a dock."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QFormLayout, QLabel, QSizePolicy, QWidget
from superqt import QCollapsible

LABEL_WIDTH = 105
"""Width of the labels in pixels, the same in all forms of a dock."""


def side_by_side_box() -> CheckBox:
    """Make the check box for a layer of each picture instead of a stack."""
    return CheckBox(
        name="side_by_side",
        label="Side by side",
        tooltip="Show each picture in a layer of its own, in napari's grid, instead of one stack",
    )


def folded(title: str, content: QWidget) -> QCollapsible:
    """Hide a widget behind a title that unfolds it."""
    more = QCollapsible(title, expandedIcon="▾", collapsedIcon="▸")
    more.setDuration(0)
    more.setContent(content)
    more.layout().setContentsMargins(0, 0, 0, 0)
    more.collapse(animate=False)
    return more


class Rows(QWidget):
    """A column of labels and a column of widgets."""

    def __init__(self) -> None:
        super().__init__()
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setVerticalSpacing(4)
        self._layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._labels: dict[str, QLabel] = {}
        self.widgets: dict[str, ValueWidget[Any]] = {}

    def add(self, widget: ValueWidget[Any]) -> None:
        """Append a row with the widget's name, label and tooltip."""
        if isinstance(widget.native, QCheckBox):  # magicgui also writes the label beside the box
            widget.native.setText("")
        # A long layer name must not widen the dock.
        widget.native.setMinimumWidth(60)
        widget.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        # Without a least height a long form is squeezed instead of scrolled.
        widget.native.setMinimumHeight(widget.native.sizeHint().height())
        label = self.add_row(widget.label, widget.tooltip or "", widget.native)
        self._labels[widget.name], self.widgets[widget.name] = label, widget

    def add_row(self, text: str, tip: str, widget: QWidget) -> QLabel:
        """Append a row of any widget, and return its label."""
        label = QLabel(text)
        label.setToolTip(tip)
        label.setFixedWidth(LABEL_WIDTH)
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._layout.addRow(label, widget)
        return label

    def set_visible(self, name: str, visible: bool) -> None:
        """Show or hide a row."""
        self._labels[name].setVisible(visible)
        self.widgets[name].native.setVisible(visible)

    def clear(self) -> None:
        """Remove all rows."""
        while self._layout.rowCount():
            self._layout.removeRow(0)
        self._labels, self.widgets = {}, {}
