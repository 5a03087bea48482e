"""The Restore dock in a real viewer, with the real engine and a tiny network."""

import gc
import weakref

import numpy as np
import pytest
from qtpy.QtCore import QTimer

from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.upscale import Upscale
from napari_dip.ui.docks import RestoreDock
from napari_dip.ui.run.controller import RUNS
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase

from .find import fields, find

TINY = {"filters": (4, 4), "iterations": 3, "input_noise": 0.0}
ENDLESS = {**TINY, "iterations": 10**6}
NAME = "Deep Image Prior: Restore"


@pytest.fixture
def viewer(window, make_napari_viewer):
    viewer = make_napari_viewer()
    image = np.random.default_rng(0).integers(500, 3000, (24, 32), np.uint16)
    viewer.add_image(image, name="cells", scale=(0.5, 0.5), units=("um", "um"))
    return viewer


@pytest.fixture
def dock(viewer):
    view = RestoreDock(viewer)
    viewer.window.add_dock_widget(view, name=NAME)
    return view


def model(dock):
    return dock.controller.model


def run(dock, qtbot, task):
    dock.task_edited.emit(task)
    dock.asked.emit(Action.RUN)
    assert model(dock).phase.is_active, model(dock).message


def reach(dock, qtbot, *phases):
    qtbot.waitUntil(lambda: model(dock).phase in phases, timeout=60_000)


def test_npe2_opens_the_dock(window, make_napari_viewer):
    viewer = make_napari_viewer()
    _, widget = viewer.window.add_plugin_dock_widget("napari-dip", NAME)
    assert widget.controller.model.image is None
    image = viewer.add_image(np.zeros((20, 30)))
    assert widget.controller.model.image is image
    image.name = "renamed"
    combo = fields(widget)["image"].native
    assert combo.currentText() == "renamed"


def test_run_pause_resume_stop_and_keep(dock, qtbot, viewer):
    run(dock, qtbot, Denoise(**ENDLESS))
    reach(dock, qtbot, Phase.RUNNING)
    layer = viewer.layers["cells [denoise]"]
    dock.asked.emit(Action.PAUSE)
    reach(dock, qtbot, Phase.PAUSED)
    dock.asked.emit(Action.RESUME)
    reach(dock, qtbot, Phase.RUNNING)
    dock.asked.emit(Action.STOP)
    reach(dock, qtbot, Phase.FINISHED)
    assert layer.metadata["napari-dip"]["stop_reason"] == "cancelled"
    assert layer.data.dtype == np.uint16
    assert layer.units == viewer.layers["cells"].units
    assert np.array_equal(layer.scale, (0.5, 0.5))
    assert layer.contrast_limits == viewer.layers["cells"].contrast_limits


def test_cancel_removes_the_layer(dock, qtbot, viewer):
    run(dock, qtbot, Denoise(**ENDLESS))
    reach(dock, qtbot, Phase.RUNNING)
    dock.asked.emit(Action.CANCEL)
    reach(dock, qtbot, Phase.DISCARDED)
    assert [layer.name for layer in viewer.layers] == ["cells"]


def test_a_new_mask_is_painted_on_and_inpainted(dock, qtbot, viewer):
    dock.changed.emit("name", "inpaint")
    dock.asked.emit(Action.NEW_MASK)
    mask = viewer.layers["cells missing"]
    assert mask.mode == "paint"
    assert viewer.layers.selection.active is mask
    assert model(dock).mask is mask
    mask.paint((10, 12), 1)
    assert mask.data.any()
    run(dock, qtbot, Inpaint(**TINY))
    reach(dock, qtbot, Phase.FINISHED)
    result = viewer.layers["cells [inpaint]"].data
    known = mask.data == 0
    assert np.array_equal(result[known], viewer.layers["cells"].data[known])
    assert not np.array_equal(result[~known], viewer.layers["cells"].data[~known])


def test_an_upscaled_layer_lies_over_its_source(dock, qtbot, viewer):
    run(dock, qtbot, Upscale(factor=2, **TINY))
    reach(dock, qtbot, Phase.FINISHED)
    source, result = viewer.layers["cells"], viewer.layers["cells [upscale]"]
    assert result.data.shape == (48, 64)
    rims = [(source, (-0.5, -0.5), (23.5, 31.5)), (result, (-0.5, -0.5), (47.5, 63.5))]
    corners = [[layer.data_to_world(pixel) for pixel in rim] for layer, *rim in rims]
    assert np.allclose(*corners)


def test_uncertainty_becomes_a_layer(dock, qtbot, viewer):
    run(dock, qtbot, Denoise(**TINY, uncertainty=True, runs=2))
    reach(dock, qtbot, Phase.FINISHED)
    layer = viewer.layers["cells [denoise] uncertainty"]
    assert layer.data.std() > 0
    assert np.array_equal(layer.scale, viewer.layers["cells"].scale)


def test_pitfall_07_closing_the_dock_ends_the_run(dock, qtbot, viewer):
    run(dock, qtbot, Denoise(**ENDLESS))
    reach(dock, qtbot, Phase.RUNNING)
    viewer.window.remove_dock_widget(dock)
    assert RUNS[id(viewer)].wait(10)
    assert not find(dock, QTimer, "ticker").isActive()
    assert viewer.layers["cells [denoise]"].metadata["napari-dip"]["stop_reason"] == "interrupted"
    dock.deleteLater()


@pytest.mark.parametrize("paused", [False, True])
def test_pitfall_08_closing_the_viewer_ends_the_run(dock, qtbot, viewer, paused):
    run(dock, qtbot, Denoise(**ENDLESS))
    reach(dock, qtbot, Phase.RUNNING)
    if paused:
        dock.asked.emit(Action.PAUSE)
        reach(dock, qtbot, Phase.PAUSED)
    fit = RUNS[id(viewer)]
    viewer.close()
    qtbot.waitUntil(lambda: fit.wait(0), timeout=10_000)


def test_nothing_holds_a_run_after_its_dock_is_gone(dock, qtbot, viewer):
    run(dock, qtbot, Denoise(**TINY))
    reach(dock, qtbot, Phase.FINISHED)
    fit = weakref.ref(RUNS[id(viewer)])
    viewer.window.remove_dock_widget(dock)
    dock.controller = None
    dock.deleteLater()

    def is_gone():
        gc.collect()
        return fit() is None

    qtbot.waitUntil(is_gone, timeout=10_000)


def test_settings_are_remembered(dock, qtbot, viewer):
    run(dock, qtbot, Denoise(**TINY))
    reach(dock, qtbot, Phase.FINISHED)
    other = RestoreDock(viewer)
    qtbot.addWidget(other)
    assert model(other).task == Denoise(**TINY).for_another_image()
