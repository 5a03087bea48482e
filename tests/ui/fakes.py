"""A stand-in for the engine: updates at the test's word, no network."""

import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch
from weakref import WeakSet

import numpy as np
from psygnal import Signal

from napari_dip.data.axes import AxisPlan
from napari_dip.restoration.result import Restoration, Update
from napari_dip.tasks.denoise import Denoise
from napari_dip.ui.layers.source import LayerSource
from napari_dip.ui.restore.model import RestoreView
from napari_dip.ui.restore.partition import Partition
from napari_dip.ui.restore.request import RestoreRequest
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import RunThread

WAIT = 10
"""Seconds after which a test that waits for another thread has failed."""


@dataclass
class Engine:
    """A fit of `iterations` steps. Each step waits for `step()`, unless it runs freely."""

    iterations: int = 5
    free: bool = True
    error: Exception | None = None
    shape: tuple[int, ...] = (20, 30)
    dtype: str = "f4"
    ending: str = "budget"
    done: int = 0
    closed: bool = False
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def step(self, count: int = 1) -> None:
        self.asked.release(count)

    def run(self, should_stop=lambda: False):
        try:
            reason = self.ending
            for iteration in range(1, self.iterations + 1):
                if iteration > 1 and should_stop():
                    reason = "cancelled"
                    break
                if not self.free and not self.asked.acquire(timeout=WAIT):
                    raise TimeoutError("the test forgot to step")
                if self.error is not None and iteration == 2:
                    raise self.error
                self.done = iteration
                if iteration < self.iterations:
                    yield self.update(iteration)
            yield self.update(self.done, reason)
        finally:
            self.closed = True

    def image(self, iteration: int) -> np.ndarray:
        return np.full(self.shape, iteration, self.dtype)

    def update(self, iteration: int, reason: str | None = None) -> Update:
        image = self.image(iteration)
        result = None
        if reason is not None:
            result = Restoration(
                image=image,
                images={"image": image},
                task=Denoise(iterations=self.iterations),
                stop_reason=reason,
                iterations=iteration,
                seconds=1.5,
                history=[],
                psnr=None,
                ssim=None,
                input_psnr=None,
                seed=3,
                device="cpu",
                data_range=1.0,
                peak_memory_mb=1.0,
            )
        return Update(
            iteration, self.iterations, iteration / 10, 1 / iteration, image, None, result
        )


def request_to(engine: Engine) -> RestoreRequest:
    """A request for one image, which the stand-in fits."""

    class EngineRequest(RestoreRequest):
        def prepare(self):
            return engine

    source = LayerSource("cells", None, (20, 30), (0, 0), (20, 30), (0, 1), False, None, {}, {})
    return EngineRequest(Denoise(), source, Partition(AxisPlan("YX", ""), (20, 30), None))


class FakeView:
    """A view without Qt: it remembers what it was told last."""

    changed = Signal(str, object)
    task_edited = Signal(object)
    asked = Signal(Action)
    iteration_chosen = Signal(object)
    ticked = Signal()
    closed = Signal()

    def __init__(self, protocol: type = RestoreView) -> None:
        self.protocol = protocol
        self.last_call: dict[str, tuple] = {}
        self.count: Counter[str] = Counter()
        self.clipboard = ""

    def __getattr__(self, name: str):
        # Only what a real view has.
        if name not in dir(self.protocol) or name.startswith("_"):
            raise AttributeError(name)

        def tell(*args):
            self.last_call[name] = args
            self.count[name] += 1

        return tell

    def copy_text(self, text: str) -> None:
        self.clipboard = text

    def pasted_text(self) -> str:
        return self.clipboard


@contextmanager
def ending_runs():
    """End and await all runs that are started within: neither Qt nor napari does."""
    runs: WeakSet[RunThread] = WeakSet()
    start = RunThread.start

    def noted(run):
        runs.add(run)
        start(run)

    with patch.object(RunThread, "start", noted):
        yield
    for run in runs:
        run.cancel()
    for run in list(runs):
        run._thread.join(WAIT)
        assert not run._thread.is_alive()


def until(condition, seconds: float = WAIT) -> None:
    """Wait for another thread to make something true."""
    pause = threading.Event()
    for _ in range(round(seconds * 100)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen")
