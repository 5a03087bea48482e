"""The dock that visualizes a classifier, in a real viewer, with a tiny classifier."""

import sys

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel, QPushButton

from napari_dip import Invert
from napari_dip.ui.layers.provenance import KEY
from napari_dip.ui.run.controller import RUNS
from napari_dip.ui.run.thread import Phase

from ..find import button, find

NAME = "Deep Image Prior: Look inside a classifier"

NET = """
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(392, 4)), {"size": 16}
"""

TINY = Invert(iterations=3, filters=(4,), precision="float32")


@pytest.fixture
def viewer(window, make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def dock(viewer, tmp_path, monkeypatch, qtbot):
    """The dock as napari opens it, with its classifier loaded and a layer ticked."""
    (tmp_path / "net_of_a_window.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    _, dock = viewer.window.add_plugin_dock_widget("napari-dip", NAME)
    image = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    viewer.add_image(image, name="cells", rgb=True)
    dock.choose("invert", viewer.layers[0], model="net_of_a_window:net")
    button(dock, "Load").click()
    qtbot.waitUntil(lambda: dock.controller.model.classifier is not None, timeout=60_000)
    dock.tick("0")
    yield dock
    sys.modules.pop("net_of_a_window", None)


def run(dock, qtbot, visualization, phase):
    dock.visualization_edited.emit(visualization)
    dock.findChild(QPushButton, "run").click()
    assert dock.controller.model.phase.is_active, dock.controller.model.message
    qtbot.waitUntil(lambda: dock.controller.model.phase is phase, timeout=60_000)


def test_layers_are_inverted_by_clicks(dock, viewer, qtbot):
    run(dock, qtbot, TINY, Phase.FINISHED)
    made = viewer.layers[-1]
    assert made.name == "cells [invert]"
    assert made.data.shape == (1, 16, 16, 3)
    assert made.rgb
    assert made.metadata[KEY]["scores"].keys() == {"0"}
    assert dock.findChild(QLabel, "status").text().startswith("Done: 1 picture in")


def test_classes_are_maximised_by_clicks(dock, viewer, qtbot):
    dock.choose("maximize")
    dock.tick("1", "2")
    visualization = dock.controller.model.visualization.replace(
        iterations=3, filters=(4,), precision="float32"
    )
    run(dock, qtbot, visualization, Phase.FINISHED)
    assert viewer.layers[-1].data.shape == (2, 16, 16, 3)


def test_pitfall_07_closing_the_dock_ends_its_run(dock, viewer, qtbot):
    run(dock, qtbot, TINY.replace(iterations=10**6), Phase.RUNNING)
    live = RUNS[id(viewer)]
    module = dock.controller.model.classifier.module
    viewer.window.remove_dock_widget(dock)
    assert live.wait(10)
    assert not find(dock, QTimer, "ticker").isActive()
    assert module.training  # as it was made
