"""What is read beside the window: errands of several kinds, of each of which the newest counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from napari_dip.ui.run.background import Background, ReadRequest

TICK_MS, PATIENCE = 50, 4
"""Between two looks for an answer; how many until it is said that one is waited for."""


class BackgroundReads(QObject):
    """Sends errands and looks for what they bring, while any is under way.

    Parameters
    ----------
    kinds
        Their names.
    parent
        Whose timer looks.
    """

    looked = Signal(str)
    """(text): after each look, what is to be said of an answer; empty if nothing."""

    def __init__(self, kinds: Iterable[str], parent: QObject) -> None:
        super().__init__(parent)
        self.backgrounds = {kind: Background(_carry_out) for kind in kinds}
        self._ticks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._look)

    @property
    def are_late(self) -> bool:
        """Whether it should be said that something is waited for."""
        return self._ticks >= PATIENCE

    @property
    def are_under_way(self) -> bool:
        """Whether an answer is looked for."""
        return bool(self._timer.isActive())

    def send(self, kind: str, errand: ReadRequest | None) -> None:
        """Send one; of its kind those before it are forgotten."""
        if errand is not None:
            self.backgrounds[kind].ask(errand)
            self._timer.start()

    def drop(self, kind: str) -> None:
        """Forget what was sent of a kind."""
        self.backgrounds[kind].ask(_nothing)

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()

    def _look(self) -> None:
        note = ""
        for background in self.backgrounds.values():
            answer = background.take()
            if isinstance(answer, str):
                note = f"⚠ {answer}"
            elif answer is not None:
                note = answer() or note
        if any(background.is_busy for background in self.backgrounds.values()):
            self._ticks += 1
        else:
            self._ticks = 0
            self._timer.stop()
        self.looked.emit(note)


def _carry_out(errand: ReadRequest) -> Callable[[], Any]:
    return errand()


def _nothing() -> Callable[[], None]:
    """The errand that takes the place of one whose answer is not wanted any more."""
    return lambda: None
