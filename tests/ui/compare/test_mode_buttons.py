"""Buttons say what is asked for, and show how layers are compared."""

from unittest.mock import Mock

import pytest
from qtpy.QtWidgets import QPushButton

from napari_dip.ui.compare.comparison import Comparison, Mode
from napari_dip.ui.compare.mode_buttons import ACTIONS, AS_BEFORE, LINE, MODES, ModeButtons


@pytest.fixture
def ways(qtbot):
    ways = ModeButtons()
    qtbot.addWidget(ways)
    return ways


def test_buttons_tell_their_names(ways):
    heard = []
    ways.pressed.connect(heard.append)
    for button in ways.findChildren(QPushButton):
        button.setEnabled(True)
        button.click()
    assert heard == [*MODES, *ACTIONS, AS_BEFORE]


def test_what_is_shown_asks_for_nothing(ways):
    heard = []
    ways.pressed.connect(heard.append)
    ways.moved.connect(heard.append)
    comparison = Mock(Comparison, mode=Mode.CURTAIN, line=object(), has_begun=True, position=0.25)
    ways.show_comparison(comparison)
    checked = {b.text() for b in ways.findChildren(QPushButton) if b.isChecked()}
    assert checked == {Mode.CURTAIN, LINE}
    assert ways._slider.value() == 250
    assert not heard
    ways._slider.setValue(500)
    assert heard == [0.5]
