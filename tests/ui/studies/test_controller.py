"""A dock that runs studies, with fakes of the window and of the studies."""

import time

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.errors import UserError
from napari_dip.studies.study import PartUpdate, StudyJob, StudyPart
from napari_dip.ui.layers.kwargs import plain_kwargs
from napari_dip.ui.layers.provenance import KEY
from napari_dip.ui.run.controller import RUNS
from napari_dip.ui.run.model import Action, RunModel
from napari_dip.ui.run.thread import Phase
from napari_dip.ui.studies.controller import StudyController, StudyRequest, StudyView

from ..fakes import FakeView, until


def counting(name, iterations=3):
    def run(should_stop):
        for i in range(1, iterations + 1):
            if i > 1 and should_stop():
                break
            yield PartUpdate(i, np.full((8, 8), float(i)), 1 / i, {"psnr": 20.0 + i})

    return StudyPart(name, iterations, run)


class CountingController(StudyController):
    """Asks for the parts that a test gives it."""

    parts = (counting("a"), counting("b"))
    error = None

    def _request(self):
        if self.error:
            raise UserError(self.error)
        job = StudyJob("counting", "part", self.parts)
        about = {"study": "counting", "seed": 3}
        return StudyRequest("Counted", "part", lambda: job, plain_kwargs(rgb=False), about=about)


@pytest.fixture
def dock():
    viewer = ViewerModel()
    controller = CountingController(RunModel(), FakeView(StudyView), viewer)
    yield controller
    controller.close()
    assert viewer is controller.viewer
    run = RUNS.get(id(viewer))
    assert run is None or run.wait(10)


def until_phase(dock, phase):
    def reached():
        dock.view.ticked.emit()
        return dock.model.phase is phase

    until(reached)


def test_a_study_runs_to_its_end(dock):
    dock.act(Action.RUN)
    until_phase(dock, Phase.FINISHED)
    (layer,) = dock.viewer.layers
    assert (layer.data[:, 0, 0] == 3).all()
    made = layer.metadata[KEY]
    assert (made["study"], made["seed"], made["stop_reason"]) == ("counting", 3, "budget")
    assert made["slices"] == ["a, 23.00 dB", "b, 23.00 dB"]
    assert dock.view.last_call["show_progress"] == (1, "Done: 2 pictures in 0 s; best: a, 23.00 dB")
    assert [p.name for p in dock.view.last_call["show_curves"][0]] == ["a", "b"]
    assert dock.model.allowed == {Action.RUN}


def test_stop_keeps_and_cancel_drops(dock):
    dock.parts = (counting("endless", 10**9),)
    for action, phase, layers in (
        (Action.CANCEL, Phase.DISCARDED, 0),
        (Action.STOP, Phase.FINISHED, 1),
    ):
        dock.act(Action.RUN)
        until_phase(dock, Phase.RUNNING)
        dock.act(action)
        until_phase(dock, phase)
        assert len(dock.viewer.layers) == layers
    assert dock.viewer.layers[0].metadata[KEY]["stop_reason"] == "cancelled"


def test_iterations_stand_still_while_a_study_is_paused(dock):
    iterations = []

    def run(should_stop):
        for update in counting("endless", 10**9).run(should_stop):
            iterations.append(update.iteration)
            yield update

    dock.parts = (StudyPart("endless", 10**9, run),)
    dock.act(Action.RUN)
    dock.act(Action.PAUSE)
    until_phase(dock, Phase.PAUSED)
    count = len(iterations)
    time.sleep(0.2)  # time for hundreds of iterations
    assert len(iterations) == count
    dock.act(Action.RESUME)
    until_phase(dock, Phase.RUNNING)
    until(lambda: len(iterations) > count)


def test_a_missing_input_is_reported_and_nothing_runs(dock):
    dock.error = "image: choose an Image layer"
    dock.act(Action.RUN)
    assert dock.view.last_call["show_message"] == ("image: choose an Image layer", True)
    assert not dock.model.phase.is_active


def test_an_error_in_a_study_is_reported(dock, caplog):
    def fail(should_stop):
        yield PartUpdate(1, np.zeros((8, 8)), 1.0)
        raise UserError("image: it has no finite pixel")

    dock.parts = (StudyPart("a", 3, fail),)
    dock.act(Action.RUN)
    until_phase(dock, Phase.FAILED)
    assert dock.view.last_call["show_message"] == ("image: it has no finite pixel", True)


def test_one_run_at_a_time_in_a_viewer(dock):
    dock.parts = (counting("endless", 10**9),)
    dock.act(Action.RUN)
    other = CountingController(RunModel(), FakeView(StudyView), dock.viewer)
    other.act(Action.RUN)
    assert "another run" in other.view.last_call["show_message"][0]


def test_pitfall_07_closing_the_dock_ends_its_study(dock):
    dock.parts = (counting("endless", 10**9),)
    dock.act(Action.RUN)
    until_phase(dock, Phase.RUNNING)
    until(lambda: dock.view.ticked.emit() or len(dock.viewer.layers))
    run = RUNS[id(dock.viewer)]
    dock.view.closed.emit()
    assert run.wait(10)
    assert dock.viewer.layers[0].metadata[KEY]["stop_reason"] == "interrupted"
    assert not dock.model.phase.is_active
