"""The buttons of the Compare dock, one for each mode and action, and the curtain's slider."""

from __future__ import annotations

from functools import partial

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QPushButton, QSlider, QVBoxLayout, QWidget

from napari_dip.ui.compare.comparison import Comparison, Mode

FLICKER_KEY = "Shift-C"
"""The key that shows the next layer."""

SLIDER_STEPS = 1000
"""Number of positions of the curtain's slider."""

DIFFERENCE, LINE, SCORES, AS_BEFORE = "Difference", "Line profile", "Scores", "As before"

MODE_TIPS: dict[str, str] = {
    Mode.SIDE_BY_SIDE: "Show all ticked layers in a grid with one camera",
    Mode.FLICKER: f"Show the ticked layers in turn in one place ({FLICKER_KEY})",
    Mode.CURTAIN: "Show A to the left and B to the right of a line that you can drag",
}
"""Tooltip of each mode's button."""

ACTION_TIPS = {
    DIFFERENCE: "Add B - A as a layer, in which middle grey means no difference",
    LINE: "Plot the ticked layers' values along a line whose ends you can drag",
    SCORES: "Measure noise, PSNR and SSIM of the displayed slices",
}
"""Tooltip of each other button, by the button's text."""


class ModeButtons(QWidget):
    """A row of buttons for modes, a row for actions, the slider, and the way back."""

    pressed = Signal(str)
    """(text): a button."""
    moved = Signal(float)
    """(position): the curtain's, from 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self._buttons: dict[str, QPushButton] = {}
        grid = QGridLayout()
        for row, tips in enumerate((MODE_TIPS, ACTION_TIPS)):
            for column, (name, tip) in enumerate(tips.items()):
                grid.addWidget(self._button(name, tip), row, column)
        for name in (*MODE_TIPS, LINE):
            self._buttons[name].setCheckable(True)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, SLIDER_STEPS)
        self._slider.setToolTip("Position of the curtain; you can drag it in the image too")
        self._slider.valueChanged.connect(lambda at: self.moved.emit(at / SLIDER_STEPS))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(grid)
        layout.addWidget(self._slider)
        tip = "Put visibility, selection and grid back as they were before"
        layout.addWidget(self._button(AS_BEFORE, tip))

    def show_comparison(self, comparison: Comparison) -> None:
        """Show which mode is on, and where the curtain is."""
        for name in MODE_TIPS:
            self._buttons[name].setChecked(name == comparison.mode)
        self._buttons[LINE].setChecked(comparison.line is not None)
        self._buttons[AS_BEFORE].setEnabled(comparison.has_begun)
        self._slider.setVisible(comparison.mode is Mode.CURTAIN)
        self._slider.blockSignals(True)
        self._slider.setValue(round(comparison.position * SLIDER_STEPS))
        self._slider.blockSignals(False)

    def _button(self, name: str, tip: str) -> QPushButton:
        self._buttons[name] = button = QPushButton(str(name))
        button.setToolTip(tip)
        button.clicked.connect(partial(self._press, name))
        return button

    def _press(self, name: str, _checked: bool) -> None:
        self.pressed.emit(name)
