import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManifest

from napari_dip.samples.demo import run_demo
from napari_dip.samples.pictures import SAMPLES
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.layers.provenance import task_of
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.restore.request import request_of
from napari_dip.ui.samples import SAMPLE_ROLES, layers_of, layers_of_demo, movie, stack


def test_the_manifest_has_a_sample_for_every_task():
    samples = PluginManifest.from_distribution("napari-dip").contributions.sample_data
    assert list(SAMPLES) == list(TASKS)
    assert [sample.key for sample in samples] == [*SAMPLES, "stack", "movie"]


@pytest.mark.parametrize("task", TASKS)
def test_a_sample_has_what_its_task_needs(task):
    viewer = ViewerModel()
    for data, kwargs, kind in layers_of(task):
        getattr(viewer, f"add_{kind}")(data, **kwargs)
    image, *beside = viewer.layers
    model = RestoreModel(image=image, **{SAMPLE_ROLES[layer.name]: layer for layer in beside})
    model.task = task_of(image)
    assert model.task.name == task
    job = request_of(model, viewer.dims).prepare()
    assert (job.reference is None) == (task == "enhance")


@pytest.mark.parametrize("sample", [stack, movie])
def test_stacks_lie_over_their_originals(sample):
    viewer = ViewerModel()
    for data, kwargs, kind in sample():
        getattr(viewer, f"add_{kind}")(data, **kwargs)
    noisy, original = viewer.layers
    assert noisy.data.ndim == 3
    assert not noisy.rgb
    assert np.array_equal(noisy.extent.world, original.extent.world)
    assert task_of(noisy).name == "denoise"


def test_the_stack_has_voxels_of_micrometers():
    (data, kwargs, _), *_ = stack()
    layer = ViewerModel().add_image(data, **kwargs)
    assert layer.scale == pytest.approx((0.4, 0.2, 0.2))
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    assert layer.axis_labels == ("z", "y", "x")


def test_the_larger_original_lies_over_the_small_photo():
    viewer = ViewerModel()
    for data, kwargs, kind in layers_of("upscale"):
        getattr(viewer, f"add_{kind}")(data, **kwargs)
    small, original = viewer.layers
    rims = [layer.data_to_world(np.array([-0.5, -0.5])) for layer in (small, original)]
    assert np.allclose(*rims)


def test_a_demos_restored_image_lies_over_its_sample(tmp_path):
    tiny = {"iterations": 2, "filters": (4,)}
    shown = run_demo("upscale", tmp_path / "demo", device="cpu", settings=tiny)
    viewer = ViewerModel()
    for data, kwargs, kind in layers_of_demo(shown):
        getattr(viewer, f"add_{kind}")(data, **kwargs)
    small, _, restored = viewer.layers
    assert restored.name == "Photo of low resolution [upscale]"
    assert [layer.visible for layer in viewer.layers] == [True, False, True]
    corner = np.array([-0.5, -0.5])
    assert np.allclose(small.data_to_world(corner), restored.data_to_world(corner))
    assert task_of(restored) == shown.result.task
    assert task_of(small) == shown.task
