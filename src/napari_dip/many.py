"""`restore_many`: files, folders and patterns, frames and blocks, side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from napari_dip.batch.items import Outcome
from napari_dip.batch.summary import Summary
from napari_dip.batch_run import Batch
from napari_dip.tasks.base import Side, Task


def restore_many(
    images: Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    task: Task,
    *,
    sides: Mapping[Side, str | os.PathLike[str]] | None = None,
    mask_keeps: bool = False,
    axes: str | None = None,
    data_range: float | None = None,
    seed: int = 0,
    device: str = "auto",
    each: str | None = None,
    block: int | None = None,
    overlap: int | None = None,
    warm: bool = True,
    workers: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_start: Callable[[str], object] = lambda dashboard: None,
    on_outcome: Callable[[Outcome, Summary], object] = lambda outcome, summary: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """Restore many pictures, side by side, each as `restore_file` would.

    Each result is written as soon as it is there, with its report beside it (NAME.json); a summary
    of all (summary.csv, summary.json) grows with them. A picture that fails is on record and stops
    nothing. The same seed gives what single runs with as many threads give, bit by bit.

    A script that calls this needs the usual `if __name__ == "__main__":`, for its workers are
    processes that import it.

    Parameters
    ----------
    images
        Files, Zarr stores, folders (with all that is in them) and patterns such as "plate/*.tif".
    output
        The folder for the results, which have their sources' names and places in their folders.
    task
        What to do with each.
    sides
        Mask, guide and PSF: a file for all pictures, or a folder with one of each picture's name.
    mask_keeps, axes, data_range, seed, device
        As in `restore_file`.
    each, block, overlap, warm
        As in `restore_large`: with any of the first three, and for Zarr stores, an item is a block
        of a picture, or one entry of its axes, and the result is NAME.ome.zarr.
    workers
        Processes on this machine; by default one for each GPU, or for each two cores.
    scheduler
        The address of a running dask scheduler. Its workers need napari-dip and the same paths.
    resume
        Go on with a run that was ended: what it has finished from the same files with the same
        settings is left as it is.
    overwrite
        Replace results that exist.
    on_start
        Called with the dashboard's address once there is a cluster.
    on_outcome
        Called for each item as it ends, with the summary so far.
    should_stop
        Asked all along; true ends the run. What is finished stays.

    Raises
    ------
    UserError
        When something can't be used, before anything is done; or when the scheduler is lost.
    """
    batch = Batch(
        images=list(images),
        output=output,
        task=task,
        sides=sides or {},
        mask_keeps=mask_keeps,
        axes=axes,
        data_range=data_range,
        seed=seed,
        device=device,
        each=each,
        block=block,
        overlap=overlap,
        warm=warm,
        workers=workers,
        scheduler=scheduler,
        resume=resume,
        overwrite=overwrite,
    )
    result = None
    for update in batch.run(should_stop):
        if update.outcome is not None:
            on_outcome(update.outcome, update.summary)
        elif update.result is None:
            on_start(update.dashboard)
        result = update.result
    assert result is not None  # a run's last update has it
    return result
