"""The thread: each request takes effect within an iteration, and no end goes unnoticed."""

import gc
import itertools
import logging
import threading
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_dip.errors import UserError
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.upscale import Upscale
from napari_dip.ui.layers.source import source_from_layer
from napari_dip.ui.restore.partition import partition_of
from napari_dip.ui.restore.request import RestoreRequest
from napari_dip.ui.restore.run import RestoreRun, WholeImage
from napari_dip.ui.run.thread import Phase

from ..fakes import WAIT, Engine, ending_runs, request_to, until

ONLY_FRAME = (0, 0)


@pytest.fixture
def start():
    runs = []

    def start(engine, **options):
        run = RestoreRun(WholeImage(request_to(engine)), **options)
        runs.append((run, engine))
        run.start()
        return run

    yield start
    for run, engine in runs:
        run.cancel()
        engine.step(1000)
        assert run.wait(WAIT)


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


def test_a_run_ends_with_its_result_and_all_its_reports(start):
    run = start(Engine(iterations=5))
    assert run.wait(WAIT)
    assert run.phase is Phase.FINISHED
    assert run.result.stop_reason == "budget"
    assert [point.iteration for point in curve(run)] == [1, 2, 3, 4, 5]
    assert [s.iteration for s in timeline(run).snapshots] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("error", [RuntimeError, ValueError, MemoryError, StopIteration])
def test_pitfall_01_no_error_is_swallowed(start, error, caplog):
    with caplog.at_level(logging.CRITICAL):
        run = start(Engine(error=error("CUDA out of memory")))
        assert run.wait(WAIT)
    assert run.phase is Phase.FAILED
    assert "CUDA out of memory" in run.error or error is StopIteration


def test_the_users_errors_are_shown_as_they_are(start):
    run = start(Engine(error=UserError("mask: it covers the whole image")))
    assert run.wait(WAIT)
    assert run.error == "mask: it covers the whole image"


def test_pitfall_02_stop_keeps_what_there_is(start):
    engine = Engine(free=False)
    run = start(engine)
    engine.step(2)
    until(lambda: len(curve(run)) == 2)
    run.stop()
    assert run.phase is Phase.STOPPING
    engine.step()
    assert run.wait(WAIT)
    assert run.phase is Phase.FINISHED
    assert run.result.stop_reason == "cancelled"
    assert run.result.iterations <= 3  # within one iteration


def test_pitfall_02_cancel_drops_what_there_is(start):
    engine = Engine(free=False)
    run = start(engine)
    engine.step(2)
    until(lambda: len(curve(run)) == 2)
    run.cancel()
    engine.step()
    assert run.wait(WAIT)
    assert run.phase is Phase.DISCARDED
    assert (run.result, run.take()) == (None, None)


@pytest.mark.parametrize("ending", ["finish", "stop", "cancel", "fail"])
def test_pitfall_03_nothing_of_the_engine_lives_on(start, ending, caplog):
    class Network:
        pass

    engine = Engine(free=False, error=RuntimeError("no memory") if ending == "fail" else None)
    network = Network()
    gone = weakref.ref(network)
    original = engine.run

    def run_with(network):
        def generator(should_stop):
            held = network
            yield from original(should_stop)
            del held

        return generator

    engine.run = run_with(network)
    del network
    run = start(engine)
    engine.step()
    until(lambda: curve(run))
    if ending in ("stop", "cancel"):
        getattr(run, ending)()
    engine.step(1000)
    assert run.wait(WAIT)
    assert engine.closed
    engine.run, engine.error = original, None  # an error holds what raised it
    until(lambda: not run._thread.is_alive())
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("ending", ["finish", "cancel", "fail"])
def test_pitfall_03_the_gpus_memory_is_given_back(start, ending, monkeypatch, caplog):
    import torch

    freed = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: freed.append(engine.closed))
    caplog.set_level(logging.CRITICAL)
    engine = Engine(free=False, error=RuntimeError("no memory") if ending == "fail" else None)
    run = start(engine)
    engine.step()
    until(lambda: curve(run))
    if ending == "cancel":
        run.cancel()
    engine.step(1000)
    assert run.wait(WAIT)
    assert freed == [True]  # once, when nothing holds it any more


