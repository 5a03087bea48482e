"""A restoration on a thread: its updates, snapshots and curve."""

import itertools

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.upscale import Upscale
from napari_dip.ui.layers.source import source_from_layer
from napari_dip.ui.restore.partition import partition_of
from napari_dip.ui.restore.request import RestoreRequest
from napari_dip.ui.restore.run import RestoreRun, WholeImage
from napari_dip.ui.run.thread import Phase

from ..fakes import Engine, request_to

ONLY_FRAME = (0, 0)


def ended(request, **options):
    """A run of a request that has ended."""
    run = RestoreRun(WholeImage(request), **options)
    run.start()
    assert run.wait(60)
    return run


def curve(run):
    return run.curves.get(ONLY_FRAME, ())


def timeline(run):
    return run.timelines.of(ONLY_FRAME)


def request_for(layer, task, volume=False, **options):
    """A request for the slice or volume of a layer."""
    viewer = ViewerModel()
    viewer.add_layer(layer)
    source = source_from_layer(layer, viewer.dims, volume=volume)
    return RestoreRequest(task, source, partition_of(source, 0, fits=True), **options)


def test_a_run_ends_with_its_result_and_all_its_reports():
    run = ended(request_to(Engine(iterations=5)))
    assert run.phase is Phase.FINISHED
    assert run.result.stop_reason == "budget"
    assert [point.iteration for point in curve(run)] == [1, 2, 3, 4, 5]
    assert [s.iteration for s in timeline(run).snapshots] == [1, 2, 3, 4, 5]


def test_pitfall_05_updates_are_copies():
    run = ended(request_to(Engine(iterations=3)))
    images = [s.image for s in timeline(run).snapshots]
    pairs = itertools.combinations(images, 2)
    assert not any(np.shares_memory(a, b) for a, b in pairs)


def test_pitfall_16_images_arrive_as_textures_take_them():
    run = ended(request_to(Engine(dtype="f8")))
    assert run.take().fit.image.dtype == np.float32


def test_snapshots_stay_within_their_memory():
    run = ended(request_to(Engine(iterations=50)), snapshot_bytes=10 * 20 * 30 * 4)
    assert len(timeline(run).snapshots) == 10


def test_a_request_is_checked_on_the_thread():
    layer = Image(np.zeros((20, 30), np.float32))
    run = ended(request_for(layer, Denoise()))
    assert "nothing to restore" in run.error


def test_the_engine_carries_out_a_request():
    layer = Image(np.random.default_rng(0).random((3, 16, 18)), name="stack")
    task = Upscale(factor=2, iterations=2, filters=(4,))
    request = request_for(layer, task, seed=5)
    run = ended(request)
    assert run.error is None
    assert request.factors == (2, 2)
    assert run.result.seed == 5
    assert run.take().fit.image.shape == (1, 32, 36)
    assert run.timelines.of((0, 0, 0)).snapshots[-1].image.dtype == np.float32


@pytest.mark.parametrize(("volume", "factor"), [(True, 4.0), (False, None)])
def test_a_volumes_scale_tells_how_far_apart_slices_are(volume, factor):
    values = np.random.default_rng(0).random((4, 16, 18), np.float32)
    layer = Image(values, scale=(2, 0.5, 0.5))
    task = Denoise(iterations=1, filters=(4,), sigma=0.1)
    job = request_for(layer, task, volume=volume).prepare()
    assert job.task.anisotropy == (factor or 1.0)


def test_pitfall_10_previews_have_the_dtype_of_the_result():
    image = np.random.default_rng(0).integers(500, 3000, (24, 18), np.uint16)
    run = ended(request_for(Image(image), Denoise(iterations=3, filters=(4,))))
    assert [s.image.dtype for s in timeline(run).snapshots] == [
        np.uint16
    ] * 4  # the instant estimate's, too
