"""The docks as a person meets them: in a real window, with the mouse, and the real engine."""

import json
import logging
import threading

import dask.array as da
import numpy as np
import pytest
from napari.utils import progress
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QLabel

from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.upscale import Upscale
from napari_dip.ui.docks import RestoreDock
from napari_dip.ui.layers.provenance import KEY, task_to_dict
from napari_dip.ui.restore import request as request_module
from napari_dip.ui.run.controller import RUNS
from napari_dip.ui.run.model import Action, StackScope
from napari_dip.ui.run.thread import Phase

from ..find import button, fields

TINY = {"filters": (4, 4), "iterations": 3, "input_noise": 0.0}
ENDLESS = {**TINY, "iterations": 10**6}
LONG = {**TINY, "iterations": 20_000}  # an endless one reports too rarely to be watched
MICROGRAPH = np.random.default_rng(0).integers(500, 3000, (24, 32), np.uint16)
PLACE = {"scale": (0.5, 0.25), "translate": (3, -2), "rotate": 30, "units": ("um", "um")}
CONTROLS = (Action.PAUSE, Action.STOP, Action.CANCEL)


class Person:
    """Someone at a dock, who sees and clicks."""

    def __init__(self, qtbot, viewer):
        self.qtbot, self.viewer = qtbot, viewer
        self.dock = RestoreDock(viewer)
        viewer.window.add_dock_widget(self.dock)

    def button(self, action):
        return button(self.dock, action)

    def click(self, action):
        assert self.button(action).isEnabled()
        self.qtbot.mouseClick(self.button(action), Qt.MouseButton.LeftButton)

    def fill(self, task):
        QApplication.clipboard().setText(json.dumps(task_to_dict(task)))
        self.click(Action.PASTE)

    def wait(self, condition):
        self.qtbot.waitUntil(condition, timeout=60_000)

    def wait_for(self, phase):
        self.wait(lambda: self.dock.controller.model.phase is phase)

    def restore(self, task):
        """Run to the end; the result's layer."""
        before = set(self.viewer.layers)
        self.fill(task)
        self.click(Action.RUN)
        self.wait(self.button(Action.RUN).isEnabled)
        assert self.message == ""
        (result,) = set(self.viewer.layers) - before
        return result

    @property
    def message(self):
        return self.dock.findChild(QLabel, "message").text()


@pytest.fixture
def viewer(window, make_napari_viewer):
    return make_napari_viewer(show=True)


@pytest.fixture
def person(qtbot, viewer):
    return Person(qtbot, viewer)


@pytest.fixture
def cells(viewer):
    return viewer.add_image(MICROGRAPH.copy(), name="cells", contrast_limits=(400, 2500), **PLACE)


def outline(layer):
    """The outer corners of a picture's pixels, in the world."""
    rows, columns = layer.data.shape[:2]
    corners = [(0, 0), (0, columns), (rows, 0), (rows, columns)]
    return [layer.data_to_world(np.array(corner) - 0.5) for corner in corners]


def test_click_run_pause_resume_stop_and_keep(person, viewer, cells):
    person.fill(Denoise(**LONG))
    person.click(Action.RUN)
    person.wait(lambda: "cells [denoise]" in viewer.layers)
    layer = viewer.layers["cells [denoise]"]
    kinds = {layer.data.dtype}
    layer.events.set_data.connect(lambda event: kinds.add(layer.data.dtype))
    assert not person.button(Action.RUN).isEnabled()
    person.click(Action.PAUSE)
    person.wait(person.button(Action.RESUME).isVisible)
    held = layer.metadata[KEY]["iterations"]
    person.click(Action.RESUME)
    person.wait(lambda: layer.metadata[KEY]["iterations"] > held)
    person.click(Action.STOP)
    person.wait(person.button(Action.RUN).isEnabled)
    made = layer.metadata[KEY]
    assert (made["stop_reason"], made["task"], made["seed"]) == ("cancelled", "denoise", 0)
    assert list(made["settings"]["filters"]) == [4, 4]
    assert made["iterations"] > held
    assert made["device"] == "cpu" or made["device"].startswith(("cuda", "mps"))
    assert made["source"]["layer"] == "cells"
    assert made["versions"].keys() >= {"napari-dip", "torch", "napari"}
    # pitfall 10: one dtype from the first preview to the result
    assert kinds == {np.dtype(np.uint16)}
    assert not any(person.button(action).isEnabled() for action in CONTROLS)


