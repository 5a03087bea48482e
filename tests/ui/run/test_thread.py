"""The thread: each request takes effect within an iteration, and no end goes unnoticed."""

import gc
import logging
import threading
import weakref

import pytest

from napari_dip.errors import UserError
from napari_dip.ui.run.thread import Phase, RunThread

from ..fakes import WAIT, Engine, ending_runs, until


@pytest.fixture
def start():
    runs = []

    def start(engine):
        run = RunThread(lambda should_stop: engine.run(should_stop))
        runs.append((run, engine))
        run.start()
        return run

    yield start
    for run, engine in runs:
        run.cancel()
        engine.step(1000)
        assert run.wait(WAIT)


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
    until(lambda: engine.done == 2)
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
    until(lambda: engine.done == 2)
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
    until(lambda: run.phase is Phase.RUNNING)
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
    until(lambda: run.phase is Phase.RUNNING)
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


class Lingering(Engine):
    """It ends some time after it was asked to."""

    def run(self, should_stop):
        try:
            yield from super().run(should_stop)
        finally:
            threading.Event().wait(0.5)


def test_pitfall_17_a_run_that_a_test_leaves_going_is_ended_and_awaited():
    with ending_runs():
        run = RunThread(Lingering(iterations=10**6).run)
        run.start()
        until(lambda: run.phase is Phase.RUNNING)
    assert not any(thread.name == "napari-dip" for thread in threading.enumerate())
    assert run.phase is Phase.DISCARDED
