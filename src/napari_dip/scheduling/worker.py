"""Run one item: on a dask worker, or in this process. Its failure stops no other item.

Workers of a local cluster load this module first (`dask_setup`).
"""

from __future__ import annotations

import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from napari_dip.errors import UserError
from napari_dip.scheduling.item import Item, Outcome, Status, Stopped

if TYPE_CHECKING:
    from distributed import Client, Event, Worker


_SECONDS_BETWEEN_CHECKS = 1.0
"""Shortest time between two questions to the scheduler whether the run was ended."""


_SECONDS_BETWEEN_LOOKS = 0.05
"""How soon a paused run in this process notices that it goes on."""


_one_at_a_time = threading.Lock()
"""Fits in one process would share torch's seed and compete for its cores."""


logger = logging.getLogger(__name__)


def dask_setup(worker: Worker) -> None:
    """Ignore Ctrl-C, which a terminal sends to all processes: the run stops its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def work(item: Item, run: str, before: Outcome | None = None) -> Outcome:
    """Run an item on the worker that calls this.

    Parameters
    ----------
    item
        The item.
    run
        Name of the run, which is also the name of the event that ends it.
    before
        Outcome of the item that this one comes after. It is not used: dask waits for it.
    """
    from distributed import get_worker

    with _one_at_a_time:
        ended = _ended(run)
        _wait_while_paused(run, ended)
        return run_item(item, ended, get_worker().address)


def run_item(item: Item, should_stop: Callable[[], bool], worker: str = "") -> Outcome:
    """Run an item in this process, and return its outcome."""
    if should_stop():
        return Outcome(item.name, Status.UNFINISHED, worker=worker)
    try:
        report = item.run(should_stop)
        return Outcome(item.name, Status.DONE, report=report, worker=worker)
    except Stopped:
        return Outcome(item.name, Status.UNFINISHED, worker=worker)
    except UserError as error:
        return Outcome(item.name, Status.FAILED, str(error), worker=worker)
    # Whatever it is, the other items go on.
    except Exception as error:
        logger.exception("%s failed", item.name)
        message = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        return Outcome(item.name, Status.FAILED, message, worker=worker)


def pause_event(run: str, client: Client) -> Event:
    """The event that is set while a run is paused."""
    from distributed import Event

    return Event(f"{run}-paused", client=client)


def _wait_while_paused(run: str, ended: Callable[[], bool]) -> None:
    """Wait while the run is paused."""
    from distributed import get_client

    pause = pause_event(run, get_client())
    while pause.is_set() and not ended():
        time.sleep(_SECONDS_BETWEEN_CHECKS)


def _ended(run: str) -> Callable[[], bool]:
    """A function that tells whether the run was ended, and asks the scheduler now and then."""
    from distributed import Event, get_client

    event = Event(run, client=get_client())
    asked, answer = -math.inf, False

    def ended() -> bool:
        nonlocal asked, answer
        if not answer and time.monotonic() - asked > _SECONDS_BETWEEN_CHECKS:
            asked, answer = time.monotonic(), event.is_set()
        return answer

    return ended


def run_in_process(
    items: Sequence[Item],
    *,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    is_paused: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome]:
    """Run items one after another, without dask; parameters and outcomes as in `run_items`."""
    for item in items:
        while is_paused() and not should_stop():
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        report = item.finished() if resume else None
        if report is not None:
            yield Outcome(item.name, Status.KEPT, report=report)
        else:
            yield run_item(item, should_stop)
