"""Plots of a fit and of a study, and the slider along a fit."""

import numpy as np
import pytest
from qtpy.QtWidgets import QLabel, QPushButton, QSlider

from napari_dip.studies.study import StudyPicture
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.timeline import CurvePoint
from napari_dip.ui.widgets.curves import CURVE_COLOURS, FitCurve, StudyCurves, TimelineBar

from ..find import drawn, find, plot_item


@pytest.fixture
def curve(qtbot):
    curve = FitCurve()
    qtbot.addWidget(curve)
    return curve


@pytest.fixture
def bar(qtbot):
    bar = TimelineBar()
    qtbot.addWidget(bar)
    return bar


@pytest.fixture
def curves(qtbot):
    curves = StudyCurves()
    qtbot.addWidget(curves)
    return curves


def test_loss_and_psnr_are_drawn(curve):
    reports = tuple(CurvePoint(i, 1 / i, 20.0 + i) for i in (1, 2, 3))
    curve.show_reports(reports, None)
    assert 10 ** drawn(curve, "loss").getOriginalDataset()[1] == pytest.approx([1, 1 / 2, 1 / 3])
    axis = plot_item(curve).getAxis("left")
    assert axis.tickStrings([-1, -0.5], 1, 0.5) == ["0.1", "0.32"]
    assert drawn(curve, "PSNR").getData()[1].tolist() == [21, 22, 23]
    assert not drawn(curve, "stop").isVisible()


def test_the_axes_follow_before_anything_is_drawn(curve):
    curve.show_reports(tuple(CurvePoint(i, 1 / i, 20.0 + i) for i in (1, 50, 100)), None)
    (left, right), (bottom, top) = plot_item(curve).vb.viewRange()
    assert left <= 1 < 100 <= right < 200
    assert bottom <= -2 < 0 <= top < 1
    assert drawn(curve, "PSNR").getViewBox().viewRange()[1][1] >= 120


def test_there_is_a_psnr_axis_only_with_a_reference(curve):
    axis = plot_item(curve).getAxis("right")
    curve.show_reports((CurvePoint(1, 0.1, None), CurvePoint(2, 0.0, None)), None)
    assert not axis.isVisible()
    curve.show_reports((CurvePoint(1, 0.1, 20.0),), None)
    assert axis.isVisible()


def test_a_new_run_clears_the_curve(curve):
    curve.show_reports((CurvePoint(1, 0.1, 20.0),), 1)
    curve.show_reports((), None)
    iterations, _ = drawn(curve, "PSNR").getData()
    assert iterations is None or not len(iterations)
    assert not drawn(curve, "stop").isVisible()


def test_the_stopping_rule_and_the_shown_iteration_are_marked(curve):
    curve.show_reports((CurvePoint(1, 0.1, None), CurvePoint(9, 0.01, None)), 9)
    stop, shown = drawn(curve, "stop"), drawn(curve, "shown")
    assert (stop.isVisible(), stop.value()) == (True, 9)
    curve.show_mark(4)
    assert (shown.isVisible(), shown.value()) == (True, 4)
    curve.show_mark(None)
    assert not shown.isVisible()


def test_the_slider_chooses_an_iteration_and_its_end_follows_the_newest(bar):
    heard = []
    bar.iteration_chosen.connect(heard.append)
    bar.show_iterations((1, 10, 20), None)
    slider = find(bar, QSlider)
    assert slider.value() == 2
    assert not heard  # only a person chooses
    slider.setValue(1)
    slider.setValue(2)
    assert heard == [10, None]


def test_a_choice_stays_while_snapshots_come_and_are_thinned(bar):
    bar.show_iterations((1, 10, 20), 10)
    assert find(bar, QSlider).value() == 1
    bar.show_iterations((1, 12, 20, 40), 10)
    assert find(bar, QSlider).value() == 1
    assert find(bar, QLabel, "iteration").text() == "12"


def test_slider_and_buttons_are_enabled_only_with_snapshots(bar):
    assert not find(bar, QSlider).isEnabled()
    bar.show_iterations((1,), None)
    assert find(bar, QSlider).isEnabled()
    heard = []
    bar.asked.connect(heard.append)
    for button in bar.findChildren(QPushButton):
        button.click()
    assert heard == [Action.KEEP, Action.STACK]


def picture(name, *losses):
    return StudyPicture(name, np.zeros((2, 2)), tuple(enumerate(losses, start=1)))


def losses_drawn(curves):
    return {x.name(): x.getData()[1].tolist() for x in plot_item(curves).listDataItems()}


def test_each_fitted_picture_has_a_curve_and_its_name_in_its_colour(curves):
    curves.show_pictures((picture("a", 0.1, 0.01), picture("bicubic"), picture("c<d", 1.0)))
    assert losses_drawn(curves) == {"a": [-1, -2], "c<d": [0]}
    text = find(curves, QLabel, "legend").text()
    assert text.index(CURVE_COLOURS[0]) < text.index(";a ") < text.index(CURVE_COLOURS[1])
    assert "bicubic" not in text
    assert "c&lt;d" in text
    assert plot_item(curves).getAxis("left").tickStrings([-2], 1, 1) == ["0.01"]


def test_losses_below_zero_have_a_linear_axis(curves):
    curves.show_pictures((picture("unit 3", 0.5, -2.0),))
    assert losses_drawn(curves) == {"unit 3": [0.5, -2.0]}
    assert plot_item(curves).getAxis("left").tickStrings([-2], 1, 1) == ["-2"]


def test_a_new_study_begins_with_an_empty_plot(curves):
    curves.show_pictures((picture("a", 1.0), picture("b", 1.0)))
    curves.show_pictures((picture("b", 1.0),))
    assert list(losses_drawn(curves)) == ["b"]
    curves.show_pictures(())
    assert not losses_drawn(curves)
    assert curves.isHidden()
