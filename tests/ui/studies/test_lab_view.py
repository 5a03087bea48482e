"""The Qt view of the dock "Prior lab"."""

from unittest.mock import Mock

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.studies.lab.impedance import Impedance
from napari_dip.studies.lab.registry import STUDIES
from napari_dip.studies.study import StudyPicture
from napari_dip.ui.studies.lab_view import QtLabView
from napari_dip.ui.widgets.curves import StudyCurves

from ..find import drawn, fields, find, is_shown


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
    return {name for name in fields(view, "layers") if is_shown(view, name)}


@pytest.mark.parametrize("name", STUDIES)
def test_each_study_shows_its_own_rows(view, name):
    study = STUDIES[name]()
    view.show_study(study, True)
    assert fields(view)["name"].value == name
    assert fields(view)["side_by_side"].value
    assert shown(view) == set(study.accepts)
    assert fields(view)["region"].native.isVisibleTo(view) == ("image" in study.accepts)
    settings = {**fields(view, "everyday"), **fields(view, "advanced")}
    assert settings.keys() == study.to_dict().keys()


def test_what_a_person_changes_is_emitted(view):
    view.show_study(Impedance(), False)
    changed, edited = Mock(), Mock()
    view.changed.connect(changed)
    view.study_edited.connect(edited)
    fields(view)["side_by_side"].value = True
    changed.assert_called_with("side_by_side", True)
    fields(view)["name"].value = "compare-priors"
    changed.assert_called_with("name", "compare-priors")
    fields(view, "everyday")["iterations"].value = 7
    assert edited.call_args.args[0] == Impedance(iterations=7)
    fields(view)["seed"].value = 5
    changed.assert_called_with("seed", 5)


def test_showing_a_study_emits_nothing(view):
    changed = Mock()
    view.changed.connect(changed)
    view.show_study(Impedance(), True)
    assert not [c for c in changed.call_args_list if c.args[0] in ("name", "side_by_side")]


def test_curves_are_shown_while_there_are_some(view):
    view.show_curves((StudyPicture("a", np.zeros((2, 2)), ((1, 0.5),)),))
    assert drawn(view, "a").isVisible()
    view.show_curves(())
    assert find(view, StudyCurves).isHidden()


def test_everything_has_a_tooltip(view):
    view.show_study(Impedance(), True)
    assert [name for name, widget in fields(view).items() if not widget.tooltip] == []
