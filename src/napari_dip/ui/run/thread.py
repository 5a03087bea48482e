"""Work on a thread of its own, and what the window needs to watch and steer it.

Nothing is signalled: the window asks, at its own pace, for the newest update. So updates can't
pile up, none can arrive after its run or its window is gone, and an error can't be swallowed on
its way. The thread knows neither Qt nor napari.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, cast

from napari_dip.errors import UserError

logger = logging.getLogger(__name__)


class Phase(StrEnum):
    """Where a run is. A request takes effect later; between the two there is a phase of its own."""

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
        return self in ACTIVE


ACTIVE = (Phase.STARTING, Phase.RUNNING, Phase.PAUSING, Phase.PAUSED, Phase.STOPPING)


class Reporting(Protocol):
    """An update of some work; the last one has a result."""

    @property
    def result(self) -> Any: ...


U = TypeVar("U", bound=Reporting)


class RunThread(Generic[U]):
    """Work being done: a generator of updates, carried out on a thread.

    Parameters
    ----------
    begin
        Called on the thread; what it is given is asked before each iteration. It says whether to
        end with what there is, and blocks during a pause.
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
        self._thread.start()

    def pause(self) -> None:
        """Hold before the next iteration; `phase` says when it does."""
        self._going.clear()

    def resume(self) -> None:
        """Go on, also when the pause has not taken effect yet."""
        self._going.set()

    def stop(self) -> None:
        """End with what there is after the current iteration."""
        self._stopping.set()
        self._going.set()

    def cancel(self) -> None:
        """End after the current iteration and drop what there is."""
        self._discarding = True
        self.stop()

    def take(self) -> U | None:
        """The newest update, once; None if there is none since the last call."""
        newest, self._newest = self._newest, None
        return newest

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; whether it came."""
        return self._ended.wait(seconds)

    def _work(self) -> None:
        try:
            self._carry_out()
        # Also what torch raises when memory runs out, which is a RuntimeError.
        except UserError as error:
            self.error = str(error)
        except Exception as error:
            # As text: a log record that holds the traceback would hold the network too.
            logger.error("A run failed: %s", traceback.format_exc())
            self.error = f"{type(error).__name__}: {error}".splitlines()[0]
        finally:
            _release()
            if self._discarding:
                self.result = self._newest = None
            self._ended.set()

    def _carry_out(self) -> None:
        with closing(cast("Generator[U]", self._begin(self._should_stop))) as updates:
            for update in updates:
                self._publish(update)
                self.result = update.result
                if self._discarding:
                    break

    def _publish(self, update: U) -> None:
        """Leave an update where the window finds it; the one before is dropped."""
        self._newest = self._note(update)
        self._has_news = True

    def _note(self, update: U) -> U:
        """Take down what is kept of each update, on the thread; what is returned is shown."""
        return update

    def _should_stop(self) -> bool:
        # Without a main thread there is no window any more that could resume or stop.
        window = threading.main_thread()
        while not self._going.is_set() and window.is_alive():
            self._holding = True
            self._going.wait(0.2)
        self._holding = False
        return self._stopping.is_set() or not window.is_alive()


def _release() -> None:
    """Give the GPU's memory back to others; torch would keep it for its next allocation."""
    import torch

    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
