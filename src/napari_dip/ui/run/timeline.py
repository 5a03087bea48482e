"""Snapshots and curves along fits; a person can choose an earlier iteration afterwards."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Snapshot:
    """The image of a fit at one iteration, and its PSNR if there is a reference."""

    iteration: int
    image: NDArray[Any] = field(repr=False)
    psnr: float | None = None


@dataclass(frozen=True)
class CurvePoint:
    """One point of a fit's curve."""

    iteration: int
    loss: float
    psnr: float | None


class Timeline:
    """The snapshots of one fit in bounded memory, thinned geometrically: early ones differ most.

    The run's thread adds snapshots while the window's thread reads them: `snapshots` is a tuple
    that is replaced and never changed.

    Parameters
    ----------
    budget
        Memory of the snapshots in bytes. The first and the last are always kept.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.snapshots: tuple[Snapshot, ...] = ()

    def add(self, snapshot: Snapshot) -> None:
        """Add the next snapshot, which replaces one of the same iteration."""
        kept = [s for s in self.snapshots if s.iteration != snapshot.iteration]
        kept.append(snapshot)
        while len(kept) > 2 and sum(s.image.nbytes for s in kept) > self.budget:
            del kept[_most_redundant(kept)]
        self.snapshots = tuple(kept)

    def at(self, iteration: int) -> Snapshot:
        """The snapshot nearest to an iteration; there has to be at least one."""
        return min(self.snapshots, key=lambda s: abs(s.iteration - iteration))


class Timelines:
    """The timelines of many fits, in bounded memory.

    Each fit has an equal share. If even two snapshots of each fit are too much, the timelines of
    the earliest fits are dropped.

    Parameters
    ----------
    budget
        Memory of all snapshots in bytes; the newest fit's first and last are always kept.
    count
        Number of fits.
    """

    def __init__(self, budget: int, count: int) -> None:
        self._budget, self._share = budget, budget // max(1, count)
        self._timelines: dict[Hashable, Timeline] = {}

    def add(self, fit: Hashable, snapshot: Snapshot) -> None:
        """Add the next snapshot of a fit, which can be named by anything hashable."""
        self._timelines.setdefault(fit, Timeline(self._share)).add(snapshot)
        while len(self._timelines) > 1 and self._taken > self._budget:
            del self._timelines[next(iter(self._timelines))]

    def of(self, fit: Hashable) -> Timeline | None:
        """A fit's timeline; None if it has not begun or was dropped."""
        return self._timelines.get(fit)

    @property
    def _taken(self) -> int:
        return sum(s.image.nbytes for t in self._timelines.values() for s in t.snapshots)


def _most_redundant(snapshots: list[Snapshot]) -> int:
    """The index of the inner snapshot whose neighbours have the smallest ratio of iterations."""
    return min(
        range(1, len(snapshots) - 1),
        key=lambda i: snapshots[i + 1].iteration / snapshots[i - 1].iteration,
    )
