"""What a run of many leaves on record: a table of its items, as CSV and JSON."""

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
from napari_dip.scheduling.item import FROM_REPORT, Outcome, Status

COLUMNS = ("name", "status", "error", *FROM_REPORT, "worker")


SECONDS_BETWEEN_WRITES = 2.0
"""While items end one after another; the last state is always written."""


@dataclass
class Summary:
    """The outcomes of a run, in its folder as summary.csv and summary.json.

    Attributes
    ----------
    folder
        Where it is written.
    settings
        What all items have in common, as JSON values.
    names
        Of all items; those without an outcome count as unfinished.
    outcomes
        So far, in the order of ending.
    """

    folder: Path
    settings: dict[str, Any]
    names: tuple[str, ...]
    outcomes: list[Outcome] = field(default_factory=list)
    _written: float = field(default=0.0, repr=False)

    def add(self, outcome: Outcome) -> None:
        """Take an outcome, and write the table if it was not written just now."""
        self.outcomes.append(outcome)
        if time.monotonic() - self._written > SECONDS_BETWEEN_WRITES:
            # A disk that is full may have room again at the end, where an error is told.
            with suppress(FileError):
                self.write()

    def knows(self, name: str) -> bool:
        """Whether an item has an outcome."""
        return any(outcome.name == name for outcome in self.outcomes)

    def count(self, *statuses: Status) -> int:
        """How many items ended so."""
        return sum(outcome.status in statuses for outcome in self.entries())

    def entries(self) -> list[Outcome]:
        """An outcome for each item, in the order in which they were named."""
        known = {outcome.name: outcome for outcome in self.outcomes}
        return [known.get(name, Outcome(name, Status.UNFINISHED)) for name in self.names]

    def __str__(self) -> str:
        counts = Counter(outcome.status for outcome in self.entries())
        return ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])

    def write(self) -> None:
        """Write summary.csv and summary.json, each whole or not at all.

        Raises
        ------
        FileError
            When there is no room, or the folder is gone.
        """
        rows = [outcome.entry() for outcome in self.entries()]
        table = io.StringIO()
        writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        told = {"version": __version__, **self.settings, "counts": str(self), "items": rows}
        texts = {"csv": table.getvalue(), "json": json.dumps(told, indent=2) + "\n"}
        for suffix, text in texts.items():
            try:
                with replacing(self.folder / f"summary.{suffix}") as temporary:
                    temporary.write_text(text, encoding="utf-8")
            except FileError as error:
                raise FileError(f"{error}; it would say: {self}") from error
        self._written = time.monotonic()
