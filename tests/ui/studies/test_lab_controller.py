"""The Prior lab's controller, with a fake of its view."""

import numpy as np
import pytest
from napari.components import ViewerModel
from psygnal import Signal

from napari_dip.studies.lab.compare_priors import ComparePriors
from napari_dip.studies.lab.impedance import Impedance
from napari_dip.studies.lab.prior_samples import Samples
from napari_dip.studies.lab.stopping_points import StoppingPoints
from napari_dip.ui.layers.provenance import KEY
from napari_dip.ui.run.controller import RUNS
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase
from napari_dip.ui.studies.lab_controller import LabController, LabModel, LabView

from ..fakes import FakeView, until


class FakeLabView(FakeView):
    study_edited = Signal(object)


@pytest.fixture
def dock():
    controller = LabController(LabModel(), FakeLabView(LabView), ViewerModel())
    yield controller
    controller.close()
    run = RUNS.get(id(controller.viewer))
    assert run is None or run.wait(60)


@pytest.fixture
def cells(dock):
    image = np.random.default_rng(0).integers(0, 255, (3, 20, 24), np.uint8)
    layer = dock.viewer.add_image(image, name="cells", scale=(2, 0.5, 0.5), units=("um",) * 3)
    dock.model.image = layer
    dock.viewer.dims.set_point(0, 4)  # the last slice
    return layer


def choose(dock, study):
    dock.view.changed.emit("name", study.name)
    dock.view.study_edited.emit(study)


def finish(dock):
    before = set(dock.viewer.layers)
    dock.act(Action.RUN)
    assert dock.model.phase.is_active, dock.model.message

    def ended():
        dock.view.ticked.emit()
        return not dock.model.phase.is_active

    until(ended, 60)
    assert dock.model.phase is Phase.FINISHED, dock.model.message
    return [layer for layer in dock.viewer.layers if layer not in before]


def test_samples_need_no_layer(dock):
    choose(dock, Samples(architectures=("hourglass-1",), size=16, width=4))
    (layer,) = finish(dock)
    assert (layer.data.shape, layer.rgb) == ((2, 16, 16, 3), True)
    made = layer.metadata[KEY]
    assert made["slices"] == ["hourglass-1, weights 1", "hourglass-1, weights 2"]
    assert (made["study"], made["settings"]["width"]) == ("sample", 4)


def test_a_study_of_a_slice_lies_over_it(dock, cells):
    choose(dock, StoppingPoints(stops=(1, 2)))
    (layer,) = finish(dock)
    assert layer.name == "cells [enhance-stops]"
    assert layer.data.shape == (4, 1, 20, 24)
    assert tuple(layer.translate) == (0, 4, 0, 0)
    assert tuple(layer.scale[1:]) == (2, 0.5, 0.5)
    assert layer.metadata[KEY]["source"]["start"] == [2, 0, 0]
    assert layer.metadata[KEY]["stop_reason"] == "budget"


def test_each_study_has_its_own_layout_until_a_person_chooses_another(dock, cells):
    dock.view.changed.emit("name", "impedance")
    assert dock.model.side_by_side
    assert dock.view.last_call["show_study"] == (Impedance(), True)
    dock.view.changed.emit("side_by_side", False)
    dock.view.study_edited.emit(Impedance(iterations=1))
    (layer,) = finish(dock)
    assert layer.data.shape == (4, 1, 20, 24)
    dock.view.changed.emit("side_by_side", True)
    layers = finish(dock)
    assert [x.name for x in layers][:2] == [
        f"{name} · cells [impedance]" for name in ("image", "image + noise")
    ]


def test_finer_pictures_cover_the_slice_and_are_compared_with_a_reference(dock, cells):
    fine = np.repeat(np.repeat(cells.data, 2, axis=1), 2, axis=2)
    dock.model.reference = dock.viewer.add_image(fine, name="truth")
    dock.model.image = cells
    dock.model.side_by_side = False
    choose(dock, ComparePriors(task="upscale", factor=2, iterations=1))
    dock.view.changed.emit("side_by_side", False)
    (layer,) = finish(dock)
    assert layer.data.shape == (4, 1, 40, 48)
    assert tuple(layer.scale[2:]) == (0.25, 0.25)
    assert all(name.endswith(" dB") for name in layer.metadata[KEY]["slices"])
    assert "best: " in dock.view.last_call["show_progress"][1]


def test_a_mask_is_made_for_the_image_and_used(dock, cells):
    dock.act(Action.NEW_MASK)
    (mask,) = dock.view.last_call["start_painting"]
    mask.data[2, 5:9, 5:9] = 1
    dock.model.mask = mask
    choose(dock, ComparePriors(task="inpaint", inputs=("noise",), iterations=1))
    dock.view.changed.emit("side_by_side", False)
    (layer,) = finish(dock)
    known = mask.data[2] == 0
    assert (layer.data[0, 0][known] == cells.data[2][known]).all()
    assert (layer.data[0, 0][~known] != cells.data[2][~known]).any()


@pytest.mark.parametrize("action", [Action.RUN, Action.NEW_MASK])
def test_a_missing_image_is_reported(dock, action):
    choose(dock, Impedance())
    dock.act(action)
    text, is_error = dock.view.last_call["show_message"]
    assert text.startswith("image: choose an Image layer")
    assert is_error


def test_a_form_with_an_error_is_not_run(dock):
    dock.view.changed.emit("form_error", "stops: 'x' is not a whole number")
    dock.act(Action.RUN)
    assert dock.view.last_call["show_message"] == ("stops: 'x' is not a whole number", True)


def test_an_unknown_architecture_is_reported(dock):
    choose(dock, Samples(architectures=("vgg",)))
    dock.act(Action.RUN)

    def failed():
        dock.view.ticked.emit()
        return dock.model.phase is Phase.FAILED

    until(failed)
    assert dock.view.last_call["show_message"][0].startswith("architectures: expected hourglass-N")
