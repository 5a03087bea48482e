"""A run as a person follows it."""

from dataclasses import replace
from unittest.mock import Mock

import pytest
from napari.components import ViewerModel

from napari_dip.ui.restore.run import RestoreRun, RestoreUpdate, WholeImage
from napari_dip.ui.restore.session import RestoreSession, describe
from napari_dip.ui.run.controller import PreviewThrottle, TimeLeft
from napari_dip.ui.run.preview import Preview
from napari_dip.ui.run.thread import Phase
from napari_dip.ui.run.timeline import Timelines

from ..fakes import Engine, FakeView, request_to


def update(iteration, seconds, iterations=100):
    engine = Engine(iterations=iterations)
    return replace(engine.update(iteration), seconds=seconds)


def test_the_time_left_forgets_compiling_and_pauses():
    pace = TimeLeft()
    assert pace.seconds_left(update(1, 0.1)) is None
    left = [pace.seconds_left(update(i, 60 + i)) for i in range(2, 20)]
    assert left[0] > 1000  # it has only seen the compilation
    assert left[-1] == pytest.approx(100 - 19)


def test_progress_is_told_in_words():
    assert describe(update(5, 1), None) == "5 / 100"
    assert describe(update(5, 1), 7.4) == "5 / 100 · 7 s left"
    assert describe(update(5, 1), 125) == "5 / 100 · 2 min 05 s left"


@pytest.mark.parametrize(
    ("phase", "is_shown"),
    [
        (Phase.RUNNING, True),
        (Phase.PAUSED, True),
        (Phase.PAUSING, False),
        (Phase.STOPPING, False),
    ],
)
def test_a_preview_does_not_hold_up_the_iteration_that_a_person_waits_for(phase, is_shown):
    request = request_to(Engine())
    run = Mock(spec=RestoreRun, phase=phase, request=request, image=WholeImage(request))
    run.timelines, run.curves, run.result = Timelines(0, 1), {}, None
    run.take.return_value = RestoreUpdate(5, 100, 1.0, (0, 0), update(5, 1))
    view, throttle = FakeView(), PreviewThrottle(0.2, lambda: 0.0, lambda: 0.0)
    session = RestoreSession(run, Mock(spec=Preview), view, throttle, ViewerModel().dims)
    session.poll()
    assert (view.last_call["show_progress"] == (0.05, "5 / 100")) == is_shown
