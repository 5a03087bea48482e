"""The curves of a study: one for each picture, with its name in its colour."""

from __future__ import annotations

import html
import math

import pyqtgraph as pg
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_dip.study_results import Picture
from napari_dip.ui.views.curve import MARK, LogAxis

COLOURS = ("#3d9be9", "#f0a13a", "#2fb67c", "#e0607e", "#b39ddb", "#c9b037", "#8d6e63", "#90a4ae")
"""Told apart on light and dark themes, in this order also by the colour-blind."""

HEIGHT = 170


class Curves(QWidget):
    """Losses over iterations; on a logarithmic axis while all of them are positive."""

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._log = LogAxis("left")
        self._plot = pg.PlotWidget(background=None, axisItems={"left": self._log})
        self._plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._plot.setFixedHeight(HEIGHT)
        item = self._plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setLabel("left", "loss", color=MARK)
        for side in ("left", "bottom"):
            item.getAxis(side).setTextPen(MARK)
            item.getAxis(side).enableAutoSIPrefix(False)
        self._lines: dict[str, pg.PlotDataItem] = {}
        self._names = QLabel()
        self._names.setWordWrap(True)
        layout.addWidget(self._plot)
        layout.addWidget(self._names)
        self.show_pictures(())

    def show_pictures(self, pictures: tuple[Picture, ...]) -> None:
        """Show the curve of each picture that has one; nothing at all where none has."""
        fitted = [p for p in pictures if p.curve]
        self.setVisible(bool(fitted))
        item = self._plot.getPlotItem()
        if not {p.name for p in fitted} >= self._lines.keys():
            for line in self._lines.values():
                item.removeItem(line)
            self._lines = {}
        self._log.is_log = all(loss > 0 for p in fitted for _, loss in p.curve)
        for picture in fitted:
            if picture.name not in self._lines:
                pen = pg.mkPen(colour(len(self._lines)), width=2)
                self._lines[picture.name] = item.plot(pen=pen)
            losses = [loss for _, loss in picture.curve]
            if self._log.is_log:
                losses = [math.log10(loss) for loss in losses]
            self._lines[picture.name].setData([i for i, _ in picture.curve], losses)
        if any(len(p.curve) > 1 for p in fitted):
            item.enableAutoRange()
        marks = (
            f'<span style="color:{colour(i)}">■</span>&nbsp;{unbroken(name)}'
            for i, name in enumerate(self._lines)
        )
        self._names.setText(" &nbsp; ".join(marks))
        item.vb.prepareForPaint()  # pyqtgraph does so while it draws, and then draws once more


def unbroken(text: str) -> str:
    """Text as HTML that is not broken into lines."""
    return html.escape(text).replace(" ", "&nbsp;")


def colour(index: int) -> str:
    """The colour of a curve, by its number."""
    return COLOURS[index % len(COLOURS)]
