"""The Prior lab's dock in a viewer."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_dip.ui.docks import LabDock
from napari_dip.ui.layers.provenance import KEY
from napari_dip.ui.run.controller import RUNS
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase
from napari_dip.ui.studies.slice_names import OVERLAY
from napari_dip.ui.widgets.curves import StudyCurves

from ..find import button, fields, find, plot_item

PATIENCE = 60_000


@pytest.fixture
def viewer(window, make_napari_viewer):
    return make_napari_viewer(show=True)


@pytest.fixture
def dock(viewer):
    widget = LabDock(viewer)
    viewer.window.add_dock_widget(widget)
    return widget


def click(qtbot, dock, action):
    pressed = button(dock, str(action))
    assert pressed.isEnabled()
    qtbot.mouseClick(pressed, Qt.MouseButton.LeftButton)


def fill(dock, **settings):
    for name, value in settings.items():
        fields(dock, "everyday")[name].value = value


def test_samples_from_the_form_to_the_named_stack(qtbot, viewer, dock):
    fill(dock, architectures="hourglass-1, hourglass-2", count=1, size=16, width=4)
    click(qtbot, dock, Action.RUN)
    qtbot.waitUntil(lambda: dock.controller.model.phase is Phase.FINISHED, timeout=PATIENCE)
    (layer,) = viewer.layers
    assert layer.data.shape == (2, 16, 16, 3)
    viewer.dims.set_point(0, 0)
    assert viewer.canvas.overlays[OVERLAY].text == "hourglass-1, weights 1"
    viewer.screenshot()  # the overlay is one that napari can draw


def test_impedance_live_with_pause_resume_and_stop(qtbot, viewer, dock):
    image = np.random.default_rng(0).integers(0, 255, (24, 20), np.uint8)
    layer = viewer.add_image(image, name="cells")
    dock.choose("impedance", image=layer)
    fill(dock, iterations=20_000)
    model = dock.controller.model
    click(qtbot, dock, Action.RUN)
    qtbot.waitUntil(lambda: len(viewer.layers) == 5, timeout=PATIENCE)
    assert len(plot_item(find(dock, StudyCurves)).listDataItems()) == 4
    click(qtbot, dock, Action.PAUSE)
    qtbot.waitUntil(lambda: model.phase is Phase.PAUSED, timeout=PATIENCE)
    click(qtbot, dock, Action.RESUME)
    qtbot.waitUntil(lambda: model.phase is Phase.RUNNING, timeout=PATIENCE)
    click(qtbot, dock, Action.STOP)
    qtbot.waitUntil(lambda: model.phase is Phase.FINISHED, timeout=PATIENCE)
    assert viewer.layers[-1].metadata[KEY]["stop_reason"] == "cancelled"
    assert viewer.canvas.grid.enabled


def test_pitfall_07_closing_the_lab_ends_its_study(qtbot, viewer, dock):
    viewer.add_image(np.random.default_rng(0).random((24, 20)), name="cells")
    dock.choose("impedance")
    fill(dock, iterations=20_000)
    click(qtbot, dock, Action.RUN)
    qtbot.waitUntil(lambda: len(viewer.layers) > 1, timeout=PATIENCE)
    run = RUNS[id(viewer)]
    viewer.window.remove_dock_widget(dock)
    assert run.wait(60)
    assert viewer.layers[-1].metadata[KEY]["stop_reason"] == "interrupted"
