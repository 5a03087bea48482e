"""Have items done by workers, and follow them: a generator of outcomes, in the order of ending."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from napari_dip.errors import UserError
from napari_dip.scheduling.item import Item, Outcome, Status
from napari_dip.scheduling.worker import pause_of, work

if TYPE_CHECKING:
    from distributed import Client, Future


SECONDS_BETWEEN_LOOKS = 0.2
"""How soon it is noticed that the run is to end, or that the scheduler is gone."""


SECONDS_TO_STOP = 10
"""What workers have to end their fits; a local cluster's are then ended with it."""


Key = tuple[str, str]
"""The run, and the item's name."""


DEADLY = (
    "its workers died one after another, perhaps for want of memory; use fewer workers, or smaller "
    "settings such as filters=32,32,32"
)


class SchedulerLost(UserError):
    """The scheduler is gone, and with it what was under way; what was finished is there."""


def run_items(
    client: Client,
    items: Sequence[Item],
    *,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    is_paused: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome]:
    """Do items on a cluster.

    A worker that dies loses nothing but time: dask gives its item to another. An item whose workers
    keep dying (it may take more memory than they have) fails.

    Parameters
    ----------
    client
        Of the cluster.
    items
        What to do. They are sent; the pixels are not.
    resume
        Leave what an earlier run has finished as it is.
    should_stop
        Asked all along; true ends the run. What is under way is then given up.
    is_paused
        Asked all along; while it is true no further item begins, and those under way go on.

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
    # Of a worker that died, dask blames all that it had before it. Alone, each shows its guilt.
    for item in suspects:
        if (yield from _together(client, [item], should_stop, is_paused)):
            yield Outcome(item.name, Status.FAILED, DEADLY)


def _together(
    client: Client,
    items: Sequence[Item],
    should_stop: Callable[[], bool],
    is_paused: Callable[[], bool],
) -> Generator[Outcome, None, list[Item]]:
    """Do items side by side; give those whose workers died, one after another."""
    from distributed import Event

    run = f"napari-dip-{uuid.uuid4().hex}"
    ended: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
    futures: dict[Key, Future[Any]] = {}  # dask forgets what nobody holds
    # Keys of one group: dask then holds items back and gives each to the first worker that is
    # free. Others it deals out at once, all of them, and some workers have nothing to do early.
    by_key = {(run, item.name): item for item in items}
    suspects: list[Item] = []
    pause, paused = pause_of(run, client), False
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
                future = ended.get(timeout=SECONDS_BETWEEN_LOOKS)
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
    except OSError as error:  # what items meet, they tell; this is the connection's
        raise _lost(client) from error
    finally:
        # Also when whoever follows has lost interest.
        if client.status == "running":
            with suppress(OSError):
                if futures:
                    Event(run, client=client).set()
                    client.cancel(list(futures.values()), force=True)
                if paused:
                    pause.clear()
    return suspects


def _outcome(name: str, future: Future[Any], client: Client) -> Outcome | None:
    """What a future that has ended holds; nothing if its workers died."""
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    if future.status == "cancelled" or client.status != "running":
        raise _lost(client)
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return None
    told = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return Outcome(name, Status.FAILED, told)


def _end(
    client: Client, futures: dict[Key, Future[Any]], items: dict[Key, Item]
) -> Iterator[Outcome]:
    """Give up what has not begun, wait for the rest to stop, and take what is finished."""
    begun = {key for keys in client.processing().values() for key in keys}
    working = {key: f for key, f in futures.items() if key in begun or f.done()}
    client.cancel([f for key, f in futures.items() if key not in working], force=True)
    deadline = time.monotonic() + SECONDS_TO_STOP
    while not all(f.done() for f in working.values()) and time.monotonic() < deadline:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    for key, future in futures.items():
        if key in working and future.status == "finished":
            yield future.result()
        else:
            yield Outcome(items[key].name, Status.UNFINISHED)


def _lost(client: Client) -> SchedulerLost:
    address = client.scheduler.address if client.scheduler else "it"
    return SchedulerLost(
        f"scheduler: {address} is gone; what is finished is there: start it again, "
        "and the run with --resume (resume=True in Python)"
    )
