"""The dock's behaviour, with stand-ins for the window and for the engine."""

import json
import logging

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.upscale import Upscale
from napari_dip.ui.layers.provenance import task_of
from napari_dip.ui.restore.controller import RestoreController
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.restore.request import RestoreRequest
from napari_dip.ui.run.controller import LONGEST_PREVIEW_PAUSE, RUNS
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase

from ..fakes import Engine, FakeView, until


class Dock:
    """Model, view and controller, and clocks that the test moves."""

    def __init__(self, viewer):
        self.now, self.worked = 0.0, 0.0
        self.model, self.view = RestoreModel(), FakeView()
        self.controller = RestoreController(
            self.model, self.view, viewer, clock=lambda: self.now, effort=lambda: self.worked
        )

    def ask(self, action):
        self.view.asked.emit(action)

    def tick(self, seconds=1.0):
        self.now += seconds
        self.view.ticked.emit()

    def until(self, phase):
        def reached():
            self.tick()
            return self.model.phase is phase

        until(reached)

    @property
    def message(self):
        return self.view.last_call["show_message"][0]


@pytest.fixture
def engine(monkeypatch):
    engine = Engine(free=False)
    monkeypatch.setattr(RestoreRequest, "prepare", lambda self: engine)
    return engine


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def make_dock(viewer, engine):
    docks = []

    def make():
        docks.append(Dock(viewer))
        docks[-1].model.image = next(iter(viewer.layers), None)
        return docks[-1]

    yield make
    engine.step(1000)
    for dock in docks:
        dock.controller.close()
    run = RUNS.get(id(viewer))
    assert run is None or run.wait(10)


@pytest.fixture
def dock(viewer, make_dock):
    viewer.add_image(np.random.default_rng(0).random((20, 30), np.float32), name="cells")
    return make_dock()


def run_to(dock, engine, iteration):
    dock.ask(Action.RUN)
    engine.step(iteration)
    until(lambda: len(RUNS[id(dock.controller.viewer)].curves.get((0, 0), ())) == iteration)
    dock.tick()


def test_run_shows_a_layer_that_becomes_the_result(dock, engine, viewer):
    before = viewer.layers["cells"].data.copy()
    run_to(dock, engine, 1)
    layer = viewer.layers["cells [denoise]"]
    assert dock.model.phase is Phase.RUNNING
    assert (layer.data == 1).all()
    assert dock.view.last_call["show_progress"] == (0.2, "1 / 5")
    engine.step(4)
    dock.until(Phase.FINISHED)
    assert (layer.data == 5).all()
    made = layer.metadata["napari-dip"]
    assert (made["iterations"], made["stop_reason"], made["seed"]) == (5, "budget", 3)
    assert made["source"]["layer"] == "cells"
    assert {"napari-dip", "torch", "numpy", "napari"} <= set(made["versions"])
    json.dumps(made)
    assert np.array_equal(viewer.layers["cells"].data, before)


def test_stop_keeps_and_says_so(dock, engine, viewer):
    run_to(dock, engine, 2)
    dock.ask(Action.STOP)
    engine.step()
    dock.until(Phase.FINISHED)
    made = viewer.layers["cells [denoise]"].metadata["napari-dip"]
    assert made["stop_reason"] == "cancelled"
    assert dock.view.last_call["show_progress"][1].startswith("Stopped: ")


def test_cancel_leaves_nothing(dock, engine, viewer):
    run_to(dock, engine, 2)
    dock.ask(Action.CANCEL)
    engine.step()
    dock.until(Phase.DISCARDED)
    assert [layer.name for layer in viewer.layers] == ["cells"]


def test_pause_and_resume(dock, engine):
    run_to(dock, engine, 1)
    dock.ask(Action.PAUSE)
    engine.step()
    dock.until(Phase.PAUSED)
    assert Action.RESUME in dock.view.last_call["show_phase"][1]
    dock.ask(Action.RESUME)
    engine.step(10)
    dock.until(Phase.FINISHED)


def test_pitfall_01_a_failed_run_says_why_and_can_be_repeated(dock, engine, viewer, caplog):
    engine.error = RuntimeError("CUDA out of memory")
    with caplog.at_level(logging.CRITICAL):
        dock.ask(Action.RUN)
        engine.step(10)
        dock.until(Phase.FAILED)
    assert "CUDA out of memory" in dock.message
    assert dock.view.last_call["show_message"][1] is True
    engine.error = None
    dock.ask(Action.RUN)
    assert dock.message == ""
    dock.until(Phase.FINISHED)


