"""From the form to a request that the engine takes."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes

from napari_dip.errors import UserError
from napari_dip.tasks.deblur import Deblur
from napari_dip.tasks.flash import FlashNoFlash
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.upscale import Upscale
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.restore.request import request_of
from napari_dip.ui.run.model import Region, StackScope

rng = np.random.default_rng(0)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def model(viewer):
    return RestoreModel(image=viewer.add_image(rng.random((20, 30)), name="cells"))


def test_the_whole_image_is_the_default(model, viewer):
    request = request_of(model, viewer.dims)
    assert request.source.sides == (20, 30)
    assert request.prepare().task.name == "denoise"


def test_without_an_image_the_message_says_what_to_do(viewer):
    with pytest.raises(UserError, match="image: choose"):
        request_of(RestoreModel(), viewer.dims)


@pytest.mark.parametrize(("task", "role"), [(Deblur(), "psf"), (FlashNoFlash(), "guide")])
def test_what_a_task_needs_is_asked_for(model, viewer, task, role):
    model.task = task
    with pytest.raises(UserError, match=f"{role}: .* needs one"):
        request_of(model, viewer.dims)


def test_a_form_that_is_wrong_is_refused(model, viewer):
    model.form_error = "iterations: 'x' is not a whole number"
    with pytest.raises(UserError, match="iterations: 'x'"):
        request_of(model, viewer.dims)


def test_painted_labels_are_missing_pixels(model, viewer):
    mask = np.zeros((20, 30), np.int64)
    mask[5:8, 5:8] = 3
    model.task, model.mask = Inpaint(), Labels(mask, name="scratch")
    request = request_of(model, viewer.dims)
    assert request.names == (("mask", "scratch"),)
    observed = request.prepare().measurement.observed[0, 0].numpy()
    assert np.array_equal(~observed, mask != 0)


def test_what_a_task_has_no_use_for_is_left_out(model, viewer):
    model.task, model.mask = Upscale(), None
    model.psf = Image(np.ones((3, 3)))
    assert request_of(model, viewer.dims).psf is None


def test_a_psf_and_a_guide_fit_a_slice_of_a_stack(viewer):
    model = RestoreModel(image=viewer.add_image(rng.random((3, 20, 30))))
    model.task, model.psf = Deblur(), Image(np.ones((1, 5, 5)))
    assert request_of(model, viewer.dims).prepare().measurement.psf.shape == (5, 5)
    model.task, model.guide = FlashNoFlash(), Image(rng.random((3, 20, 30, 3)), rgb=True)
    assert request_of(model, viewer.dims).prepare().measurement.guide.shape == (1, 3, 20, 30)


def test_a_psf_of_a_volume_keeps_its_thin_axis(viewer):
    image = viewer.add_image(rng.random((4, 20, 30)))
    model = RestoreModel(image=image, scope=StackScope.VOLUME, psf=Image(np.ones((1, 5, 5))))
    model.task = Deblur()
    assert request_of(model, viewer.dims).prepare().measurement.psf.shape == (1, 5, 5)


def test_a_reference_is_of_the_results_size(model, viewer):
    model.task = Upscale(factor=2)
    model.reference = Image(rng.random((40, 60)))
    model.region, model.rectangle = Region.RECTANGLE, Shapes([[(1, 1), (1, 18), (18, 18), (18, 1)]])
    request = request_of(model, viewer.dims)
    assert request.prepare().reference.shape == (36, 36)


def test_a_region_needs_its_rectangle(model, viewer):
    model.region = Region.RECTANGLE
    with pytest.raises(UserError, match="region: choose a Shapes layer"):
        request_of(model, viewer.dims)
