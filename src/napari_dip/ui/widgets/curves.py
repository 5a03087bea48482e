"""The curve of a fit, and the slider along it."""

from __future__ import annotations

import html
import math
from functools import partial

import pyqtgraph as pg
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_dip.studies.study import StudyPicture
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.timeline import CurvePoint

LOSS, PSNR, MARK = "#3d9be9", "#f0a13a", "#888888"
"""Colours that can be told apart on light and dark themes, and by the colour-blind."""


class LogAxis(pg.AxisItem):
    """An axis of logarithms, told as what they are the logarithms of.

    pyqtgraph's own logarithmic axis crowds a small plot with overlapping numbers.
    """

    is_log = True

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{10**value if self.is_log else value:.2g}" for value in values]


class Curve(QWidget):
    """Loss (on a logarithmic axis) and PSNR over the iterations."""

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._plot = pg.PlotWidget(background=None, axisItems={"left": LogAxis("left")})
        # Its own hint is a whole window's size.
        self._plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._plot.setFixedHeight(150)
        self._plot.setToolTip("The loss (blue) and, with a true image, the PSNR (orange)")
        item = self._plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.showAxis("right")
        for side, text, colour in (("left", "loss", LOSS), ("right", "PSNR / dB", PSNR)):
            item.setLabel(side, text, color=colour)
            item.getAxis(side).setTextPen(colour)
            item.getAxis(side).enableAutoSIPrefix(False)
        item.getAxis("bottom").setTextPen(MARK)
        self._loss = item.plot(pen=pg.mkPen(LOSS, width=2))
        # pyqtgraph's way to have a second axis: a view box over the first.
        self._right = pg.ViewBox()
        item.scene().addItem(self._right)
        item.getAxis("right").linkToView(self._right)
        self._right.setXLink(item)
        self._psnr = pg.PlotCurveItem(pen=pg.mkPen(PSNR, width=2))
        self._right.addItem(self._psnr)
        item.vb.sigResized.connect(self._fit_right)
        pen = pg.mkPen(MARK, style=Qt.PenStyle.DashLine)
        self._stop = pg.InfiniteLine(pen=pen, label="stop", labelOpts={"color": MARK})
        self._shown = pg.InfiniteLine(pen=pg.mkPen(MARK))
        for line in (self._stop, self._shown):
            item.addItem(line, ignoreBounds=True)
            line.hide()
        item.hideAxis("right")
        item.setYRange(-3, -1)  # of an empty plot; with data, all of it is shown
        layout.addWidget(self._plot)

    def show_reports(self, reports: tuple[CurvePoint, ...], stopped_at: int | None) -> None:
        """Show the whole curve, with the iteration at which a stopping rule ended it."""
        iterations = [r.iteration for r in reports]
        if len(reports) > 1:
            self._plot.getPlotItem().enableAutoRange()
        self._loss.setData(iterations, [math.log10(max(r.loss, 1e-12)) for r in reports])
        known = [(r.iteration, r.psnr) for r in reports if r.psnr is not None]
        self._psnr.setData([i for i, _ in known], [p for _, p in known])
        self._plot.getPlotItem().showAxis("right", bool(known))
        self._place(self._stop, stopped_at)
        for box in (self._plot.getPlotItem().vb, self._right):
            box.prepareForPaint()  # pyqtgraph does so while it draws, and then draws once more

    def show_mark(self, iteration: int | None) -> None:
        """Mark the iteration whose snapshot is shown."""
        self._place(self._shown, iteration)

    def _fit_right(self) -> None:
        self._right.setGeometry(self._plot.getPlotItem().vb.sceneBoundingRect())

    @staticmethod
    def _place(line: pg.InfiniteLine, at: int | None) -> None:
        line.setVisible(at is not None)
        if at is not None:
            line.setValue(at)


class TimelineBar(QWidget):
    """A slider over the snapshots; its right end follows the newest."""

    iteration_chosen = Signal(object)
    """(iteration, or None for the newest)."""
    asked = Signal(Action)

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setToolTip("Show an earlier iteration; the right end follows the newest")
        self._label = QLabel()
        # A longer number would move the slider, and have all of the dock laid out and drawn again.
        self._label.setMinimumWidth(self._label.fontMetrics().horizontalAdvance("00000"))
        row.addWidget(self._slider)
        row.addWidget(self._label)
        layout.addLayout(row)
        buttons = QHBoxLayout()
        layout.addLayout(buttons)
        self._buttons = []
        for action, tip in (
            (Action.KEEP, "Make the shown iteration a layer of its own"),
            (Action.STACK, "Make one layer of all snapshots, with an axis of iterations"),
        ):
            button = QPushButton(str(action))
            button.setToolTip(tip)
            button.clicked.connect(partial(self._ask, action))
            buttons.addWidget(button)
            self._buttons.append(button)
        self._iterations: tuple[int, ...] = ()
        self._slider.valueChanged.connect(self._choose)
        self.show_iterations((), None)

    def show_iterations(self, iterations: tuple[int, ...], shown: int | None) -> None:
        """Show which snapshots there are, and which one is shown (None: the newest)."""
        self._iterations = iterations
        last = max(0, len(iterations) - 1)
        at = last
        if shown is not None and iterations:
            at = min(range(len(iterations)), key=lambda i: abs(iterations[i] - shown))
        self._slider.blockSignals(True)
        self._slider.setRange(0, last)
        self._slider.setValue(at)
        self._slider.blockSignals(False)
        for widget in (self._slider, *self._buttons):
            widget.setEnabled(bool(iterations))
        self._label.setText(f"{iterations[at]}" if iterations else "–")

    def _choose(self, index: int) -> None:
        is_newest = index >= len(self._iterations) - 1
        self._label.setText(str(self._iterations[index]))
        self.iteration_chosen.emit(None if is_newest else self._iterations[index])

    def _ask(self, action: Action) -> None:
        self.asked.emit(action)


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

    def show_pictures(self, pictures: tuple[StudyPicture, ...]) -> None:
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
