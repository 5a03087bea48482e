"""An item: one restoration among many, which knows what to do and whether it is done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_dip.restoration.job import Job
    from napari_dip.restoration.result import Restoration, Update


class Status(StrEnum):
    """How an item ended."""

    DONE = "done"
    KEPT = "kept"
    """Done by an earlier run, and left as it is."""
    FAILED = "failed"
    UNFINISHED = "unfinished"


class Stopped(Exception):
    """The run was ended while an item was at work; it has written nothing."""


@dataclass(frozen=True)
class Outcome:
    """What became of an item.

    Attributes
    ----------
    name
        The item's.
    status
        How it ended.
    error
        Of a failed item, in one line.
    report
        Of an item that is done: what is on record of its restoration.
    worker
        Where it was done.
    """

    name: str
    status: Status
    error: str = ""
    report: dict[str, Any] | None = None
    worker: str = ""

    def entry(self) -> dict[str, Any]:
        """The summary's row, as JSON values."""
        told = self.report or {}
        entry = asdict(self) | {"status": str(self.status)}
        del entry["report"]
        return entry | {name: told.get(name) for name in FROM_REPORT}


FROM_REPORT = ("source", "output", "iterations", "stop_reason", "seconds", "seed", "device")
"""What a summary repeats of each report."""


class Item(ABC):
    """One restoration among many. It is sent to a worker, so it holds paths instead of pixels."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the summary calls it; no two items of a run share one."""

    @property
    def after(self) -> str:
        """The name of the item that has to end before this one can begin; empty for none.

        It comes earlier in the run. It may have failed: that is this item's to look after.
        """
        return ""

    @abstractmethod
    def finished(self) -> dict[str, Any] | None:
        """The report of an earlier run that did just this, if its result is still there."""

    @abstractmethod
    def run(self, should_stop: Callable[[], bool]) -> dict[str, Any]:
        """Restore, write the result and its report, each of them whole or not at all.

        Raises
        ------
        Stopped
            When `should_stop` said so; then nothing is written.
        """


def uninterrupted(
    job: Job,
    should_stop: Callable[[], bool],
    on_update: Callable[[Update], object] = lambda update: None,
    **options: Any,
) -> Restoration:
    """Run a job to its end; `options` are those of `Job.result`.

    Raises
    ------
    Stopped
        When `should_stop` ended it: an item writes no unfinished result.
    """
    result = job.result(should_stop, on_update, **options)
    if result.stop_reason == "cancelled":
        raise Stopped
    return result
