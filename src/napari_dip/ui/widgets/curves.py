"""Plots of a fit: the curve of a restoration, the slider along it, and the curves of a study."""

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

LOSS_COLOUR, PSNR_COLOUR, AXIS_COLOUR = "#3d9be9", "#f0a13a", "#888888"
"""Colours that are distinct on light and dark themes, and for the colour-blind."""

CURVE_COLOURS = (
    *("#3d9be9", "#f0a13a", "#2fb67c", "#e0607e"),
    *("#b39ddb", "#c9b037", "#8d6e63", "#90a4ae"),
)
"""Colours of a study's curves, distinct on light and dark themes and, in this order, for the
colour-blind."""

FIT_PLOT_HEIGHT, STUDY_PLOT_HEIGHT = 150, 170
"""Heights of the plots, in pixels."""


class LogAxis(pg.AxisItem):
    """An axis of logarithms to base 10 that shows the numbers themselves.

    pyqtgraph's own logarithmic axis crowds a small plot with overlapping numbers.
    """

    is_log = True

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{10**value if self.is_log else value:.2g}" for value in values]


def make_plot(height: int, left: pg.AxisItem | None = None) -> pg.PlotWidget:
    """Make an empty plot without menu, with a height in pixels and, if given, its left axis."""
    plot = pg.PlotWidget(background=None, axisItems={} if left is None else {"left": left})
    # Its own size hint is that of a whole window.
    plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    plot.setFixedHeight(height)
    item = plot.getPlotItem()
    item.setMenuEnabled(False)
    item.hideButtons()
    for side in ("left", "bottom", "right"):
        item.getAxis(side).setTextPen(AXIS_COLOUR)
        item.getAxis(side).enableAutoSIPrefix(False)
    return plot


class FitCurve(QWidget):
    """Plot of loss (on a logarithmic axis) and PSNR over the iterations of a fit."""

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._plot = make_plot(FIT_PLOT_HEIGHT, LogAxis("left"))
        self._plot.setToolTip("The loss (blue) and, with a reference, the PSNR (orange)")
        item = self._plot.getPlotItem()
        item.showAxis("right")
        for side, text, colour in (
            ("left", "loss", LOSS_COLOUR),
            ("right", "PSNR / dB", PSNR_COLOUR),
        ):
            item.setLabel(side, text, color=colour)
            item.getAxis(side).setTextPen(colour)
        self._loss = item.plot(pen=pg.mkPen(LOSS_COLOUR, width=2), name="loss")
        # pyqtgraph has a second axis only by a second view box over the first.
        self._right = pg.ViewBox()
        item.scene().addItem(self._right)
        item.getAxis("right").linkToView(self._right)
        self._right.setXLink(item)
        self._psnr = pg.PlotCurveItem(pen=pg.mkPen(PSNR_COLOUR, width=2), name="PSNR")
        self._right.addItem(self._psnr)
        item.vb.sigResized.connect(self._fit_right)
        pen = pg.mkPen(AXIS_COLOUR, style=Qt.PenStyle.DashLine)
        self._stop = pg.InfiniteLine(
            pen=pen, label="stop", labelOpts={"color": AXIS_COLOUR}, name="stop"
        )
        self._shown = pg.InfiniteLine(pen=pg.mkPen(AXIS_COLOUR), name="shown")
        for line in (self._stop, self._shown):
            item.addItem(line, ignoreBounds=True)
            line.hide()
        item.hideAxis("right")
        item.setYRange(-3, -1)  # for the empty plot; data change the range
        layout.addWidget(self._plot)

    def show_reports(self, reports: tuple[CurvePoint, ...], stopped_at: int | None) -> None:
        """Show the whole curve, and the iteration at which a stopping rule ended the fit."""
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
        """Mark the iteration whose snapshot is shown; None marks nothing."""
        self._place(self._shown, iteration)

    def _fit_right(self) -> None:
        self._right.setGeometry(self._plot.getPlotItem().vb.sceneBoundingRect())

    @staticmethod
    def _place(line: pg.InfiniteLine, at: int | None) -> None:
        line.setVisible(at is not None)
        if at is not None:
            line.setValue(at)


class TimelineBar(QWidget):
    """A slider over the snapshots, whose right end follows the newest, and buttons to keep them."""

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
        self._label.setObjectName("iteration")
        # A longer number would move the slider, and the whole dock would be laid out again.
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
        """Show which snapshots exist, and which one is shown (None: the newest)."""
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


class StudyCurves(QWidget):
    """Plot of losses over iterations, on a logarithmic axis while all of them are positive."""

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._axis = LogAxis("left")
        self._plot = make_plot(STUDY_PLOT_HEIGHT, self._axis)
        self._plot.setToolTip("The loss of each picture that is fitted")
        self._plot.getPlotItem().setLabel("left", "loss", color=AXIS_COLOUR)
        self._lines: dict[str, pg.PlotDataItem] = {}
        self._legend = QLabel()
        self._legend.setObjectName("legend")
        self._legend.setWordWrap(True)
        layout.addWidget(self._plot)
        layout.addWidget(self._legend)
        self.show_pictures(())

    def show_pictures(self, pictures: tuple[StudyPicture, ...]) -> None:
        """Show the curve of each picture that has one; hide the plot if none has."""
        fitted = [p for p in pictures if p.curve]
        self.setVisible(bool(fitted))
        item = self._plot.getPlotItem()
        if not {p.name for p in fitted} >= self._lines.keys():
            for line in self._lines.values():
                item.removeItem(line)
            self._lines = {}
        self._axis.is_log = all(loss > 0 for p in fitted for _, loss in p.curve)
        for picture in fitted:
            if picture.name not in self._lines:
                pen = pg.mkPen(curve_colour(len(self._lines)), width=2)
                self._lines[picture.name] = item.plot(pen=pen, name=picture.name)
            losses = [loss for _, loss in picture.curve]
            if self._axis.is_log:
                losses = [math.log10(loss) for loss in losses]
            self._lines[picture.name].setData([i for i, _ in picture.curve], losses)
        if any(len(p.curve) > 1 for p in fitted):
            item.enableAutoRange()
        marks = (
            f'<span style="color:{curve_colour(i)}">■</span>&nbsp;{unbroken(name)}'
            for i, name in enumerate(self._lines)
        )
        self._legend.setText(" &nbsp; ".join(marks))
        item.vb.prepareForPaint()  # pyqtgraph does so while it draws, and then draws once more


def unbroken(text: str) -> str:
    """Return text as HTML that is not broken into lines."""
    return html.escape(text).replace(" ", "&nbsp;")


def curve_colour(index: int) -> str:
    """Return the colour of a curve by its number."""
    return CURVE_COLOURS[index % len(CURVE_COLOURS)]
