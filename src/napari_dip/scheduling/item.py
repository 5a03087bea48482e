"""Items and outcomes: one restoration among many, and how it ended."""

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
    """Finished by an earlier run, and left as it is."""
    FAILED = "failed"
    UNFINISHED = "unfinished"


class Stopped(Exception):
    """The run was ended while an item was being restored; the item has written nothing."""


@dataclass(frozen=True)
class Outcome:
    """How an item ended.

    Attributes
    ----------
    name
        Name of the item.
    status
        How it ended.
    error
        Why it failed, in one line.
    report
        The report of its restoration, if it is done or kept.
    worker
        Address of the worker that restored it; empty without dask.
    """

    name: str
    status: Status
    error: str = ""
    report: dict[str, Any] | None = None
    worker: str = ""

    def row(self) -> dict[str, Any]:
        """The row of the summary, as JSON values."""
        report = self.report or {}
        row = asdict(self) | {"status": str(self.status)}
        del row["report"]
        return row | {name: report.get(name) for name in REPORT_COLUMNS}


REPORT_COLUMNS = ("source", "output", "iterations", "stop_reason", "seconds", "seed", "device")
"""Entries of an item's report that the summary repeats."""


class Item(ABC):
    """One restoration among many. It is sent to a worker, so it holds paths instead of pixels."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name in the summary, which no two items of a run share."""

    @property
    def after(self) -> str:
        """Name of the item, earlier in the run, that has to end before this one; empty for none.

        It may have failed: this item has to cope with that.
        """
        return ""

    @abstractmethod
    def finished(self) -> dict[str, Any] | None:
        """The report of an earlier run of the same item, if its result still exists; else None."""

    @abstractmethod
    def run(self, should_stop: Callable[[], bool]) -> dict[str, Any]:
        """Restore, and write the result and its report, each of them whole or not at all.

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
