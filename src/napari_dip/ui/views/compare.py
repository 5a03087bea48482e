"""The dock "Deep Image Prior: Compare"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from napari.layers import Image
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSlider,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_dip.errors import UserError
from napari_dip.ui.background import Background
from napari_dip.ui.comparison import Comparison
from napari_dip.ui.scores import Picture, Score, picture_of, score
from napari_dip.ui.views.rows import Rows

if TYPE_CHECKING:
    from napari import Viewer

TIPS = {
    "a": "The layer on the left; the difference is B - A",
    "b": "The layer on the right",
    "reference": "The true image, if it is known: PSNR and SSIM are told",
}
COLUMNS = ("PSNR / dB", "SSIM", "Noise")
TICK_MS = 100
KEY = "Shift-C"


class CompareView(QWidget):
    """Choose two layers and ways to look at them."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self.comparison = Comparison(viewer)
        self._scores: Background[tuple[tuple[Picture, ...], Picture | None], tuple[Score, ...]] = (
            Background(score)
        )
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._poll)
        self._rows = Rows()
        for name, tip in TIPS.items():
            combo = ComboBox(
                name=name,
                label=name.capitalize(),
                tooltip=tip,
                nullable=True,
                choices=lambda _: [x for x in viewer.layers if isinstance(x, Image)],
            )
            combo.changed.connect(self._choose)
            self._rows.add(combo)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 100)
        self._slider.setValue(50)
        self._slider.setToolTip("Where the curtain is; it can be dragged in the picture too")
        self._slider.valueChanged.connect(lambda _: self._do(self._draw_curtain))
        self._table = QTableWidget(2, len(COLUMNS))
        self._table.setHorizontalHeaderLabels(COLUMNS)
        self._table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setMaximumHeight(110)
        self._message = QLabel()
        self._message.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.addWidget(self._rows)
        layout.addLayout(self._buttons())
        layout.addWidget(self._slider)
        layout.addWidget(self._table)
        layout.addWidget(self._message)
        layout.addStretch()
        viewer.bind_key(KEY, lambda _: self._do(self.comparison.flip), overwrite=True)
        self.reset_choices()

    def reset_choices(self, event: Any = None) -> None:
        """Follow the layers; napari connects this to their events."""
        for combo in self._rows.widgets.values():
            combo.reset_choices()

    def event(self, event: QEvent) -> bool:
        # A dock that is closed gets no closeEvent: napari takes its widget out.
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._timer.stop()
            self._viewer.bind_key(KEY, None, overwrite=True)
            self.comparison.end()
        return bool(super().event(event))

    def _buttons(self) -> QGridLayout:
        compare = self.comparison
        actions: dict[str, tuple[Callable[[], Any], str]] = {
            "Side by side": (compare.side_by_side, "Both in a grid with one camera"),
            "Flicker": (compare.flip, f"Show the one, then the other ({KEY})"),
            "Curtain": (self._draw_curtain, "A left and B right of a line that can be dragged"),
            "Difference": (compare.difference, "Add B - A as a layer"),
            "Scores": (self._ask_scores, "PSNR, SSIM and noise of what is on display"),
            "As before": (compare.end, "Put layers and grid back as they were"),
        }
        grid = QGridLayout()
        for i, (text, (action, tip)) in enumerate(actions.items()):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(partial(self._do_clicked, action))
            grid.addWidget(button, i // 2, i % 2)
        return grid

    def _do_clicked(self, action: Callable[[], Any], _checked: bool = False) -> None:
        self._do(action)

    def _do(self, action: Callable[[], Any]) -> None:
        self._message.setText("")
        try:
            action()
        except UserError as error:
            self._message.setText(f"⚠ {error}")

    def _choose(self) -> None:
        # Another pair begins from how things were.
        self.comparison.end()
        widgets = self._rows.widgets
        self.comparison.a, self.comparison.b = widgets["a"].value, widgets["b"].value

    def _draw_curtain(self) -> None:
        self.comparison.curtain(self._slider.value() / 100)

    def _ask_scores(self) -> None:
        chosen = {name: widget.value for name, widget in self._rows.widgets.items()}
        pictures = {
            name: picture_of(layer, self._viewer.dims)
            for name, layer in chosen.items()
            if layer is not None
        }
        compared = tuple(pictures[name] for name in ("a", "b") if name in pictures)
        if not compared:
            raise UserError("compare: choose an Image layer")
        self._scores.ask((compared, pictures.get("reference")))
        self._timer.start()

    def _poll(self) -> None:
        answer = self._scores.take()
        if isinstance(answer, str):
            self._message.setText(f"⚠ {answer}")
        elif answer is not None:
            self._show(answer)
        if not self._scores.is_busy:
            self._timer.stop()

    def _show(self, scores: tuple[Score, ...]) -> None:
        self._table.setRowCount(len(scores))
        self._table.setVerticalHeaderLabels(list("AB")[: len(scores)])
        for row, figures in enumerate(scores):
            texts = [
                "–" if figures.psnr is None else f"{figures.psnr:.2f}",
                "–" if figures.ssim is None else f"{figures.ssim:.3f}",
                f"{figures.noise:.3g}",
            ]
            for column, text in enumerate(texts):
                self._table.setItem(row, column, QTableWidgetItem(text))
