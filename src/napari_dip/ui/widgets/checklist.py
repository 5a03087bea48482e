"""A list of names with boxes to tick, and a line to search it."""

from __future__ import annotations

from collections.abc import Iterable

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

LIST_HEIGHT = 150
"""Height of the list in pixels; it scrolls."""

SHORT_LIST = 8
"""Largest number of items for which there is no search field."""


class CheckList(QWidget):
    """A list of items that can be ticked; a search hides the others but never a ticked one.

    Parameters
    ----------
    title
        Text above the list.
    tip
        Tooltip of the list.
    """

    changed = Signal(tuple)
    """(keys): the ticked items' keys in the list's order."""

    def __init__(self, title: str, tip: str) -> None:
        super().__init__()
        self._title = title
        self._label, self._search, self._list = QLabel(), QLineEdit(), QListWidget()
        self._label.setObjectName("title")
        self._search.setPlaceholderText("Search …")
        self._search.setClearButtonEnabled(True)
        self._list.setToolTip(tip)
        self._list.setFixedHeight(LIST_HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        for widget in (self._label, self._search, self._list):
            layout.addWidget(widget)
        self._search.textChanged.connect(self._filter)
        self._list.itemChanged.connect(self._tick)
        self.show_items(())

    @property
    def ticked(self) -> tuple[str, ...]:
        """Keys of the ticked items."""
        checked = Qt.CheckState.Checked
        role = Qt.ItemDataRole.UserRole
        return tuple(item.data(role) for item in self._items() if item.checkState() == checked)

    def show_items(self, items: Iterable[tuple[str, str]], ticked: Iterable[str] = ()) -> None:
        """List items, each a key and a text, and tick those with some keys."""
        kept = set(ticked)
        self._list.blockSignals(True)
        self._list.clear()
        for key, text in items:
            item = QListWidgetItem(text)
            item.setData(Qt.ItemDataRole.UserRole, key)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            state = Qt.CheckState.Checked if key in kept else Qt.CheckState.Unchecked
            item.setCheckState(state)
            self._list.addItem(item)
        self._list.blockSignals(False)
        self._search.setVisible(self._list.count() > SHORT_LIST)
        self._filter()
        self._tick()

    def tick(self, *keys: str) -> None:
        """Tick the items with these keys, as a person would."""
        for item in self._items():
            if item.data(Qt.ItemDataRole.UserRole) in keys:
                item.setCheckState(Qt.CheckState.Checked)

    def _items(self) -> list[QListWidgetItem]:
        return [self._list.item(row) for row in range(self._list.count())]

    def _filter(self) -> None:
        words = self._search.text().lower().split()
        for item in self._items():
            is_ticked = item.checkState() == Qt.CheckState.Checked
            item.setHidden(not is_ticked and not all(w in item.text().lower() for w in words))

    def _tick(self) -> None:
        ticked = self.ticked
        self._label.setText(f"{self._title} ({len(ticked)} ticked)" if ticked else self._title)
        self.changed.emit(ticked)
