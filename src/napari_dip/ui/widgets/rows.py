"""Rows of labelled magicgui widgets, aligned across a dock."""

from __future__ import annotations

from typing import Any

from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QFormLayout, QLabel, QSizePolicy, QWidget
from superqt import QCollapsible

LABEL_WIDTH = 105
"""One width for all forms of a dock."""


def folded(title: str, content: QWidget) -> QCollapsible:
    """What is seen when a person asks for more."""
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
        """Append a row; the widget brings its name, label and tooltip."""
        label = QLabel(widget.label)
        label.setToolTip(widget.tooltip or "")
        label.setFixedWidth(LABEL_WIDTH)
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if isinstance(widget.native, QCheckBox):  # it repeats its label
            widget.native.setText("")
        # Long layer names must not widen the dock.
        widget.native.setMinimumWidth(60)
        widget.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        # Without it a long form is squeezed rather than scrolled.
        widget.native.setMinimumHeight(widget.native.sizeHint().height())
        self._layout.addRow(label, widget.native)
        self._labels[widget.name], self.widgets[widget.name] = label, widget

    def set_visible(self, name: str, visible: bool) -> None:
        """Show or hide a row."""
        self._labels[name].setVisible(visible)
        self.widgets[name].native.setVisible(visible)

    def clear(self) -> None:
        """Remove all rows."""
        while self._layout.rowCount():
            self._layout.removeRow(0)
        self._labels, self.widgets = {}, {}
