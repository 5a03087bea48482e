"""The dock that visualizes a classifier, with a fake of its view."""

import sys
import threading

import numpy as np
import pytest
import torch
from napari.components import ViewerModel
from psygnal import Signal
from torch import nn

from napari_dip import Classifier, Invert, Maximize, Preprocessing
from napari_dip.ui.layers.provenance import KEY
from napari_dip.ui.run.controller import RUNS
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase
from napari_dip.ui.studies.classifier_controller import (
    ClassifierChoice,
    VisualizationController,
    VisualizationModel,
    VisualizationView,
)

from ..fakes import FakeView, until


class FakeVisualizationView(FakeView):
    visualization_edited = Signal(object)


QUICK = {"iterations": 3, "filters": (4,), "precision": "float32"}

NET = """
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(300, 4)), {
        "size": 12, "mean": 0.5, "std": 0.5
    }
"""


@pytest.fixture
def dock(tmp_path, monkeypatch, rng):
    """A dock whose classifier can be loaded, and a picture to look at."""
    (tmp_path / "net_of_a_dock.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    viewer = ViewerModel()
    viewer.add_image(rng.random((2, 40, 60)), name="cells", scale=(1, 2, 0.5), translate=(0, 7, 3))
    model = VisualizationModel(device="cpu", choice=ClassifierChoice("net_of_a_dock:net"))
    model.visualizations = {"invert": Invert(**QUICK), "maximize": Maximize(**QUICK)}
    model.image = viewer.layers[0]
    controller = VisualizationController(model, FakeVisualizationView(VisualizationView), viewer)
    yield controller
    controller.close()
    run = RUNS.get(id(viewer))
    assert run is None or run.wait(10)
    until(lambda: not controller._loader.is_busy or controller._loader.take())
    sys.modules.pop("net_of_a_dock", None)


def loaded(dock):
    dock.act(Action.LOAD)

    def is_there():
        dock.view.ticked.emit()
        return dock.model.classifier is not None

    until(is_there)


def ran(dock, phase=Phase.FINISHED):
    dock.act(Action.RUN)

    def is_over():
        dock.view.ticked.emit()
        return dock.model.phase is phase

    until(is_over)


def test_a_classifier_is_loaded_on_another_thread(dock):
    dock.act(Action.LOAD)
    assert dock.view.last_call["show_classifier"] == (None, "Loading net_of_a_dock:net …", False)
    assert dock.view.last_call["set_ticking"] == (True,)
    loaded(dock)
    classifier, text, is_error = dock.view.last_call["show_classifier"]
    assert classifier is dock.model.classifier
    assert text == "net_of_a_dock:net: 5 layers, 4 classes, 12 × 12 pixels"
    assert not is_error
    dock.poll()
    assert dock.view.last_call["set_ticking"] == (False,)


def test_the_progress_of_a_download_is_shown(dock, tmp_path, monkeypatch):
    done = threading.Event()
    monkeypatch.setattr(ClassifierChoice, "load", lambda self: done.wait(10))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    part = tmp_path / "hub" / "checkpoints" / "alexnet.pth.0.partial"
    part.parent.mkdir(parents=True)
    dock.act(Action.LOAD)
    for megabytes in (1, 3):
        part.write_bytes(bytes(megabytes * 10**6))
        dock.poll()
        text = f"Loading net_of_a_dock:net … {megabytes} MB downloaded"
        assert dock.view.last_call["show_classifier"] == (None, text, False)
    told = dock.view.count["show_classifier"]
    dock.poll()
    assert dock.view.count["show_classifier"] == told
    part.unlink()
    dock.view.changed.emit("choice", ClassifierChoice("another"))
    done.set()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"model": "nowhere.pt"}, "model: there is no file nowhere.pt"),
        ({"model": "net_of_a_dock:none"}, "model: net_of_a_dock:none failed"),
        ({"size": "13"}, "model: net_of_a_dock:net can't take an image"),
        ({"mean": "red"}, "mean: expected numbers separated by commas, got 'red'"),
        ({"weights": "w.pt"}, "weights: a model of your own"),
    ],
)
def test_a_classifier_that_can_not_be_loaded_is_reported(dock, choice, message):
    choice = ClassifierChoice(**{"model": "net_of_a_dock:net", **choice})
    dock.view.changed.emit("choice", choice)
    dock.act(Action.LOAD)

    def is_said():
        dock.view.ticked.emit()
        return dock.view.last_call["show_classifier"][2]

    until(is_said)
    assert dock.view.last_call["show_classifier"][1].startswith(message)
    assert dock.model.classifier is None


def test_an_empty_name_is_not_loaded(dock):
    dock.view.changed.emit("choice", ClassifierChoice(" "))
    dock.act(Action.LOAD)
    assert dock.view.last_call["show_message"][0].startswith("classifier: type a name")


def test_another_name_drops_the_loaded_classifier(dock):
    loaded(dock)
    dock.view.changed.emit("choice", ClassifierChoice("net_of_a_dock:net"))
    assert dock.model.classifier is not None
    dock.view.changed.emit("choice", ClassifierChoice("alexnet"))
    assert dock.model.classifier is None
    assert dock.view.last_call["show_classifier"] == (None, "", False)


