"""The table of the Compare dock: which layers are compared, and their scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from napari_dip.ui.compare.scores import Score

LAYER_TIP = "Tick the layers to compare; they are A, B and so on from the lowest layer up"

COLUMN_TIPS = {
    "": LAYER_TIP,
    "Layer": LAYER_TIP,
    "PSNR": "Peak signal-to-noise ratio in dB, against the reference: higher is better",
    "SSIM": "Structural similarity with the reference: 1 means the same image",
    "Noise": "Estimated standard deviation of the noise, in the layer's values",
}
"""Tooltip of each column, by the column's title."""

NAME_COLUMN, FIRST_SCORE_COLUMN = 1, 2

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

LETTER_COLOURS = ("#3d9be9", "#f0a13a", "#2fae7a", "#cc79a7", "#e05a2b", "#9a8cf0")
"""Colours of the letters and of the profiles, distinct on light and dark themes and for the
colour-blind."""

ROW_HEIGHT, TICK_WIDTH = 22, 44
"""Height of a row and width of the first column, in pixels."""

# napari's themes draw an empty box in the background's colour.
STYLE = "QTreeView::indicator:unchecked { border: 1px solid #888888; }"


def letter_colour(index: int) -> str:
    """Return the colour of the layer at a place among those compared."""
    return LETTER_COLOURS[index % len(LETTER_COLOURS)]


class LayerTable(QTreeWidget):
    """A row with a tick for each Image layer."""

    ticked = Signal(object)
    """(layers): the layers to compare, from the lowest up; emitted when they change."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[Image, QTreeWidgetItem]] = []
        self._chosen: list[Image] = []
        self._scores: dict[Image, Score] = {}
        self.setColumnCount(len(COLUMN_TIPS))
        self.setHeaderLabels(list(COLUMN_TIPS))
        for column, tip in enumerate(COLUMN_TIPS.values()):
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
        for column in range(len(COLUMN_TIPS)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(0, TICK_WIDTH)
        header.setSectionResizeMode(NAME_COLUMN, QHeaderView.ResizeMode.Stretch)
        self.itemChanged.connect(self._tick)
        self.itemClicked.connect(self._click)

    @property
    def chosen(self) -> tuple[Image, ...]:
        """The ticked layers, from the lowest up."""
        return tuple(layer for layer, _ in self._rows if layer in self._chosen)

    def choose(self, layers: Sequence[Image]) -> None:
        """Tick these layers and no others."""
        self._chosen = list(layers)
        self._fill()
        self.ticked.emit(self.chosen)

    def show_layers(self, layers: Sequence[Image]) -> None:
        """List these layers; those that are ticked stay ticked."""
        before, listed = self.chosen, [layer for layer, _ in self._rows]
        if list(layers) != listed:
            self.clear()
            self._rows = [(layer, self._new_row()) for layer in layers]
            self._chosen = [layer for layer in self._chosen if layer in layers]
        self._fill()
        if self.chosen != before:
            self.ticked.emit(self.chosen)

    def show_scores(self, scores: Sequence[Score]) -> None:
        """Show the scores of the ticked layers; an empty sequence clears all scores."""
        self._scores = dict(zip(self.chosen, scores, strict=False))
        self._fill()

    def _new_row(self) -> QTreeWidgetItem:
        item = QTreeWidgetItem()
        item.setSizeHint(0, QSize(0, ROW_HEIGHT))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for column in range(FIRST_SCORE_COLUMN, len(COLUMN_TIPS)):
            item.setTextAlignment(column, right)
        self.addTopLevelItem(item)
        return item

    def _fill(self) -> None:
        """Write letters, names and scores into the rows."""
        self.blockSignals(True)
        chosen = self.chosen
        for layer, item in self._rows:
            is_chosen = layer in chosen
            place = chosen.index(layer) if is_chosen else 0
            item.setCheckState(0, Qt.CheckState.Checked if is_chosen else Qt.CheckState.Unchecked)
            item.setText(0, LETTERS[place % len(LETTERS)] if is_chosen else "")
            item.setForeground(0, QBrush(QColor(letter_colour(place))))
            item.setText(NAME_COLUMN, layer.name)
            item.setToolTip(NAME_COLUMN, layer.name)
            score = self._scores.get(layer)
            for column, text in enumerate(_texts(score), FIRST_SCORE_COLUMN):
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
        """Tick a layer when its name is clicked."""
        if column > 0:
            is_ticked = item.checkState(0) == Qt.CheckState.Checked
            item.setCheckState(0, Qt.CheckState.Unchecked if is_ticked else Qt.CheckState.Checked)


def _texts(score: Score | None) -> list[str]:
    if score is None:
        return [""] * (len(COLUMN_TIPS) - FIRST_SCORE_COLUMN)
    values = ((score.psnr, ".2f"), (score.ssim, ".3f"), (score.noise, ".3g"))
    return [_text(value, format_spec) for value, format_spec in values]


def _text(value: float | None, format_spec: str) -> str:
    if value is None or math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else format(value, format_spec)
