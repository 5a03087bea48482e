"""What happens on a worker: one item at a time, whose failure stops nothing else.

A local cluster's workers load this module first (`dask_setup`).
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


SECONDS_BETWEEN_LOOKS = 1.0
"""Whether the run was ended is the scheduler's to say, and it should not be asked all the time."""


_one_at_a_time = threading.Lock()
"""Fits in one process would share torch's seed and fight for its cores, however many threads the
worker was given."""


logger = logging.getLogger(__name__)


def dask_setup(worker: Worker) -> None:
    """Leave Ctrl-C to the run, which has its workers stop; a terminal sends it to all of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def work(item: Item, run: str, before: Outcome | None = None) -> Outcome:
    """Do an item.

    Parameters
    ----------
    item
        What to do.
    run
        The name of the event that is set when the run is ended.
    before
        What became of the item that this one comes after: dask waits for it.
    """
    from distributed import get_worker

    with _one_at_a_time:
        ended = _ended(run)
        _hold(run, ended)
        return run_item(item, ended, get_worker().address)


def run_item(item: Item, should_stop: Callable[[], bool], where: str = "") -> Outcome:
    """Do an item here and now, and tell what became of it."""
    if should_stop():
        return Outcome(item.name, Status.UNFINISHED, worker=where)
    try:
        report = item.run(should_stop)
        return Outcome(item.name, Status.DONE, report=report, worker=where)
    except Stopped:
        return Outcome(item.name, Status.UNFINISHED, worker=where)
    except UserError as error:
        return Outcome(item.name, Status.FAILED, str(error), worker=where)
    # Whatever it is, the other items are none the worse for it.
    except Exception as error:
        logger.exception("%s failed", item.name)
        told = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        return Outcome(item.name, Status.FAILED, told, worker=where)


def pause_of(run: str, client: Client) -> Event:
    """The event that is set while no further item of a run is to begin."""
    from distributed import Event

    return Event(f"{run}-paused", client=client)


def _hold(run: str, ended: Callable[[], bool]) -> None:
    """Wait while the run is paused."""
    from distributed import get_client

    pause = pause_of(run, get_client())
    while pause.is_set() and not ended():
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _ended(run: str) -> Callable[[], bool]:
    """Tell whether the run was ended, asking now and then."""
    from distributed import Event, get_client

    event = Event(run, client=get_client())
    asked, answer = -math.inf, False

    def ended() -> bool:
        nonlocal asked, answer
        if not answer and time.monotonic() - asked > SECONDS_BETWEEN_LOOKS:
            asked, answer = time.monotonic(), event.is_set()
        return answer

    return ended


def run_in_process(
    items: Sequence[Item],
    *,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome]:
    """Do items; parameters and outcomes are those of `run_items`."""
    for item in items:
        report = item.finished() if resume else None
        if report is not None:
            yield Outcome(item.name, Status.KEPT, report=report)
        else:
            yield run_item(item, should_stop)