def test_pitfall_05_previews_are_limited_by_time(dock, engine):
    engine.iterations = 100
    run_to(dock, engine, 1)
    shown = dock.view.count["show_progress"]
    for i in range(2, 12):
        engine.step()
        until(lambda: len(dock.controller._session.run.curves[0, 0]) == i)  # noqa: B023
        dock.tick(0.1)
    assert dock.view.count["show_progress"] - shown == 5


@pytest.mark.parametrize(("work", "previews"), [(0.001, 5), (0.012, 2), (10, 0)])
def test_a_window_that_draws_slowly_shows_fewer_previews(dock, engine, work, previews):
    engine.iterations = 100
    run_to(dock, engine, 1)
    dock.worked += work  # what the last preview took
    shown = dock.view.count["show_progress"]
    for i in range(2, 12):
        engine.step()
        until(lambda: len(dock.controller._session.run.curves[0, 0]) == i)  # noqa: B023
        before = dock.view.count["show_progress"]
        dock.tick(0.1)
        dock.worked += work * (dock.view.count["show_progress"] - before)
    assert dock.view.count["show_progress"] - shown == previews
    dock.tick(LONGEST_PREVIEW_PAUSE)
    assert dock.view.count["show_progress"] - shown >= 1


def test_pitfall_08_a_late_update_of_an_old_run_reaches_no_layer(dock, engine, viewer):
    run_to(dock, engine, 1)
    dock.view.closed.emit()
    old = RUNS[id(viewer)]
    layer = viewer.layers["cells [denoise]"]
    told = dict(dock.view.last_call)
    engine.step(10)
    assert old.wait(10)
    dock.tick()
    assert layer in viewer.layers
    assert (layer.data == 1).all()
    assert dock.view.last_call == told
    assert layer.metadata["napari-dip"]["stop_reason"] == "interrupted"


def test_pitfall_07_closing_twice_is_fine_and_leaves_no_thread(dock, engine, viewer):
    run_to(dock, engine, 1)
    dock.view.closed.emit()
    dock.view.closed.emit()
    engine.step(10)
    assert RUNS[id(viewer)].wait(10)
    assert dock.view.last_call["set_ticking"] == (False,)
    assert dock.model.phase is Phase.IDLE


def test_pitfall_07_closing_after_the_end_leaves_the_result_as_it_is(dock, engine, viewer):
    run_to(dock, engine, 1)
    engine.step(10)
    dock.until(Phase.FINISHED)
    dock.view.closed.emit()
    made = viewer.layers["cells [denoise]"].metadata["napari-dip"]
    assert made["stop_reason"] == "budget"


def test_a_second_dock_is_refused_while_a_run_goes_on(dock, engine, make_dock):
    run_to(dock, engine, 1)
    other = make_dock()
    other.ask(Action.RUN)
    assert "another run" in other.message
    assert other.model.phase is Phase.IDLE
    engine.step(10)
    dock.until(Phase.FINISHED)
    other.ask(Action.RUN)
    other.until(Phase.FINISHED)


def test_a_run_is_refused_while_a_closed_docks_run_still_ends(dock, engine, make_dock):
    run_to(dock, engine, 1)
    dock.view.closed.emit()
    other = make_dock()
    other.ask(Action.RUN)
    assert "another run" in other.message


def test_a_source_that_goes_away_does_not_matter(dock, engine, viewer):
    run_to(dock, engine, 1)
    viewer.layers.remove("cells")
    engine.step(10)
    dock.until(Phase.FINISHED)
    assert (viewer.layers["cells [denoise]"].data == 5).all()


def test_the_timeline_shows_earlier_snapshots(dock, engine, viewer):
    run_to(dock, engine, 3)
    dock.view.iteration_chosen.emit(2)
    layer = viewer.layers["cells [denoise]"]
    assert (layer.data == 2).all()
    engine.step(2)
    dock.until(Phase.FINISHED)
    assert (layer.data == 2).all()  # a person's choice is not overruled
    assert layer.metadata["napari-dip"]["iterations"] == 2
    assert dock.view.last_call["show_timeline"] == ((1, 2, 3, 4, 5), 2)
    dock.view.iteration_chosen.emit(None)
    assert (layer.data == 5).all()
    assert layer.metadata["napari-dip"]["stop_reason"] == "budget"


