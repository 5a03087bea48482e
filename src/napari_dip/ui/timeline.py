"""Snapshots along a fit, so that a person can choose the stopping point afterwards."""

from __future__ import annotations

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


def _least_missed(snapshots: list[Snapshot]) -> int:
    """The inner snapshot whose neighbours are at the smallest ratio of iterations."""
    return min(
        range(1, len(snapshots) - 1),
        key=lambda i: snapshots[i + 1].iteration / snapshots[i - 1].iteration,
    )