def test_pitfall_04_a_pause_is_announced_when_it_takes_effect(start):
    engine = Engine(free=False)
    run = start(engine)
    assert run.phase is Phase.STARTING
    engine.step()
    until(lambda: run.phase is Phase.RUNNING)
    run.pause()
    assert run.phase in (Phase.PAUSING, Phase.PAUSED)
    engine.step()
    until(lambda: run.phase is Phase.PAUSED)
    done = engine.done
    engine.step(10)
    assert not run.wait(0.3)  # paused, although the engine could go on
    assert engine.done == done
    run.resume()
    assert run.wait(WAIT)
    assert run.phase is Phase.FINISHED


def test_pitfall_04_resume_counts_even_before_the_pause_took_effect(start):
    engine = Engine(free=False)
    run = start(engine)
    run.pause()
    run.resume()
    engine.step(10)
    assert run.wait(WAIT)


@pytest.mark.parametrize("way", ["stop", "cancel"])
def test_a_paused_run_can_be_ended(start, way):
    engine = Engine(free=False)
    run = start(engine)
    run.pause()
    engine.step(10)
    until(lambda: run.phase is Phase.PAUSED)
    getattr(run, way)()
    assert run.wait(WAIT)


def test_pitfall_05_only_the_newest_update_waits_to_be_taken(start):
    engine = Engine(iterations=500)
    run = start(engine)
    assert run.wait(WAIT)
    assert run.take().iteration == 500
    assert run.take() is None


def test_pitfall_05_updates_are_copies(start):
    run = start(Engine(iterations=3))
    assert run.wait(WAIT)
    images = [s.image for s in timeline(run).snapshots]
    pairs = itertools.combinations(images, 2)
    assert not any(np.shares_memory(a, b) for a, b in pairs)


def test_pitfall_16_images_arrive_as_textures_take_them(start):
    run = start(Engine(dtype="f8"))
    assert run.wait(WAIT)
    assert run.take().fit.image.dtype == np.float32


def test_snapshots_stay_within_their_memory(start):
    run = start(Engine(iterations=50), snapshot_bytes=10 * 20 * 30 * 4)
    assert run.wait(WAIT)
    assert len(timeline(run).snapshots) == 10


def test_a_request_is_checked_on_the_thread():
    layer = Image(np.zeros((20, 30), np.float32))
    run = RestoreRun(WholeImage(request_for(layer, Denoise())))
    run.start()
    assert run.wait(WAIT)
    assert "nothing to restore" in run.error


def test_the_engine_carries_out_a_request():
    layer = Image(np.random.default_rng(0).random((3, 16, 18)), name="stack")
    task = Upscale(factor=2, iterations=2, filters=(4,))
    request = request_for(layer, task, seed=5)
    run = RestoreRun(WholeImage(request))
    run.start()
    assert run.wait(60)
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
    run = RestoreRun(WholeImage(request_for(Image(image), Denoise(iterations=3, filters=(4,)))))
    run.start()
    assert run.wait(60)
    assert [s.image.dtype for s in timeline(run).snapshots] == [np.uint16] * 3


class Lingering(Engine):
    """It ends some time after it was asked to."""

    def run(self, should_stop):
        try:
            yield from super().run(should_stop)
        finally:
            threading.Event().wait(0.5)


def test_pitfall_17_a_run_that_a_test_leaves_going_is_ended_and_awaited():
    with ending_runs():
        run = RestoreRun(WholeImage(request_to(Lingering(iterations=10**6))))
        run.start()
        until(lambda: run.phase is Phase.RUNNING)
    assert not any(thread.name == "napari-dip" for thread in threading.enumerate())
    assert run.phase is Phase.DISCARDED
