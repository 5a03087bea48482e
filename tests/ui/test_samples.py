import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManifest

from napari_dip.samples import SAMPLES
from napari_dip.tasks import TASKS
from napari_dip.ui.model import RestoreModel
from napari_dip.ui.provenance import task_of
from napari_dip.ui.requests import request_of
from napari_dip.ui.samples import layers_of


def test_the_manifest_has_a_sample_for_every_task():
    samples = PluginManifest.from_distribution("napari-dip").contributions.sample_data
    assert [sample.key for sample in samples] == list(SAMPLES) == list(TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_a_sample_has_what_its_task_needs(task):
    viewer = ViewerModel()
    for data, kwargs, kind in layers_of(task):
        getattr(viewer, f"add_{kind}")(data, **kwargs)
    layers = {layer.name: layer for layer in viewer.layers}
    image = viewer.layers[0]
    model = RestoreModel(
        image=image,
        mask=layers.get("Missing"),
        guide=layers.get("Photo with flash"),
        psf=layers.get("Point spread function"),
        reference=layers.get("Original"),
    )
    model.task = task_of(image)
    assert model.task.name == task
    job = request_of(model, viewer.dims).prepare()
    assert (job.reference is None) == (task == "enhance")


def test_the_larger_original_lies_over_the_small_photo():
    viewer = ViewerModel()
    for data, kwargs, kind in layers_of("upscale"):
        getattr(viewer, f"add_{kind}")(data, **kwargs)
    small, original = viewer.layers
    rims = [layer.data_to_world(np.array([-0.5, -0.5])) for layer in (small, original)]
    assert np.allclose(*rims)
