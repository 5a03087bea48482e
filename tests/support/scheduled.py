"""Items that do what a test tells them, on workers in processes of their own."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_dip.scheduling.item import Item, Stopped

PATIENCE = 60


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Waiting(Item):
    """Tells its process, then waits until it is let go or stopped."""

    folder: Path
    number: int

    @property
    def name(self) -> str:
        return f"item {self.number}"

    def finished(self) -> dict[str, Any] | None:
        done = self.folder / f"done {self.number}"
        return {"source": done.read_text()} if done.exists() else None

    def run(self, should_stop: Callable[[], bool]) -> dict[str, Any]:
        (self.folder / f"pid {self.number} {os.getpid()}").touch()
        while not (self.folder / "go").exists():
            if should_stop():
                raise Stopped
            time.sleep(0.02)
        (self.folder / f"done {self.number}").write_text(str(os.getpid()))
        return {"source": str(os.getpid())}


@dataclass(frozen=True)
class Deadly(Item):
    """Takes its worker along."""

    @property
    def name(self) -> str:
        return "deadly"

    def finished(self) -> dict[str, Any] | None:
        return None

    def run(self, should_stop: Callable[[], bool]) -> dict[str, Any]:
        os._exit(9)


@dataclass(frozen=True)
class Faulty(Item):
    """Raises what is no user's fault."""

    number: int

    @property
    def name(self) -> str:
        return f"faulty {self.number}"

    def finished(self) -> dict[str, Any] | None:
        return None

    def run(self, should_stop: Callable[[], bool]) -> dict[str, Any]:
        raise ZeroDivisionError("by zero")
