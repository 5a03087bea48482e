"""`restore_many`: files, folders and patterns, movies and large images, side by side."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial, reduce
from itertools import chain
from pathlib import Path
from typing import Any

from napari_dip.batch.files import FileItem, find_images, find_series
from napari_dip.data.reading import Note
from napari_dip.errors import UserError
from napari_dip.files.atomic import make_folder, remove_leftovers
from napari_dip.files.inputs import InputFiles
from napari_dip.files.lazy import open_lazily
from napari_dip.files.targets import check_targets
from napari_dip.restoration.job import run_to_end
from napari_dip.scheduling.cluster import connect
from napari_dip.scheduling.item import Item, Outcome, Status
from napari_dip.scheduling.runner import run_items
from napari_dip.scheduling.summary import SUMMARY_FILES, Summary
from napari_dip.scheduling.worker import run_in_process
from napari_dip.tasks.base import Task
from napari_dip.tiling.mosaic import Mosaic, ResultExists
from napari_dip.tiling.plan import TilingOptions
from napari_dip.tiling.restore import plan_mosaic

_Series = tuple[Path, int | None]
"""A file, and which of several images in it, from 1 on."""


_FEW_PIXELS = 200_000
"""Values in all images together up to which they are restored in this process: half a minute's."""

_SMALL_FILE = 4_000_000
"""Size of a file, in bytes, up to which it is read to count its values."""


@dataclass(frozen=True)
class BatchUpdate:
    """Progress of a batch.

    Attributes
    ----------
    summary
        The outcomes so far.
    dashboard
        The address of dask's dashboard; empty when the images are restored in this process.
    outcome
        The item that has just ended; None on the first update and the last.
    result
        The summary, on the last update and only there.
    """

    summary: Summary
    dashboard: str
    outcome: Outcome | None = None
    result: Summary | None = None