def test_the_curve_marks_where_a_stopping_rule_was_met(dock, engine):
    engine.ending = "rule"
    run_to(dock, engine, 1)
    assert dock.view.last_call["show_curve"][1] is None
    engine.step(4)
    dock.until(Phase.FINISHED)
    assert dock.view.last_call["show_curve"][1] == 5
    assert dock.view.last_call["show_progress"][1].startswith("Done: the stopping rule was met")
    dock.view.iteration_chosen.emit(2)
    assert dock.view.last_call["show_curve"][1] == 5


def test_a_snapshot_is_kept_and_all_are_stacked(dock, engine, viewer):
    run_to(dock, engine, 3)
    dock.view.iteration_chosen.emit(2)
    dock.ask(Action.KEEP)
    assert (viewer.layers["cells [denoise] 2"].data == 2).all()
    dock.ask(Action.STACK)
    stack = viewer.layers["cells [denoise] iterations"]
    assert stack.data[:, 0, 0].tolist() == [1, 2, 3]
    assert stack.metadata["napari-dip"]["snapshots"] == [1, 2, 3]
    assert stack.axis_labels[0] == "iteration"


def test_there_is_no_snapshot_before_a_run(dock):
    dock.ask(Action.KEEP)
    assert "no snapshot yet" in dock.message


def test_settings_are_copied_and_pasted(dock):
    dock.model.task = Denoise(iterations=7)
    dock.ask(Action.COPY)
    dock.model.task = Denoise()
    dock.model.name = "inpaint"
    dock.ask(Action.PASTE)
    assert dock.model.task == Denoise(iterations=7)
    assert dock.view.last_call["show_task"] == (Denoise(iterations=7),)


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"task": "fly"}', '{"task": "denoise", "x": 1}'])
def test_a_paste_of_something_else_is_refused(dock, text):
    dock.view.clipboard = text
    dock.ask(Action.PASTE)
    assert dock.view.last_call["show_message"][1] is True
    assert dock.model.task == Denoise()


def test_settings_come_back_from_a_layer(dock, engine, viewer):
    run_to(dock, engine, 1)
    engine.step(10)
    dock.until(Phase.FINISHED)
    viewer.layers.selection.active = layer = viewer.layers["cells [denoise]"]
    dock.model.task = Inpaint()
    dock.ask(Action.FROM_LAYER)
    assert dock.model.task == Denoise(iterations=5) == task_of(layer)
    viewer.layers.selection.active = viewer.layers["cells"]
    dock.ask(Action.FROM_LAYER)
    assert "was not made here" in dock.message


def test_settings_of_one_image_do_not_reach_another(dock, viewer):
    first, second = (viewer.add_image(np.zeros((16, 16)), name=name) for name in "ab")
    dock.view.changed.emit("image", first)
    own = Denoise(sigma=0.1, iterations=7, filters=(8, 16))
    dock.view.task_edited.emit(own)
    dock.view.changed.emit("image", first)
    assert dock.model.task == own
    dock.view.changed.emit("image", second)
    assert dock.model.task == Denoise(filters=(8, 16))
    assert dock.view.last_call["show_task"] == (Denoise(filters=(8, 16)),)
    assert "iterations, sigma: cleared" in dock.message


def test_a_new_mask_is_added_ready_to_paint(dock, viewer):
    dock.ask(Action.NEW_MASK)
    (mask,) = dock.view.last_call["start_painting"]
    assert mask is viewer.layers["cells missing"]


def test_without_an_image_there_is_a_message(dock):
    dock.model.image = None
    for action in (Action.RUN, Action.NEW_MASK):
        dock.model.say("")
        dock.ask(action)
        assert "image: choose" in dock.message


def test_memory_and_device_are_estimated(dock, viewer):
    dock.view.task_edited.emit(Upscale(filters=(4, 4)))
    dock.view.changed.emit("device", "cpu")

    def answered():
        dock.tick()
        return dock.view.last_call.get("show_estimate", ("",))[0]

    until(answered, 60)
    text, is_warning = dock.view.last_call["show_estimate"]
    assert text.startswith("cpu: about 0.")
    assert not is_warning
