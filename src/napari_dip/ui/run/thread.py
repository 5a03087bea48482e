"""A thread that carries out a run, and its controls: pause, resume, stop, cancel.

The thread signals nothing. The window asks, at its own pace, for the newest update. So updates
can't pile up, none arrives after its run or its window is gone, and no error is lost on its way.
This module knows neither Qt nor napari.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from napari_dip.errors import UserError
from napari_dip.restoration.job import UpdateWithResult

logger = logging.getLogger(__name__)


class Phase(StrEnum):
    """The phase of a run. Between a request and its effect the run is in a phase of its own."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    FINISHED = "finished"
    DISCARDED = "discarded"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        """Whether a thread is at work, or about to be."""
        return self in _ACTIVE


_ACTIVE = (Phase.STARTING, Phase.RUNNING, Phase.PAUSING, Phase.PAUSED, Phase.STOPPING)


U = TypeVar("U", bound=UpdateWithResult[Any])


class RunThread(Generic[U]):
    """A run: a generator of updates that is iterated on a thread of its own.

    Parameters
    ----------
    begin
        Makes the generator; called on the thread with a function `should_stop`. The generator
        calls `should_stop` before each iteration: it blocks during a pause, and returns whether
        the run is to end with what there is.

    Attributes
    ----------
    result
        The last update's result; None before the end and after `cancel`.
    error
        Why the run has failed; None if it has not.
    """

    def __init__(self, begin: Callable[[Callable[[], bool]], Iterator[U]]) -> None:
        self.result: Any = None
        self.error: str | None = None
        self._begin = begin
        self._newest: U | None = None
        self._has_news = False
        self._going = threading.Event()
        self._going.set()
        self._stopping = threading.Event()
        self._discarding = False
        self._holding = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="napari-dip", daemon=False)

    @property
    def phase(self) -> Phase:
        """The phase that the run is in now."""
        if self._ended.is_set():
            if self.error is not None:
                return Phase.FAILED
            return Phase.DISCARDED if self.result is None else Phase.FINISHED
        if self._stopping.is_set():
            return Phase.STOPPING
        if not self._going.is_set():
            return Phase.PAUSED if self._holding else Phase.PAUSING
        return Phase.RUNNING if self._has_news else Phase.STARTING

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def pause(self) -> None:
        """Hold before the next iteration; `phase` becomes PAUSED when the run holds."""
        self._going.clear()

    def resume(self) -> None:
        """Go on, even if the pause has not taken effect yet."""
        self._going.set()

    def stop(self) -> None:
        """End after the current iteration and keep what there is."""
        self._stopping.set()
        self._going.set()

    def cancel(self) -> None:
        """End after the current iteration and drop what there is."""
        self._discarding = True
        self.stop()

    def take(self) -> U | None:
        """Return the newest update once; None if there is none since the last call."""
        newest, self._newest = self._newest, None
        return newest

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of the run; return whether it came."""
        return self._ended.wait(seconds)

    def _work(self) -> None:
        try:
            self._carry_out()
        except UserError as error:
            self.error = str(error)
        # All others too: torch raises a RuntimeError when memory runs out.
        except Exception as error:
            # As text: a log record that holds the traceback would hold the network too.
            logger.error("A run failed: %s", traceback.format_exc())
            self.error = f"{type(error).__name__}: {error}".splitlines()[0]
        finally:
            _release_gpu_memory()
            if self._discarding:
                self.result = self._newest = None
            self._ended.set()

    def _carry_out(self) -> None:
        with closing(cast("Generator[U]", self._begin(self._should_stop))) as updates:
            for update in updates:
                self.publish(update)
                self.result = update.result
                if self._discarding:
                    break

    def publish(self, update: U) -> None:
        """Leave an update where the window finds it, in place of the one before."""
        self.record(update)
        self._newest = update
        self._has_news = True

    def record(self, update: U) -> None:
        """Store what is kept of each update; called on the thread."""

    def _should_stop(self) -> bool:
        # Without a main thread there is no window left that could resume or stop the run.
        window = threading.main_thread()
        while not self._going.is_set() and window.is_alive():
            self._holding = True
            self._going.wait(0.2)
        self._holding = False
        return self._stopping.is_set() or not window.is_alive()


def _release_gpu_memory() -> None:
    """Free the GPU's memory for other programs; torch would keep it for its next allocation."""
    import torch

    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