@dataclass(frozen=True)
class Batch:
    """Many images to restore; the attributes are parameters of `restore_many`."""

    images: Sequence[str | os.PathLike[str]]
    output: str | os.PathLike[str]
    task: Task
    inputs: InputFiles = InputFiles()
    tiling: TilingOptions = TilingOptions()
    axes: str | None = None
    data_range: float | None = None
    seed: int = 0
    device: str = "auto"
    series: int | str | None = None
    strict: bool = False
    workers: int | None = None
    scheduler: str | None = None
    resume: bool = False
    overwrite: bool = False

    def run(
        self,
        should_stop: Callable[[], bool] = lambda: False,
        is_paused: Callable[[], bool] = lambda: False,
    ) -> Iterator[BatchUpdate]:
        """Restore all images.

        Parameters
        ----------
        should_stop
            As in `restore_many`.
        is_paused
            Asked all along; while it is true no further item begins.

        Yields
        ------
        BatchUpdate
            At the beginning, for each item that ends, and at the end.
        """
        folder = self._check()
        files, large = self._found(folder)
        self._check_targets(folder, files, large)
        with self._runner(files, has_large=bool(large)) as (dashboard, run):
            make_folder(folder)
            if self.resume:
                remove_leftovers(folder)
            mosaics, known = self._mosaics(folder, large)
            items: list[Item] = [*files, *(i for m in mosaics for i in m.items.values())]
            names = (*(outcome.name for outcome in known), *(item.name for item in items))
            settings = {"task": self.task.name, "settings": self.task.to_dict(), **self._options}
            if self.inputs.mask_keeps:
                settings["mask_keeps"] = True
            summary = Summary(folder, settings, names)
            summary.notes = tuple(note for mosaic in mosaics for note in mosaic.plan.notes)
            yield BatchUpdate(summary, dashboard)
            outcomes = run(items, resume=self.resume, should_stop=should_stop, is_paused=is_paused)
            try:
                for outcome in chain(known, outcomes):
                    unfinished = [mosaic for mosaic in mosaics if not mosaic.is_complete]
                    taken = reduce(lambda taken, mosaic: mosaic.take(taken), mosaics, outcome)
                    for mosaic in unfinished:
                        if mosaic.is_complete:
                            taken = _with_whole(taken, mosaic)
                    summary.add(taken)
                    told = (taken.report or {}).get("notes", ())
                    summary.notes += tuple(map(Note.from_dict, told))
                    yield BatchUpdate(summary, dashboard, taken)
            finally:
                for item in items:  # finished, yet its worker could not report it any more
                    report = None if summary.knows(item.name) else item.finished()
                    if report is not None:
                        summary.add(Outcome(item.name, Status.DONE, report=report))
                summary.write()
        yield BatchUpdate(summary, dashboard, result=summary)

    @contextmanager
    def _runner(
        self, files: Sequence[FileItem], *, has_large: bool
    ) -> Iterator[tuple[str, Callable[..., Iterator[Outcome]]]]:
        """The dashboard's address and a function that runs items: on workers, or in this process.

        Workers take seconds to start, in which a few small images are finished.
        """
        is_here = self.scheduler is None and self.workers is None and not has_large
        if is_here and _are_small(file.source for file in files):
            yield "", run_in_process
            return
        most = None if has_large else len(files)
        with connect(self.scheduler, workers=self.workers, device=self.device, most=most) as client:
            yield client.dashboard_link, partial(run_items, client)

    @property
    def _options(self) -> dict[str, Any]:
        """Keywords that all images are restored with."""
        options = {name: getattr(self, name) for name in ("axes", "data_range", "seed", "device")}
        if self.strict:
            options["strict"] = True
        return options

    def _check(self) -> Path:
        folder = Path(self.output).absolute()
        if folder.exists() and not folder.is_dir():
            raise UserError(f"output: {folder} is a file; name a folder")
        for name in self.inputs.missing(self.task):
            raise UserError(f"{name}: {self.task.name} needs one; give a file, or a folder of them")
        if not (self.series in (None, "all") or (isinstance(self.series, int) and self.series > 0)):
            raise UserError(f"series: expected a number from 1 on, or all, got {self.series!r}")
        return folder

    def _check_targets(
        self, folder: Path, files: Sequence[FileItem], large: Mapping[Path, _Series]
    ) -> None:
        """Refuse to replace any image of the batch, or any of its inputs."""
        targets = [("output", folder / name) for name in SUMMARY_FILES]
        read_from = []
        for file in files:
            targets += [("output", file.output), ("output", file.report)]
            read_from += [("image", file.source), *file.inputs.paths.items()]
        for name, (source, _) in large.items():
            targets += [("output", folder / name), ("output", folder / f"{name}.parts")]
            inputs = self.inputs.absolute().for_image(name.with_name(source.name))
            read_from += [("image", source), *inputs.paths.items()]
        check_targets(targets, read_from)

    def _found(self, folder: Path) -> tuple[list[FileItem], dict[Path, _Series]]:
        """Files that are restored whole, and images restored tile by tile, by result's name."""
        files: list[FileItem] = []
        large: dict[Path, _Series] = {}
        inputs = self.inputs.absolute()
        found = find_images(self.images, folder, tiled=self.tiling.is_divided)
        for name, source, series in find_series(found, self.series):
            if name.suffix == ".zarr":
                large[name] = source, series
                continue
            output, own = (
                folder / name,
                inputs.for_image(name if series is None else name.with_name(source.name)),
            )
            options = self._options if series is None else {**self._options, "series": series}
            file = FileItem(str(name), source, output, self.task, own, options)
            if output.exists() and not (self.resume or self.overwrite):
                raise UserError(
                    f"output: {output} exists already; go on with --resume (resume=True "
                    "in Python), or replace it with --force (overwrite=True)"
                )
            files.append(file)
        return files, large

    def _mosaics(
        self, folder: Path, large: Mapping[Path, _Series]
    ) -> tuple[list[Mosaic], list[Outcome]]:
        """Images to restore tile by tile, and outcomes of those that need no or allow no work."""
        mosaics, known = [], []
        for name, (source, series) in large.items():
            make_folder((folder / name).parent)
            try:
                mosaic = plan_mosaic(
                    source,
                    folder / name,
                    self.task,
                    name=str(name),
                    inputs=self.inputs.absolute().for_image(name.with_name(source.name)),
                    tiling=self.tiling,
                    series=series,
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


def _are_small(files: Iterable[Path]) -> bool:
    """Whether files have so few pixels together that starting workers would take longer."""
    pixels = 0
    for file in files:
        try:
            if file.stat().st_size > _SMALL_FILE:
                return False
            with open_lazily(file) as image:  # of a TIFF, the header is enough
                pixels += math.prod(image.shape)
        except (OSError, UserError):
            continue  # it fails soon enough as an item
        if pixels > _FEW_PIXELS:
            return False
    return True


def _with_whole(outcome: Outcome, mosaic: Mosaic) -> Outcome:
    """The outcome of an image's last tile, with what is told of the whole image."""
    whole = {
        "notes": [note.to_dict() for note in mosaic.plan.notes],
        "filled": mosaic.plan.filled,
    }
    return replace(outcome, report={**(outcome.report or {}), **whole})


def restore_many(
    images: Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    task: Task,
    *,
    mask: str | os.PathLike[str] | None = None,
    guide: str | os.PathLike[str] | None = None,
    psf: str | os.PathLike[str] | None = None,
    mask_keeps: bool = False,
    axes: str | None = None,
    series: int | str | None = None,
    tiling: TilingOptions = TilingOptions(),
    data_range: float | None = None,
    seed: int = 0,
    device: str = "auto",
    strict: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_start: Callable[[str], object] = lambda dashboard: None,
    on_notes: Callable[[Sequence[Note]], object] = lambda notes: None,
    on_outcome: Callable[[Outcome, Summary], object] = lambda outcome, summary: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """Restore many images side by side.

    Each result is written as soon as it is finished, with its report beside it (NAME.json); a
    summary of all (summary.csv, summary.json) grows with them. An image that fails is recorded and
    stops nothing. The same seed gives the same bits as restoring each image by itself with as many
    threads.

    A script that calls this for more than a few small images needs the usual
    `if __name__ == "__main__":`, because its workers are processes that import it.

    Parameters
    ----------
    images
        Files, Zarr stores, folders (with all that is in them) and patterns such as "plate/*.tif".
    output
        The folder for the results, which have their sources' names and places in their folders.
    task
        The task, with the settings for all images.
    mask, guide, psf
        A file for all images, or a folder with a file of each image's name.
    mask_keeps, axes, data_range, seed, device, strict
        As in `restore_large`, for all images.
    series
        Which of several images in each file, from 1 on, or "all": NAME_1, NAME_2 and so on. By
        default it is the first, with a note.
    tiling
        How images are divided. If loop axes, a tile or an overlap are given, and for Zarr stores,
        an item is a tile of an image, and the result is NAME.ome.zarr.
    workers
        Processes on this machine; by default one for each GPU, or for each two cores. A few small
        images are restored in this process, unless a number is given.
    scheduler
        The address of a running dask scheduler. Its workers need napari-dip and the same paths.
    resume
        Go on with a run that was ended: a result that was finished from the same file with the
        same settings is left as it is.
    overwrite
        Replace results that exist.
    on_start
        Called with the dashboard's address once the run begins; it is empty without a cluster.
    on_notes
        Called once, after that, with what was left out, changed or assumed of the images that are
        restored in tiles; those of others are in the reports of their outcomes.
    on_outcome
        Called for each item as it ends, with the summary so far.
    should_stop
        Asked all along; true ends the run. Finished results stay.

    Returns
    -------
    Summary
        The outcome of each item; its `is_complete` tells whether all are finished.

    Raises
    ------
    UserError
        When something can't be used, before anything is done; or when the scheduler is lost.

    Examples
    --------
    >>> from napari_dip import Denoise, restore_many
    >>> restore_many([], "clean", Denoise())
    Traceback (most recent call last):
        ...
    napari_dip.errors.UserError: images: there are none; name files or folders
    """
    batch = Batch(
        images=list(images),
        output=output,
        task=task,
        inputs=InputFiles(mask, guide, psf, mask_keeps),
        tiling=tiling,
        axes=axes,
        series=series,
        data_range=data_range,
        seed=seed,
        device=device,
        strict=strict,
        workers=workers,
        scheduler=scheduler,
        resume=resume,
        overwrite=overwrite,
    )

    def on_update(update: BatchUpdate) -> None:
        if update.outcome is not None:
            on_outcome(update.outcome, update.summary)
        elif update.result is None:
            on_start(update.dashboard)
            if update.summary.notes:
                on_notes(update.summary.notes)

    return run_to_end(batch.run(should_stop), on_update)
