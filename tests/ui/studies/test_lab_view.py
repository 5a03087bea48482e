"""The Prior lab's view."""

from unittest.mock import Mock

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.studies.lab.impedance import Impedance
from napari_dip.studies.lab.run import STUDIES
from napari_dip.studies.study import StudyPicture
from napari_dip.ui.studies.lab_view import QtLabView


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def view(qtbot, viewer):
    viewer.add_image(np.zeros((20, 24)), name="cells")
    widget = QtLabView(viewer)
    qtbot.addWidget(widget)
    return widget


def shown(view):
    return {name for name, label in view._inputs._rows._labels.items() if not label.isHidden()}


@pytest.mark.parametrize("name", STUDIES)
def test_each_study_shows_what_it_takes(view, name):
    study = STUDIES[name]()
    view.show_study(study, True)
    assert view._choice.value == name
    assert view._side_by_side.value
    assert shown(view) == set(study.accepts)
    assert view._inputs._parts.isHidden() == ("image" not in study.accepts)
    fields = {**view._form._everyday.widgets, **view._form._advanced.widgets}
    assert fields.keys() == study.to_dict().keys()


def test_what_a_person_changes_is_said(view):
    view.show_study(Impedance(), False)
    changed, edited = Mock(), Mock()
    view.changed.connect(changed)
    view.study_edited.connect(edited)
    view._side_by_side.value = True
    changed.assert_called_with("side_by_side", True)
    view._choice.value = "compare-priors"
    changed.assert_called_with("name", "compare-priors")
    view._form._everyday.widgets["iterations"].value = 7
    assert edited.call_args.args[0] == Impedance(iterations=7)
    view._computing._seed.value = 5
    changed.assert_called_with("seed", 5)


def test_showing_a_study_is_no_change(view):
    changed = Mock()
    view.changed.connect(changed)
    view.show_study(Impedance(), True)
    assert not [c for c in changed.call_args_list if c.args[0] in ("name", "side_by_side")]


def test_curves_are_shown_while_there_are_some(view):
    view.show_curves((StudyPicture("a", np.zeros((2, 2)), ((1, 0.5),)),))
    assert list(view._curves._lines) == ["a"]
    view.show_curves(())
    assert view._curves.isHidden()


def test_everything_has_a_tooltip(view):
    view.show_study(Impedance(), True)
    rows = (view._form._everyday, view._form._advanced, view._inputs._rows)
    widgets = [widget for row in rows for widget in row.widgets.values()]
    assert all(widget.tooltip for widget in [*widgets, view._choice, view._side_by_side])
