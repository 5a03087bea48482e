"""Which layers are compared, with their figures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from napari_dip.ui.compare.scores import Score

COLUMNS = {
    "": "Tick the layers to compare; they are A, B and so on from the lowest layer up",
    "Layer": "Tick the layers to compare; they are A, B and so on from the lowest layer up",
    "PSNR": "Peak signal-to-noise ratio in dB, against the reference: more is better",
    "SSIM": "Structural similarity with the reference: 1 is the same picture",
    "Noise": "Estimated standard deviation of the noise, in the layer's values",
}


NAME, FIGURES = 1, 2


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


COLOURS = ("#3d9be9", "#f0a13a", "#2fae7a", "#cc79a7", "#e05a2b", "#9a8cf0")
"""Of the letters and of their profiles; told apart on light and dark themes, and by the
colour-blind."""


ROW_HEIGHT, TICK_WIDTH = 22, 44


# napari's themes draw an empty box in the background's colour.
STYLE = "QTreeView::indicator:unchecked { border: 1px solid #888888; }"


def colour_of(place: int) -> str:
    """The colour of the layer at a place among those compared."""
    return COLOURS[place % len(COLOURS)]


class LayerTable(QTreeWidget):
    """A row with a tick for each Image layer."""

    ticked = Signal(object)
    """The layers that are compared, from the lowest up: after any change of them."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[Image, QTreeWidgetItem]] = []
        self._chosen: list[Image] = []
        self._scores: dict[Image, Score] = {}
        self.setColumnCount(len(COLUMNS))
        self.setHeaderLabels(list(COLUMNS))
        for column, tip in enumerate(COLUMNS.values()):
            self.headerItem().setToolTip(column, tip)
        self.setStyleSheet(STYLE)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(20)
        for column in range(len(COLUMNS)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(0, TICK_WIDTH)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self.itemChanged.connect(self._tick)
        self.itemClicked.connect(self._click)

    @property
    def chosen(self) -> tuple[Image, ...]:
        """The ticked layers, from the lowest up."""
        return tuple(layer for layer, _ in self._rows if layer in self._chosen)

    def choose(self, layers: Sequence[Image]) -> None:
        """Tick these, and no others."""
        self._chosen = list(layers)
        self._fill()
        self.ticked.emit(self.chosen)

    def show_layers(self, layers: Sequence[Image]) -> None:
        """List these layers; those that are ticked stay so."""
        before, places = self.chosen, [layer for layer, _ in self._rows]
        if list(layers) != places:
            self.clear()
            self._rows = [(layer, self._new_row()) for layer in layers]
            self._chosen = [layer for layer in self._chosen if layer in layers]
        self._fill()
        if self.chosen != before:
            self.ticked.emit(self.chosen)

    def show_scores(self, scores: Sequence[Score]) -> None:
        """Show the figures of the chosen layers; with none, nothing."""
        self._scores = dict(zip(self.chosen, scores, strict=False))
        self._fill()

    def _new_row(self) -> QTreeWidgetItem:
        item = QTreeWidgetItem()
        item.setSizeHint(0, QSize(0, ROW_HEIGHT))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for column in range(FIGURES, len(COLUMNS)):
            item.setTextAlignment(column, right)
        self.addTopLevelItem(item)
        return item

    def _fill(self) -> None:
        """Write into the rows what they have to show."""
        self.blockSignals(True)
        chosen = self.chosen
        for layer, item in self._rows:
            is_chosen = layer in chosen
            place = chosen.index(layer) if is_chosen else 0
            item.setCheckState(0, Qt.CheckState.Checked if is_chosen else Qt.CheckState.Unchecked)
            item.setText(0, LETTERS[place % len(LETTERS)] if is_chosen else "")
            item.setForeground(0, QBrush(QColor(colour_of(place))))
            item.setText(NAME, layer.name)
            item.setToolTip(NAME, layer.name)
            score = self._scores.get(layer)
            for column, text in enumerate(_texts(score), FIGURES):
                item.setText(column, text)
                item.setToolTip(column, score.why if score else "")
        self.blockSignals(False)

    def _tick(self, item: QTreeWidgetItem, column: int) -> None:
        if column > 0:
            return
        layer, _ = self._rows[self.indexOfTopLevelItem(item)]
        is_ticked = item.checkState(0) == Qt.CheckState.Checked
        others = [other for other in self._chosen if other is not layer]
        self.choose([*others, layer] if is_ticked else others)

    def _click(self, item: QTreeWidgetItem, column: int) -> None:
        """A click on a name ticks it as well."""
        if column > 0:
            is_ticked = item.checkState(0) == Qt.CheckState.Checked
            item.setCheckState(0, Qt.CheckState.Unchecked if is_ticked else Qt.CheckState.Checked)


def _texts(score: Score | None) -> list[str]:
    if score is None:
        return [""] * (len(COLUMNS) - FIGURES)
    figures = ((score.psnr, ".2f"), (score.ssim, ".3f"), (score.noise, ".3g"))
    return [_text(value, form) for value, form in figures]


def _text(value: float | None, form: str) -> str:
    if value is None or math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else format(value, form)
