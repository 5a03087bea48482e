"""The result of a run of many items: a table, which is written as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_dip._version import __version__
from napari_dip.files.atomic import FileError, replacing
from napari_dip.restoration.result import Result
from napari_dip.scheduling.item import REPORT_COLUMNS, Outcome, Status

SUMMARY_COLUMNS = ("name", "status", "error", *REPORT_COLUMNS, "worker")
"""Columns of the table."""

SECONDS_BETWEEN_WRITES = 2.0
"""Shortest time between two writes of the table; its last state is always written."""


SUMMARY_FILES = ("summary.csv", "summary.json")
"""Names of the files that list all items, in the folder of the results."""


@dataclass
class Summary(Result):
    """The outcomes of a run, which is written to summary.csv and summary.json.

    Attributes
    ----------
    folder
        The folder of both files.
    settings
        Task, settings and options of all items, as JSON values.
    names
        Names of all items; those without an outcome count as unfinished.
    outcomes
        The outcomes so far, in the order of ending.
    stop_reason
        "budget" (all items are finished), "failed" (some items, the others are finished) or
        "cancelled".
    seconds
        Time until the newest outcome.

    Examples
    --------
    >>> from pathlib import Path
    >>> from napari_dip import Summary
    >>> print(Summary(Path("clean"), {}, ("1.png", "2.png")))
    2 unfinished
    """

    folder: Path
    settings: dict[str, Any]
    names: tuple[str, ...]
    outcomes: list[Outcome] = field(default_factory=list)
    stop_reason: str = "cancelled"
    seconds: float = 0.0
    _began: float = field(default_factory=time.monotonic, repr=False)
    _written: float = field(default=0.0, repr=False)

    def add(self, outcome: Outcome) -> None:
        """Take an outcome, and write the table if it was not written just now."""
        self.outcomes.append(outcome)
        self.seconds = time.monotonic() - self._began
        if len(self.outcomes) == len(self.names) and not self.count(Status.UNFINISHED):
            self.stop_reason = "failed" if self.count(Status.FAILED) else "budget"
        if time.monotonic() - self._written > SECONDS_BETWEEN_WRITES:
            # A disk that is full may have room again at the end, where an error is raised.
            with suppress(FileError):
                self.write()

    def knows(self, name: str) -> bool:
        """Whether an item has an outcome."""
        return any(outcome.name == name for outcome in self.outcomes)

    def count(self, *statuses: Status) -> int:
        """Number of items with one of these statuses."""
        return sum(outcome.status in statuses for outcome in self.all_outcomes())

    def all_outcomes(self) -> list[Outcome]:
        """An outcome for each item, in the order of `names`."""
        known = {outcome.name: outcome for outcome in self.outcomes}
        return [known.get(name, Outcome(name, Status.UNFINISHED)) for name in self.names]

    def __str__(self) -> str:
        counts = Counter(outcome.status for outcome in self.all_outcomes())
        return ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])

    def report(self) -> dict[str, Any]:
        """The contents of summary.json."""
        rows = [outcome.row() for outcome in self.all_outcomes()]
        return {"version": __version__, **self.settings, "counts": str(self), "items": rows}

    def write(self) -> None:
        """Write summary.csv and summary.json, each whole or not at all.

        Raises
        ------
        FileError
            When there is no room, or the folder is gone.
        """
        report = self.report()
        table = io.StringIO()
        writer = csv.DictWriter(table, SUMMARY_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(report["items"])
        texts = (table.getvalue(), json.dumps(report, indent=2) + "\n")
        for name, text in zip(SUMMARY_FILES, texts, strict=True):
            try:
                with replacing(self.folder / name) as temporary:
                    temporary.write_text(text, encoding="utf-8")
            except FileError as error:
                raise FileError(f"{error}; it would say: {self}") from error
        self._written = time.monotonic()
