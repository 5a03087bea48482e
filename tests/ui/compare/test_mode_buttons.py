"""The buttons of the Compare dock."""

from unittest.mock import Mock

import pytest
from qtpy.QtWidgets import QPushButton, QSlider

from napari_dip.ui.compare.comparison import Comparison, Mode
from napari_dip.ui.compare.mode_buttons import (
    ACTION_TIPS,
    AS_BEFORE,
    LINE,
    MODE_TIPS,
    ModeButtons,
)

from ..find import find


@pytest.fixture
def mode_buttons(qtbot):
    mode_buttons = ModeButtons()
    qtbot.addWidget(mode_buttons)
    return mode_buttons


def test_buttons_emit_their_texts(mode_buttons):
    heard = []
    mode_buttons.pressed.connect(heard.append)
    for button in mode_buttons.findChildren(QPushButton):
        button.setEnabled(True)
        button.click()
    assert heard == [*MODE_TIPS, *ACTION_TIPS, AS_BEFORE]


def test_showing_a_comparison_emits_nothing(mode_buttons):
    heard = []
    mode_buttons.pressed.connect(heard.append)
    mode_buttons.moved.connect(heard.append)
    comparison = Mock(Comparison, mode=Mode.CURTAIN, line=object(), has_begun=True, position=0.25)
    mode_buttons.show_comparison(comparison)
    checked = {b.text() for b in mode_buttons.findChildren(QPushButton) if b.isChecked()}
    assert checked == {Mode.CURTAIN, LINE}
    assert find(mode_buttons, QSlider).value() == 250
    assert not heard
    find(mode_buttons, QSlider).setValue(500)
    assert heard == [0.5]
