"""Items done one after another in this very process, without dask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from napari_dip.batch.items import Item, Outcome, Status
from napari_dip.batch.worker import attempt


def run_here(
    items: Sequence[Item],
    *,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome]:
    """Do items; parameters and outcomes are those of `run_items`."""
    for item in items:
        report = item.finished() if resume else None
        if report is not None:
            yield Outcome(item.name, Status.KEPT, report=report)
        else:
            yield attempt(item, should_stop)
