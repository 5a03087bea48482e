"""A list of names with boxes to tick, and a line to search it."""

from __future__ import annotations

from collections.abc import Iterable

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

HEIGHT = 150
"""Of the list, in pixels; it scrolls."""


class CheckList(QWidget):
    """Names of which several can be ticked; those that are ticked stay in sight.

    Parameters
    ----------
    title
        Above the list.
    tip
        Its tooltip.
    """

    changed = Signal(tuple)
    """(keys): of what is ticked, in the list's order."""

    def __init__(self, title: str, tip: str) -> None:
        super().__init__()
        self._title = title
        self._label, self._search, self._list = QLabel(), QLineEdit(), QListWidget()
        self._search.setPlaceholderText("Search …")
        self._search.setClearButtonEnabled(True)
        self._list.setToolTip(tip)
        self._list.setFixedHeight(HEIGHT)
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
        """The keys of what is ticked."""
        checked = Qt.CheckState.Checked
        role = Qt.ItemDataRole.UserRole
        return tuple(item.data(role) for item in self._items() if item.checkState() == checked)

    def show_items(self, items: Iterable[tuple[str, str]], ticked: Iterable[str] = ()) -> None:
        """Offer other names, each a key and a text, and tick some of them."""
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
        self._search.setVisible(self._list.count() > 8)
        self._filter()
        self._tick()

    def tick(self, *keys: str) -> None:
        """Tick these, as a person would."""
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
