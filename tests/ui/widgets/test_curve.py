"""The curve and the slider."""

import pytest

from napari_dip.ui.run.model import Action
from napari_dip.ui.run.timeline import CurvePoint
from napari_dip.ui.widgets.curves import Curve, TimelineBar


@pytest.fixture
def curve(qtbot):
    curve = Curve()
    qtbot.addWidget(curve)
    return curve


@pytest.fixture
def bar(qtbot):
    bar = TimelineBar()
    qtbot.addWidget(bar)
    return bar


def test_loss_and_psnr_are_drawn(curve):
    reports = tuple(CurvePoint(i, 1 / i, 20.0 + i) for i in (1, 2, 3))
    curve.show_reports(reports, None)
    assert 10 ** curve._loss.getOriginalDataset()[1] == pytest.approx([1, 1 / 2, 1 / 3])
    axis = curve._plot.getPlotItem().getAxis("left")
    assert axis.tickStrings([-1, -0.5], 1, 0.5) == ["0.1", "0.32"]
    assert curve._psnr.getData()[1].tolist() == [21, 22, 23]
    assert not curve._stop.isVisible()


def test_the_axes_follow_before_anything_is_drawn(curve):
    curve.show_reports(tuple(CurvePoint(i, 1 / i, 20.0 + i) for i in (1, 50, 100)), None)
    (left, right), (bottom, top) = curve._plot.getPlotItem().vb.viewRange()
    assert left <= 1 < 100 <= right < 200
    assert bottom <= -2 < 0 <= top < 1
    assert curve._right.viewRange()[1][1] >= 120


def test_there_is_a_psnr_axis_only_with_a_reference(curve):
    axis = curve._plot.getPlotItem().getAxis("right")
    curve.show_reports((CurvePoint(1, 0.1, None), CurvePoint(2, 0.0, None)), None)
    assert not axis.isVisible()
    curve.show_reports((CurvePoint(1, 0.1, 20.0),), None)
    assert axis.isVisible()


def test_a_new_run_clears_the_curve(curve):
    curve.show_reports((CurvePoint(1, 0.1, 20.0),), 1)
    curve.show_reports((), None)
    assert curve._psnr.getData()[0] is None or not len(curve._psnr.getData()[0])
    assert not curve._stop.isVisible()


def test_the_stopping_rule_and_the_shown_iteration_are_marked(curve):
    curve.show_reports((CurvePoint(1, 0.1, None), CurvePoint(9, 0.01, None)), 9)
    assert (curve._stop.isVisible(), curve._stop.value()) == (True, 9)
    curve.show_mark(4)
    assert (curve._shown.isVisible(), curve._shown.value()) == (True, 4)
    curve.show_mark(None)
    assert not curve._shown.isVisible()


def test_the_slider_chooses_an_iteration_and_its_end_follows_the_newest(bar):
    heard = []
    bar.iteration_chosen.connect(heard.append)
    bar.show_iterations((1, 10, 20), None)
    assert bar._slider.value() == 2
    assert not heard  # being told is no choice
    bar._slider.setValue(1)
    bar._slider.setValue(2)
    assert heard == [10, None]


def test_a_choice_stays_while_snapshots_come_and_are_thinned(bar):
    bar.show_iterations((1, 10, 20), 10)
    assert bar._slider.value() == 1
    bar.show_iterations((1, 12, 20, 40), 10)
    assert (bar._slider.value(), bar._label.text()) == (1, "12")


def test_without_snapshots_there_is_nothing_to_do(bar):
    assert not bar._slider.isEnabled()
    bar.show_iterations((1,), None)
    assert bar._slider.isEnabled()
    heard = []
    bar.asked.connect(heard.append)
    for button in bar._buttons:
        button.click()
    assert heard == [Action.KEEP, Action.STACK]
