"""`restore_many`: files, folders and patterns, movies and large pictures, side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain
from pathlib import Path
from typing import Any

from napari_dip.batch.files import FileItem, find_pictures, sides_for
from napari_dip.errors import UserError
from napari_dip.files.atomic import make_folder, remove_leftovers
from napari_dip.scheduling.cluster import connect
from napari_dip.scheduling.item import Item, Outcome, Status
from napari_dip.scheduling.runner import run_items
from napari_dip.scheduling.summary import Summary
from napari_dip.tasks.base import InputName, Task
from napari_dip.tiling.mosaic import Mosaic, ResultExists
from napari_dip.tiling.restore import plan_mosaic


@dataclass(frozen=True)
class BatchUpdate:
    """Where a run of many is.

    Attributes
    ----------
    summary
        The outcomes so far.
    dashboard
        The address of dask's.
    outcome
        What has just ended; None on the first update and the last.
    result
        The summary, on the last update and only there.
    """

    summary: Summary
    dashboard: str
    outcome: Outcome | None = None
    result: Summary | None = None


@dataclass(frozen=True)
class Batch:
    """What `restore_many` is to do; its attributes are that function's parameters."""

    images: Sequence[str | os.PathLike[str]]
    output: str | os.PathLike[str]
    task: Task
    sides: Mapping[InputName, str | os.PathLike[str]] = field(default_factory=dict)
    mask_keeps: bool = False
    axes: str | None = None
    data_range: float | None = None
    seed: int = 0
    device: str = "auto"
    each: str | None = None
    block: int | None = None
    overlap: int | None = None
    warm: bool = True
    workers: int | None = None
    scheduler: str | None = None
    resume: bool = False
    overwrite: bool = False

    def run(
        self,
        should_stop: Callable[[], bool] = lambda: False,
        is_paused: Callable[[], bool] = lambda: False,
    ) -> Iterator[BatchUpdate]:
        """Do it, yielding an update at the beginning, for each item that ends, and at the end.

        Parameters
        ----------
        should_stop
            As in `restore_many`.
        is_paused
            Asked all along; while it is true no further item begins.
        """
        folder = self._check()
        pictures, large = self._found(folder)
        most = None if large else len(pictures)
        with connect(self.scheduler, workers=self.workers, device=self.device, most=most) as client:
            make_folder(folder)
            if self.resume:
                remove_leftovers(folder)
            mosaics, known = self._plans(folder, large)
            items: list[Item] = [*pictures, *(i for m in mosaics for i in m.items.values())]
            names = (*(outcome.name for outcome in known), *(item.name for item in items))
            settings = {"task": self.task.name, "settings": self.task.to_dict(), **self._options}
            summary = Summary(folder, settings, names)
            dashboard = client.dashboard_link
            yield BatchUpdate(summary, dashboard)
            outcomes = run_items(
                client, items, resume=self.resume, should_stop=should_stop, is_paused=is_paused
            )
            try:
                for outcome in chain(known, outcomes):
                    told = reduce(lambda told, mosaic: mosaic.take(told), mosaics, outcome)
                    summary.add(told)
                    yield BatchUpdate(summary, dashboard, told)
            finally:
                for item in items:  # done, yet its worker could not say so any more
                    report = None if summary.knows(item.name) else item.finished()
                    if report is not None:
                        summary.add(Outcome(item.name, Status.DONE, report=report))
                summary.write()
        yield BatchUpdate(summary, dashboard, result=summary)

    @property
    def _options(self) -> dict[str, Any]:
        """What a picture is restored with, beside the task."""
        names = ("axes", "data_range", "seed", "device")
        options = {name: getattr(self, name) for name in names}
        return options | ({"mask_keeps": True} if self.mask_keeps else {})

    def _check(self) -> Path:
        folder = Path(self.output).absolute()
        if folder.exists() and not folder.is_dir():
            raise UserError(f"output: {folder} is a file; name a folder")
        for side in self.task.needs:
            if side not in self.sides:
                raise UserError(
                    f"{side}: {self.task.name} needs one; give a file, or a folder of them"
                )
        return folder

    def _found(self, folder: Path) -> tuple[list[FileItem], dict[Path, Path]]:
        """Pictures that are items, and those to be done in blocks, by their results' names."""
        pictures: list[FileItem] = []
        large: dict[Path, Path] = {}
        in_blocks = not (self.each is None and self.block is None and self.overlap is None)
        for name, source in find_pictures(self.images, folder, in_blocks=in_blocks).items():
            if name.suffix == ".zarr":
                large[name] = source
                continue
            beside = sides_for(self.sides, name)
            picture = FileItem(str(name), source, folder / name, self.task, beside, self._options)
            if picture.output.exists() and not (self.resume or self.overwrite):
                raise UserError(
                    f"output: {picture.output} exists already; go on with --resume (resume=True "
                    "in Python), or replace it with --force (overwrite=True)"
                )
            pictures.append(picture)
        return pictures, large

    def _plans(
        self, folder: Path, large: Mapping[Path, Path]
    ) -> tuple[list[Mosaic], list[Outcome]]:
        """Pictures to be restored in blocks, and those of which it is known how they end."""
        mosaics, known = [], []
        for name, source in large.items():
            make_folder((folder / name).parent)
            try:
                mosaic = plan_mosaic(
                    source,
                    folder / name,
                    self.task,
                    name=str(name),
                    sides=sides_for(self.sides, name.with_name(source.name)),
                    each=self.each,
                    block=self.block,
                    overlap=self.overlap,
                    warm=self.warm,
                    resume=self.resume,
                    overwrite=self.overwrite,
                    **self._options,
                )
            except ResultExists:
                raise
            except UserError as error:  # as any other item's, it does not stop the others
                known.append(Outcome(str(name), Status.FAILED, str(error)))
                continue
            mosaics.append(mosaic)
            if mosaic.is_complete:
                known.append(Outcome(str(name), Status.KEPT))
        return mosaics, known


def restore_many(
    images: Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    task: Task,
    *,
    sides: Mapping[InputName, str | os.PathLike[str]] | None = None,
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
