"""`restore_many`: files, folders and patterns, each picture an item of its own."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import chain
from pathlib import Path
from typing import Any

from napari_dip.batch.cluster import connect
from napari_dip.batch.items import Item, Outcome, Status, to_the_end
from napari_dip.batch.runner import run_items
from napari_dip.batch.summary import Summary
from napari_dip.blocks.mosaic import Mosaic, ResultExists
from napari_dip.errors import UserError
from napari_dip.file_restoration import restore_file
from napari_dip.files import READABLE, WRITABLE, FileError, remove_leftovers, replacing
from napari_dip.files.lazy import is_zarr
from napari_dip.large import plan_mosaic
from napari_dip.tasks.base import Side, Task


@dataclass(frozen=True)
class Picture(Item):
    """A file to restore into another, with its report beside it.

    Attributes
    ----------
    label
        Its name below the common folder.
    source, output
        The files.
    task, sides, options
        As in `restore_file`.
    """

    label: str
    source: Path
    output: Path
    task: Task
    sides: Mapping[Side, Path] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.label

    @property
    def report(self) -> Path:
        """Where it is on record."""
        return self.output.with_name(f"{self.output.name}.json")

    def finished(self) -> dict[str, Any] | None:
        try:
            report: dict[str, Any] = json.loads(self.report.read_text())
            same = report["request"] == self.request() and self.output.exists()
        except (OSError, ValueError, KeyError, TypeError):
            return None  # there is none, or none that can be read
        return report if same else None

    def request(self) -> dict[str, Any]:
        """What decides the result, as JSON values; a file by its size and time of writing."""
        facts = {"source": _state(self.source)}
        facts |= {side: _state(path) for side, path in self.sides.items()}
        request = {"task": self.task.name, **self.task.to_dict(), **self.options, **facts}
        told: dict[str, Any] = json.loads(json.dumps(request))  # as it will be read back
        return told

    def run(self, should_stop: Callable[[], bool]) -> dict[str, Any]:
        request = self.request()  # before it is read: what changes meanwhile is done again
        self.output.parent.mkdir(parents=True, exist_ok=True)
        result = restore_file(
            self.source,
            self.output,
            self.task,
            sides=self.sides,
            overwrite=True,
            run=partial(to_the_end, should_stop=should_stop),
            **self.options,
        )
        told = {"source": str(self.source), "output": str(self.output), "request": request}
        report = {**result.report(), **told}
        with replacing(self.report) as temporary:
            temporary.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")
        return {name: value for name, value in report.items() if name != "history"}


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
    folder = Path(output).absolute()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"output: {folder} is a file; name a folder")
    for side in task.needs:
        if side not in (sides or {}):
            raise UserError(f"{side}: {task.name} needs one; give a file, or a folder of them")
    options: dict[str, Any] = {"data_range": data_range, "seed": seed, "device": device}
    options |= {"axes": axes, **({"mask_keeps": True} if mask_keeps else {})}
    cuts: dict[str, Any] = {"each": each, "block": block, "overlap": overlap, "warm": warm}
    in_blocks = not (each is None and block is None and overlap is None)
    pictures: list[Picture] = []
    large: dict[Path, Path] = {}
    for name, source in find_pictures(images, folder, in_blocks=in_blocks).items():
        if name.suffix == ".zarr":
            large[name] = source
        else:
            beside = _sides(sides or {}, name)
            pictures.append(Picture(str(name), source, folder / name, task, beside, options))
    if not (resume or overwrite):
        for picture in pictures:
            if picture.output.exists():
                raise UserError(
                    f"output: {picture.output} exists already; go on with --resume (resume=True in "
                    "Python), or replace it with --force (overwrite=True)"
                )
    most = None if large else len(pictures)
    with connect(scheduler, workers=workers, device=device, most=most) as client:
        on_start(client.dashboard_link)
        make_folder(folder)
        if resume:
            remove_leftovers(folder)
        plan = partial(
            plan_mosaic, task=task, resume=resume, overwrite=overwrite, **options, **cuts
        )
        mosaics, known = _plans(plan, folder, large, sides or {})
        items: list[Item] = [*pictures, *(i for m in mosaics for i in m.items.values())]
        settings = {"task": task.name, "settings": task.to_dict(), **options}
        names = (*(outcome.name for outcome in known), *(item.name for item in items))
        summary = Summary(folder, settings, names)
        outcomes = run_items(client, items, resume=resume, should_stop=should_stop)
        try:
            for outcome in chain(known, outcomes):
                told = reduce(lambda told, mosaic: mosaic.take(told), mosaics, outcome)
                summary.add(told)
                on_outcome(told, summary)
        finally:
            for item in items:  # done, yet its worker could not say so any more
                report = None if summary.knows(item.name) else item.finished()
                if report is not None:
                    summary.add(Outcome(item.name, Status.DONE, report=report))
            summary.write()
    return summary


def _plans(
    plan: Callable[..., Mosaic],
    folder: Path,
    large: Mapping[Path, Path],
    sides: Mapping[Side, str | os.PathLike[str]],
) -> tuple[list[Mosaic], list[Outcome]]:
    """Pictures to be restored in blocks, and those of which it is known how they end."""
    mosaics, known = [], []
    for name, source in large.items():
        make_folder((folder / name).parent)
        try:
            mosaic = plan(source, folder / name, name=str(name), sides=_sides(sides, name))
        except ResultExists:
            raise
        except UserError as error:  # as any other item's, it does not stop the others
            known.append(Outcome(str(name), Status.FAILED, str(error)))
            continue
        mosaics.append(mosaic)
        if mosaic.is_complete:
            known.append(Outcome(str(name), Status.KEPT))
    return mosaics, known


def find_pictures(
    images: Iterable[str | os.PathLike[str]], output: Path, *, in_blocks: bool = False
) -> dict[Path, Path]:
    """The files that are meant, by the names of their results.

    Raises
    ------
    UserError
        When there are none, or two would have one result.
    """
    found: dict[Path, Path] = {}
    for given in images:
        place = Path(given)
        if place.is_dir() and not is_zarr(place):
            some = {path.relative_to(place): path for path in _below(place, output)}
        elif glob.has_magic(str(given)) and not place.exists():
            matches = sorted(glob.glob(str(given)))  # noqa: PTH207, Path's takes no absolute ones
            some = {Path(Path(match).name): Path(match) for match in matches}
        elif place.exists():
            some = {Path(place.name): place}
        else:
            raise UserError(f"images: {given}: no such file; check the name and the folder")
        if not some:
            raise UserError(f"images: {given}: there are no pictures; use {', '.join(READABLE)}")
        for name, path in some.items():
            result = _result(name, in_blocks or is_zarr(path))
            if found.setdefault(result, path.absolute()) != path.absolute():
                raise UserError(
                    f"images: {found[result]} and {path} would both become {output / result}; "
                    "name the folder that both are in"
                )
    if not found:
        raise UserError("images: there are none; name files or folders")
    return found


def _result(name: Path, in_blocks: bool) -> Path:
    """What a picture's result is called."""
    if in_blocks:
        return name.with_name(f"{name.stem.removesuffix('.ome')}.ome.zarr")
    return name if name.suffix.lower() in WRITABLE else name.with_suffix(".png")


def _below(folder: Path, output: Path) -> list[Path]:
    """The pictures in a folder and its folders, but no hidden ones and no results."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.absolute() == output:
            continue
        if path.suffix.lower() in READABLE or is_zarr(path):
            found.append(path)
        elif path.is_dir():
            found += _below(path, output)
    return found


def _sides(sides: Mapping[Side, str | os.PathLike[str]], name: Path) -> dict[Side, Path]:
    """The files beside a picture: one of its name, where a folder was given."""
    paths = {side: Path(path).absolute() for side, path in sides.items()}
    return {side: path / name if path.is_dir() else path for side, path in paths.items()}


def _state(path: Path) -> list[Any]:
    """What tells whether a file is still the same; a missing one has none."""
    try:
        about = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), about.st_size, about.st_mtime_ns]


def make_folder(folder: Path) -> None:
    """Make a folder for results.

    Raises
    ------
    FileError
        When it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"output: {folder} can't be made ({error.strerror})") from error
