"""Run items on a dask cluster: a generator of outcomes, in the order of ending."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from napari_dip.errors import UserError
from napari_dip.scheduling.item import Item, Outcome, Status
from napari_dip.scheduling.worker import pause_event, work

if TYPE_CHECKING:
    from distributed import Client, Future


_SECONDS_BETWEEN_CHECKS = 0.2
"""How soon the runner notices that the run is to end, or that the scheduler is gone."""

_SECONDS_TO_STOP = 10
"""Time in which workers may end their fits when the run is ended."""


Key = tuple[str, str]
"""dask's key of an item: the name of the run, and the name of the item."""

_WORKERS_DIED = (
    "its workers died one after another, perhaps for want of memory; use fewer workers, or smaller "
    "settings such as filters=32,32,32"
)


class SchedulerLost(UserError):
    """The scheduler is gone, and with it unfinished items; finished results are there."""


def run_items(
    client: Client,
    items: Sequence[Item],
    *,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    is_paused: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome]:
    """Run items on a cluster.

    If a worker dies, dask gives its item to another one. An item whose workers keep dying (it may
    take more memory than they have) fails.

    Parameters
    ----------
    client
        The client of the cluster.
    items
        The items. They are sent to workers, without pixels.
    resume
        Leave items that an earlier run has finished as they are.
    should_stop
        Asked all along; true ends the run, and unfinished items with it.
    is_paused
        Asked all along; while it is true no further item begins, and items that have begun go on.

    Yields
    ------
    Outcome
        One for each item.

    Raises
    ------
    SchedulerLost
        When the scheduler does not answer any more.
    """
    left: list[Item] = []
    for item in items:
        report = item.finished() if resume else None
        if report is None:
            left.append(item)
        else:
            yield Outcome(item.name, Status.KEPT, report=report)
    suspects = yield from _together(client, left, should_stop, is_paused)
    # When a worker dies, dask blames all items that it held. Run alone, only the guilty one dies.
    for item in suspects:
        if (yield from _together(client, [item], should_stop, is_paused)):
            yield Outcome(item.name, Status.FAILED, _WORKERS_DIED)


def _together(
    client: Client,
    items: Sequence[Item],
    should_stop: Callable[[], bool],
    is_paused: Callable[[], bool],
) -> Generator[Outcome, None, list[Item]]:
    """Run items side by side; return those whose workers died."""
    from distributed import Event

    run = f"napari-dip-{uuid.uuid4().hex}"
    ended: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
    futures: dict[Key, Future[Any]] = {}  # dask drops futures that nobody refers to
    # With keys of one group dask gives each item to the first free worker. Otherwise it deals out
    # all items at once, and some workers soon have nothing to do.
    by_key = {(run, item.name): item for item in items}
    suspects: list[Item] = []
    pause, paused = pause_event(run, client), False
    try:
        for key, item in by_key.items():
            before = futures.get((run, item.after))
            futures[key] = client.submit(work, item, run, before, key=key, pure=False)
            futures[key].add_done_callback(ended.put)
        while futures and not should_stop():
            if client.status != "running":
                raise _lost(client)
            if is_paused() != paused:
                paused = not paused
                pause.set() if paused else pause.clear()
            with suppress(queue.Empty):
                future = ended.get(timeout=_SECONDS_BETWEEN_CHECKS)
                key = cast("Key", future.key)
                outcome = _outcome(by_key[key].name, future, client)
                del futures[key]
                if outcome is None:
                    suspects.append(by_key[key])
                else:
                    yield outcome
        if futures:
            Event(run, client=client).set()
            yield from _end(client, futures, by_key)
    except OSError as error:  # of the connection: errors of items are in their outcomes
        raise _lost(client) from error
    finally:
        # Also when the caller drops the generator.
        if client.status == "running":
            with suppress(OSError):
                if futures:
                    Event(run, client=client).set()
                    client.cancel(list(futures.values()), force=True)
                if paused:
                    pause.clear()
    return suspects


def _outcome(name: str, future: Future[Any], client: Client) -> Outcome | None:
    """The outcome of a future that has ended; None if its workers died."""
    try:
        if future.status == "finished":
            outcome: Outcome = future.result()
            return outcome
        if future.status == "cancelled" or client.status != "running":
            raise _lost(client)
        error = future.exception()
    except CancelledError:  # the scheduler was lost between two of these lines
        raise _lost(client) from None
    if type(error).__name__ == "KilledWorker":
        return None
    message = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return Outcome(name, Status.FAILED, message)


def _end(
    client: Client, futures: dict[Key, Future[Any]], items: dict[Key, Item]
) -> Iterator[Outcome]:
    """Cancel items that have not begun, and wait for the others to stop."""
    begun = {key for keys in client.processing().values() for key in keys}
    working = {key: f for key, f in futures.items() if key in begun or f.done()}
    client.cancel([f for key, f in futures.items() if key not in working], force=True)
    deadline = time.monotonic() + _SECONDS_TO_STOP
    while not all(f.done() for f in working.values()) and time.monotonic() < deadline:
        time.sleep(_SECONDS_BETWEEN_CHECKS)
    for key, future in futures.items():
        if key in working and future.status == "finished":
            yield future.result()
        else:
            yield Outcome(items[key].name, Status.UNFINISHED)


def _lost(client: Client) -> SchedulerLost:
    address = client.scheduler.address if client.scheduler else "it"
    return SchedulerLost(
        f"scheduler: {address} is gone; finished results are there: start it again, "
        "and the run with --resume (resume=True in Python)"
    )