def test_a_micrograph_comes_back_as_it_was(person, cells):
    result = person.restore(Denoise(**TINY))
    assert result.data.dtype == np.uint16
    assert result.units == cells.units
    assert result.contrast_limits == cells.contrast_limits
    assert np.allclose(result.scale, cells.scale)
    assert np.allclose(outline(result), outline(cells))
    assert np.array_equal(cells.data, MICROGRAPH)


def test_pitfall_14_a_picture_of_four_times_the_size_lies_exactly_over_its_source(person, cells):
    result = person.restore(Upscale(factor=4, **TINY))
    assert result.data.shape == (96, 128)
    assert np.allclose(outline(result), outline(cells))
    assert result.units == cells.units
    assert result.contrast_limits == cells.contrast_limits


FLOATS = np.random.default_rng(1).random((24, 32), np.float32)
LAYERS = {
    "bytes": ((MICROGRAPH // 16).astype(np.uint8), {}),
    "doubles": (FLOATS.astype(float), {}),
    "lazy": (da.from_array(FLOATS, chunks=8), {}),
    "pyramid": ([FLOATS, FLOATS[::2, ::2]], {"multiscale": True}),
    "colour": (np.stack([FLOATS] * 3, axis=-1), {"rgb": True}),
    "transparent": (np.stack([FLOATS] * 4, axis=-1), {"rgb": True}),
    "three thin planes": (np.stack([FLOATS] * 3, axis=-1).transpose(2, 0, 1), {"rgb": False}),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_of_many_kinds_are_restored_and_left_alone(person, viewer, kind):
    data, options = LAYERS[kind]
    source = viewer.add_image(data, **options)
    full = np.array(source.data[0] if source.multiscale else source.data)
    result = person.restore(Denoise(**TINY))
    slices = 1 if kind == "three thin planes" else None  # of a stack, the one on display
    assert result.data.shape == (full[:slices] if slices else full).shape
    assert result.data.dtype == (np.float32 if full.dtype == float else full.dtype)
    assert result.rgb == source.rgb
    assert not result.multiscale
    assert np.isfinite(result.data).all()
    assert np.array_equal(np.asarray(source.data[0] if source.multiscale else source.data), full)


@pytest.mark.parametrize("rgb", [False, True])
def test_a_movie_is_restored_frame_after_frame(person, viewer, rgb):
    shape, dtype = ((3, 24, 32, 3), np.uint8) if rgb else ((3, 24, 32), np.uint16)
    values = np.random.default_rng(0).integers(0, 255, shape, dtype)
    movie = viewer.add_image(values, name="movie", axis_labels=("t", "y", "x"), rgb=rgb)
    person.dock.choose(image=movie)
    fields(person.dock)["scope"].value = StackScope.SLICES
    assert person.dock.findChild(QLabel, "partition").text().startswith("3 frames one by one")
    result = person.restore(Denoise(**TINY))
    assert (result.data.shape, result.data.dtype, result.rgb) == (shape, dtype, rgb)
    assert result.metadata[KEY]["tiles"] == [3, 3]
    viewer.dims.set_point(0, 0)
    assert viewer.screenshot(flash=False)[..., :3].any()


def test_missing_values_are_filled_and_stay_missing_in_the_source(person, viewer):
    holed = FLOATS.copy()
    holed[5:8, 6:12] = np.nan
    source = viewer.add_image(holed.copy(), contrast_limits=(0, 1))
    result = person.restore(Inpaint(**TINY))
    assert np.isfinite(result.data).all()
    assert np.array_equal(source.data, holed, equal_nan=True)


def test_labels_of_64_bits_are_a_mask(person, viewer, cells):
    labels = np.zeros(MICROGRAPH.shape, np.int64)
    labels[5:8, 6:12] = 2**40
    viewer.add_labels(labels, **PLACE)
    person.dock.choose(mask=viewer.layers[-1])
    result = person.restore(Inpaint(**TINY))
    changed = result.data != MICROGRAPH
    assert changed.any()
    assert not changed[labels == 0].any()


def test_a_second_dock_is_told_to_wait(person, qtbot, viewer, cells):
    other = Person(qtbot, viewer)
    person.fill(Denoise(**ENDLESS))
    person.click(Action.RUN)
    person.wait(lambda: len(viewer.layers) == 2)
    other.click(Action.RUN)
    assert "another run" in other.message
    assert other.button(Action.RUN).isEnabled()
    person.click(Action.CANCEL)
    person.wait_for(Phase.DISCARDED)
    assert len(viewer.layers) == 1
    assert other.restore(Denoise(**TINY)).name == "cells [denoise]"


def test_all_layers_are_removed_during_a_run(person, viewer, cells):
    person.fill(Denoise(**ENDLESS))
    person.click(Action.RUN)
    person.wait(lambda: len(viewer.layers) == 2)
    viewer.layers.clear()
    person.click(Action.STOP)
    person.wait(person.button(Action.RUN).isEnabled)
    assert [layer.name for layer in viewer.layers] == ["cells [denoise]"]


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), ValueError("a bug")])
def test_pitfall_01_an_engine_that_fails_is_told_and_the_dock_goes_on(
    person, viewer, cells, monkeypatch, caplog, error
):
    caplog.set_level(logging.CRITICAL)
    prepare = request_module.prepare

    class Failing:
        def __init__(self, job):
            self.job = job

        def run(self, should_stop):
            yield next(iter(self.job.run(should_stop)))
            raise error

    monkeypatch.setattr(
        request_module, "prepare", lambda *args, **kwargs: Failing(prepare(*args, **kwargs))
    )
    person.fill(Denoise(**TINY))
    person.click(Action.RUN)
    person.wait_for(Phase.FAILED)
    assert str(error) in person.message
    assert not any(person.button(action).isEnabled() for action in CONTROLS)
    monkeypatch.undo()
    person.restore(Denoise(**TINY))


