"""The curves of a study."""

import numpy as np
import pytest

from napari_dip.studies.study import StudyPicture
from napari_dip.ui.widgets.curves import COLOURS, Curves


def picture(name, *losses):
    return StudyPicture(name, np.zeros((2, 2)), tuple(enumerate(losses, start=1)))


@pytest.fixture
def curves(qtbot):
    widget = Curves()
    qtbot.addWidget(widget)
    return widget


def drawn(curves):
    return {name: line.getData()[1].tolist() for name, line in curves._lines.items()}


def test_each_fitted_picture_has_a_curve_and_its_name_in_its_colour(curves):
    curves.show_pictures((picture("a", 0.1, 0.01), picture("bicubic"), picture("c<d", 1.0)))
    assert drawn(curves) == {"a": [-1, -2], "c<d": [0]}
    text = curves._names.text()
    assert text.index(COLOURS[0]) < text.index(";a ") < text.index(COLOURS[1])
    assert "bicubic" not in text
    assert "c&lt;d" in text
    assert curves._log.tickStrings([-2], 1, 1) == ["0.01"]


def test_losses_below_zero_have_a_linear_axis(curves):
    curves.show_pictures((picture("unit 3", 0.5, -2.0),))
    assert drawn(curves) == {"unit 3": [0.5, -2.0]}
    assert curves._log.tickStrings([-2], 1, 1) == ["-2"]


def test_a_new_study_begins_with_an_empty_plot(curves):
    curves.show_pictures((picture("a", 1.0), picture("b", 1.0)))
    curves.show_pictures((picture("b", 1.0),))
    assert list(curves._lines) == ["b"]
    curves.show_pictures(())
    assert not curves._lines
    assert curves.isHidden()
