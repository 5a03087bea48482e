"""Find the parts of a dock's view by their kind, object name or text, as a person does."""

from typing import Any, TypeVar

import pyqtgraph as pg
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QPushButton, QWidget

from napari_dip.ui.widgets.rows import Rows

Kind = TypeVar("Kind", bound=QObject)


def find(view: QObject, kind: type[Kind], name: str = "") -> Kind:
    """The only part of a kind, or the one with an object name."""
    found = view.findChildren(kind, name) if name else view.findChildren(kind)
    assert len(found) == 1, f"{len(found)} of {kind.__name__} {name!r} in {view}"
    return found[0]


def fields(view: QWidget, rows: str = "") -> dict[str, ValueWidget[Any]]:
    """The widgets in a view's rows, or in those with an object name, by the fields' names."""
    found = view.findChildren(Rows, rows) if rows else view.findChildren(Rows)
    own = [view] if isinstance(view, Rows) else []
    return {name: widget for each in (*own, *found) for name, widget in each.widgets.items()}


def is_shown(view: QWidget, name: str) -> bool:
    """Whether the row of a field is not hidden."""
    return not fields(view)[name].native.isHidden()


def button(view: QWidget, text: str) -> QPushButton:
    """The button with a text."""
    found = [b for b in view.findChildren(QPushButton) if b.text() == text]
    assert len(found) == 1, f"{len(found)} buttons {text!r} in {view}"
    return found[0]


def plot_item(view: QWidget) -> pg.PlotItem:
    """What is drawn in a view's only plot."""
    return find(view, pg.PlotWidget).getPlotItem()


def drawn(view: QWidget, name: str) -> Any:
    """The curve or line with a name in a view's only plot, whichever axis it has."""
    kinds = (pg.PlotDataItem, pg.PlotCurveItem, pg.InfiniteLine)
    items = plot_item(view).scene().items()
    found = [i for kind in kinds for i in items if isinstance(i, kind) and i.name() == name]
    assert found, f"nothing is drawn by the name {name!r}"
    return found[0]