def test_pitfall_06_napari_progress_is_never_made_on_a_thread(person, cells, monkeypatch):
    made = []
    make = progress.__init__

    def noted(*args, **kwargs):
        made.append(threading.current_thread())
        make(*args, **kwargs)

    monkeypatch.setattr(progress, "__init__", noted)
    person.restore(Denoise(**TINY))
    assert made
    assert set(made) == {threading.main_thread()}


def test_pitfall_07_hiding_the_dock_does_not_end_the_run(person, viewer, cells):
    person.fill(Denoise(**LONG))
    person.click(Action.RUN)
    person.wait(lambda: len(viewer.layers) == 2)
    run, outer = RUNS[id(viewer)], person.dock.parent()
    for change in (outer.hide, outer.show, lambda: outer.setFloating(True), outer.hide):
        change()
        person.wait(lambda: person.dock.isVisible() == outer.isVisible())
        assert run.phase is Phase.RUNNING
    done = len(run.curves[0, 0])
    person.wait(lambda: len(run.curves[0, 0]) > done)


def test_pitfall_08_closing_the_viewer_in_mid_run_leaves_no_thread(person, viewer, cells):
    person.fill(Denoise(**ENDLESS))
    person.click(Action.RUN)
    person.wait(lambda: len(viewer.layers) == 2)
    run = RUNS[id(viewer)]
    viewer.close()
    person.qtbot.waitUntil(lambda: not run._thread.is_alive(), timeout=10_000)
    assert run.result is None
