"""What the Compare dock reads in the background: several kinds, the newest read of each counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from napari_dip.ui.compare.displayed_slice import ReadRequest
from napari_dip.ui.run.background import Background

CHECK_MS = 50
"""Milliseconds between two checks for an answer."""

CHECKS_UNTIL_LATE = 4
"""Number of checks without an answer after which the dock says that it waits."""


class BackgroundReads(QObject):
    """Starts reads on other threads, and finishes each on the window's thread.

    Parameters
    ----------
    kinds
        Names of the kinds of reads, such as "scores".
    parent
        The object that owns the timer.
    """

    checked = Signal(str)
    """(text): emitted after each check, with a message about an answer or nothing."""

    def __init__(self, kinds: Iterable[str], parent: QObject) -> None:
        super().__init__(parent)
        self._reads: dict[str, Background[ReadRequest, Callable[[], Any]]] = {
            kind: Background(lambda read: read()) for kind in kinds
        }
        self._checks = 0
        self._timer = QTimer(self, objectName="reads")
        self._timer.setInterval(CHECK_MS)
        self._timer.timeout.connect(self._check)

    @property
    def are_late(self) -> bool:
        """Whether the dock should say that it waits."""
        return self._checks >= CHECKS_UNTIL_LATE

    def start(self, kind: str, read: ReadRequest | None) -> None:
        """Start a read and forget the one before it of its kind; None starts nothing."""
        if read is not None:
            self._reads[kind].ask(read)
            self._timer.start()

    def drop(self, kind: str) -> None:
        """Forget the read of a kind."""
        self._reads[kind].forget()

    def stop(self) -> None:
        """Forget all reads."""
        for kind in self._reads:
            self.drop(kind)
        self._timer.stop()

    def _check(self) -> None:
        note = ""
        for background in self._reads.values():
            answer = background.take()
            if isinstance(answer, str):
                note = f"⚠ {answer}"
            elif answer is not None:
                note = answer() or note
        if any(background.is_busy for background in self._reads.values()):
            self._checks += 1
        else:
            self._checks = 0
            self._timer.stop()
        self.checked.emit(note)