def test_layers_are_inverted_over_their_source(dock):
    loaded(dock)
    dock.view.changed.emit("layers", ("0", "3"))
    dock.viewer.dims.set_point(0, 1)
    ran(dock)
    source, made = dock.viewer.layers
    assert made.name == "cells [invert]"
    assert made.data.shape == (2, 12, 12)
    assert (made.metadata[KEY]["study"], made.metadata[KEY]["stop_reason"]) == ("invert", "budget")
    assert [s.split(",")[0] for s in made.metadata[KEY]["slices"]] == ["0", "3"]
    assert made.metadata[KEY]["scores"]["0"]["psnr"] > 0
    assert made.metadata[KEY]["settings"]["model"] == "net_of_a_dock:net"
    assert tuple(made.contrast_limits) == (0, 1)
    # The middle 40 x 40 pixels, 12 of them along each side.
    world = [made.data_to_world((0, *corner))[1:] for corner in ((-0.5, -0.5), (11.5, 11.5))]
    assert np.allclose(
        world, [source.data_to_world((1, -0.5, 9.5))[1:], source.data_to_world((1, 39.5, 49.5))[1:]]
    )


def test_the_slice_on_display_is_inverted(dock):
    loaded(dock)
    dock.view.changed.emit("layers", ("0",))
    requests = []
    for index in (0, 1):
        dock.viewer.dims.set_point(0, index)
        requests.append(dock._request().prepare().parts[0].run.__self__.objective.y)
    given = [dock.model.classifier.preprocessing.prepare(plane) for plane in dock.model.image.data]
    assert all(torch.allclose(a, b) for a, b in zip(requests, given, strict=True))


def test_units_are_excited_as_layers_of_their_own(dock):
    loaded(dock)
    dock.view.changed.emit("name", "maximize")
    assert isinstance(dock.view.last_call["show_visualization"][0], Maximize)
    dock.view.changed.emit("units", ("1", "3"))
    dock.view.changed.emit("side_by_side", True)
    ran(dock)
    names = [layer.name for layer in dock.viewer.layers]
    assert names[0] == "cells"
    assert [name.partition(",")[0] for name in names[1:]] == ["1", "3"]
    assert all(name.endswith(" · net_of_a_dock:net [maximize]") for name in names[1:])
    made = dock.viewer.layers[-1]
    assert made.data.shape == (12, 12)
    assert made.metadata[KEY]["activation"] == made.metadata[KEY]["scores"]["3"]["activation"]
    curve = dock.view.last_call["show_curves"][0][0].curve
    assert len(curve) == 3


def test_channels_of_a_layer_are_excited_by_several_priors(dock):
    loaded(dock)
    for name, value in (
        *(("name", "maximize"), ("place", "0"), ("units", ("2",)), ("prior", ("deep", "tv"))),
    ):
        dock.view.changed.emit(name, value)
    ran(dock)
    slices = dock.viewer.layers[-1].metadata[KEY]["slices"]
    assert [s.split(",")[0] for s in slices] == ["0 2 deep", "0 2 tv"]
    assert all("activation" in s for s in slices)


def test_an_edited_setting_is_used(dock):
    loaded(dock)
    dock.view.visualization_edited.emit(Invert(**QUICK).replace(iterations=5))
    dock.view.changed.emit("layers", ("0",))
    ran(dock)
    assert dock.viewer.layers[-1].metadata[KEY]["iterations"] == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "layers: tick one or more"),
        ({"image": None, "layers": ("0",)}, "image: choose an Image layer"),
        ({"name": "maximize"}, "unit: tick one or more"),
        ({"form_error": "iterations: 0 is below", "layers": ("0",)}, "iterations: 0 is below"),
    ],
)
def test_a_missing_input_is_reported_and_nothing_runs(dock, changes, message):
    loaded(dock)
    for name, value in changes.items():
        dock.view.changed.emit(name, value)
    dock.act(Action.RUN)
    assert dock.view.last_call["show_message"][0].startswith(message)
    assert not dock.model.phase.is_active


def test_a_classifier_has_to_be_loaded_first(dock):
    dock.act(Action.RUN)
    assert dock.view.last_call["show_message"] == (
        "classifier: none is loaded yet; choose one and press Load",
        True,
    )


def test_an_image_without_finite_pixels_is_reported(dock):
    loaded(dock)
    dock.view.changed.emit("layers", ("0",))
    dock.model.image.data = np.full((2, 40, 60), np.nan)
    ran(dock, Phase.FAILED)
    assert dock.view.last_call["show_message"] == ("image: it has no finite pixel", True)


def test_cancelling_leaves_the_classifier_as_it_was(dock):
    class Slow(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, x):
            return self.conv(x).mean((2, 3))

    module = Slow().train()
    dock.model.classifier = Classifier(module, Preprocessing(12, (0.0,), (1.0,)))
    dock.view.visualization_edited.emit(Invert(**QUICK).replace(iterations=10**6))
    dock.view.changed.emit("layers", ("conv",))
    dock.act(Action.RUN)
    until(lambda: dock.view.ticked.emit() or dock.model.phase is Phase.RUNNING)
    assert not module.training
    dock.act(Action.CANCEL)
    until(lambda: dock.view.ticked.emit() or dock.model.phase is Phase.DISCARDED)
    assert module.training
    assert all(p.requires_grad for p in module.parameters())
    assert [layer.name for layer in dock.viewer.layers] == ["cells"]
