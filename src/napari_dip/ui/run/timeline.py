"""Snapshots along a fit, so that a person can choose the stopping point afterwards."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Snapshot:
    """What a fit would have returned at an iteration."""

    iteration: int
    image: NDArray[Any] = field(repr=False)
    psnr: float | None = None


class Timeline:
    """Snapshots in bounded memory, thinned geometrically: early ones differ most.

    The worker's thread adds while the window's thread reads; what is read is a tuple that never
    changes.

    Parameters
    ----------
    budget
        Bytes that the snapshots may take. The first and the last are always kept.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.snapshots: tuple[Snapshot, ...] = ()

    def add(self, snapshot: Snapshot) -> None:
        """Add the next snapshot; one of the same iteration is replaced."""
        kept = [s for s in self.snapshots if s.iteration != snapshot.iteration]
        kept.append(snapshot)
        while len(kept) > 2 and sum(s.image.nbytes for s in kept) > self.budget:
            del kept[_least_missed(kept)]
        self.snapshots = tuple(kept)

    def at(self, iteration: int) -> Snapshot:
        """The snapshot that is nearest to an iteration; there has to be one."""
        return min(self.snapshots, key=lambda s: abs(s.iteration - iteration))


class Timelines:
    """The timelines of many fits, in bounded memory altogether.

    Each has an equal share. Where not even two snapshots of each fit in, those of the earliest fits
    are given up.

    Parameters
    ----------
    budget
        Bytes that all snapshots may take; the newest fit's first and last are always kept.
    count
        Of the fits.
    """

    def __init__(self, budget: int, count: int) -> None:
        self._budget, self._share = budget, budget // max(1, count)
        self._timelines: dict[Hashable, Timeline] = {}

    def add(self, fit: Hashable, snapshot: Snapshot) -> None:
        """Add the next snapshot of a fit."""
        self._timelines.setdefault(fit, Timeline(self._share)).add(snapshot)
        while len(self._timelines) > 1 and self._taken > self._budget:
            del self._timelines[next(iter(self._timelines))]

    def of(self, fit: Hashable) -> Timeline | None:
        """A fit's timeline, if there is one (yet, or any more)."""
        return self._timelines.get(fit)

    @property
    def _taken(self) -> int:
        return sum(s.image.nbytes for t in self._timelines.values() for s in t.snapshots)


def _least_missed(snapshots: list[Snapshot]) -> int:
    """The inner snapshot whose neighbours are at the smallest ratio of iterations."""
    return min(
        range(1, len(snapshots) - 1),
        key=lambda i: snapshots[i + 1].iteration / snapshots[i - 1].iteration,
    )


@dataclass(frozen=True)
class CurvePoint:
    """One point of the curve."""

    iteration: int
    loss: float
    psnr: float | None
