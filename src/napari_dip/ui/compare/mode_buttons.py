"""The controls of a comparison: a button for each way to look, and the slider of the curtain."""

from __future__ import annotations

from functools import partial

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QPushButton, QSlider, QVBoxLayout, QWidget

from napari_dip.ui.compare.comparison import Comparison, Mode

KEY = "Shift-C"
"""Flickers."""


STEPS = 1000
"""Of the slider."""


DIFFERENCE, LINE, SCORES, AS_BEFORE = "Difference", "Line profile", "Scores", "As before"


MODES: dict[str, str] = {
    Mode.SIDE_BY_SIDE: "All ticked layers in a grid with one camera",
    Mode.FLICKER: f"Show the ticked layers in turn, in one place ({KEY})",
    Mode.CURTAIN: "A left and B right of a line that can be dragged",
}


ACTIONS = {
    DIFFERENCE: "Add B - A as a layer; grey is no difference",
    LINE: "Plot the ticked layers' values along a line whose ends can be dragged",
    SCORES: "Noise, PSNR and SSIM of what is on display",
}
"""Tooltips, by the buttons' names."""


class ModeButtons(QWidget):
    """A row of modes, a row of what else there is to see, and the way back."""

    pressed = Signal(str)
    """(name): a button."""
    moved = Signal(float)
    """(position): the curtain, from 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self._buttons: dict[str, QPushButton] = {}
        grid = QGridLayout()
        for row, tips in enumerate((MODES, ACTIONS)):
            for column, (name, tip) in enumerate(tips.items()):
                grid.addWidget(self._button(name, tip), row, column)
        for name in (*MODES, LINE):
            self._buttons[name].setCheckable(True)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, STEPS)
        self._slider.setToolTip("Where the curtain is; it can be dragged in the picture too")
        self._slider.valueChanged.connect(lambda at: self.moved.emit(at / STEPS))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(grid)
        layout.addWidget(self._slider)
        tip = "Put visibility, selection and grid back as they were"
        layout.addWidget(self._button(AS_BEFORE, tip))

    def show_comparison(self, comparison: Comparison) -> None:
        """Show how layers are compared."""
        for name in MODES:
            self._buttons[name].setChecked(name == comparison.mode)
        self._buttons[LINE].setChecked(comparison.line is not None)
        self._buttons[AS_BEFORE].setEnabled(comparison.has_begun)
        self._slider.setVisible(comparison.mode is Mode.CURTAIN)
        self._slider.blockSignals(True)
        self._slider.setValue(round(comparison.position * STEPS))
        self._slider.blockSignals(False)

    def _button(self, name: str, tip: str) -> QPushButton:
        self._buttons[name] = button = QPushButton(str(name))
        button.setToolTip(tip)
        button.clicked.connect(partial(self._press, name))
        return button

    def _press(self, name: str, _checked: bool) -> None:
        self.pressed.emit(name)
