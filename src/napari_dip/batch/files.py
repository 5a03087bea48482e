"""Which image files and folders are meant, and each file as an item of a run."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from napari_dip.errors import UserError
from napari_dip.files.atomic import replacing
from napari_dip.files.image_file import READABLE_SUFFIXES, WRITABLE_SUFFIXES
from napari_dip.files.inputs import InputFiles
from napari_dip.files.lazy import count_images
from napari_dip.files.zarr_images import is_zarr
from napari_dip.restoration.files import restore_file
from napari_dip.scheduling.item import Item, uninterrupted
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import task_from_dict


@dataclass(frozen=True)
class FileItem(Item):
    """A file to restore into another, with its report beside it.

    Attributes
    ----------
    label
        The result's name below the folder of all results.
    source, output
        The files.
    task, inputs
        As in `restore_file`.
    options
        Further keywords of `restore_file`, as JSON values: axes, data_range, seed, device, series,
        strict.
    """

    label: str
    source: Path
    output: Path
    task: Task
    inputs: InputFiles = field(default_factory=InputFiles)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.label

    @property
    def report(self) -> Path:
        """The file of the report."""
        return self.output.with_name(f"{self.output.name}.json")

    def finished(self) -> dict[str, Any] | None:
        try:
            report: dict[str, Any] = json.loads(self.report.read_text())
            same = self._with_current_names(report["request"]) == self.request()
        except (OSError, ValueError, KeyError, TypeError, UserError):
            return None  # there is no report, or none that can be read
        return report if same and self.output.exists() else None

    def request(self) -> dict[str, Any]:
        """All that decides the result, as JSON values; a file by its size and time of writing."""
        request = {"task": self.task.name, **self.task.to_dict(), **self.options}
        request.pop("strict", None)  # it refuses a result, and changes none
        if self.inputs.mask_keeps:
            request["mask_keeps"] = True
        request["source"] = _state(self.source)
        request |= {name: _state(path) for name, path in self.inputs.paths.items()}
        values: dict[str, Any] = json.loads(json.dumps(request))  # as it will be read back
        return values

    def _with_current_names(self, recorded: dict[str, Any]) -> dict[str, Any]:
        """A recorded request, its settings by today's names and values."""
        others = {"mask_keeps", "source", "mask", "guide", "psf", *self.options}
        settings = {n: value for n, value in recorded.items() if n not in others}
        task = task_from_dict(settings)
        rest = {n: value for n, value in recorded.items() if n in others}
        current: dict[str, Any] = json.loads(json.dumps(task.to_dict()))
        return {"task": task.name, **current, **rest}

    def run(self, should_stop: Callable[[], bool]) -> dict[str, Any]:
        request = self.request()  # before it is read: a file that changes meanwhile is done again
        self.output.parent.mkdir(parents=True, exist_ok=True)
        result = restore_file(
            self.source,
            self.output,
            self.task,
            inputs=self.inputs,
            overwrite=True,
            run=partial(uninterrupted, should_stop=should_stop),
            **self.options,
        )
        places = {"source": str(self.source), "output": str(self.output), "request": request}
        report = {**result.report(), **places}
        with replacing(self.report) as temporary:
            temporary.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")
        return {name: value for name, value in report.items() if name != "history"}


def find_images(
    images: Iterable[str | os.PathLike[str]], output: Path, *, tiled: bool = False
) -> dict[Path, Path]:
    """Find the image files that paths, folders and patterns name.

    Parameters
    ----------
    images
        Files, Zarr stores, folders with all that is in them, and patterns such as "plate/*.tif".
    output
        The folder of the results, whose files are not meant.
    tiled
        All results are OME-Zarrs.

    Returns
    -------
    dict
        The absolute path of each file, by the name of its result below `output`.

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
            raise UserError(
                f"images: {given}: expected images ({', '.join(READABLE_SUFFIXES)}), found none"
            )
        for name, path in some.items():
            result = _result_name(name, tiled or is_zarr(path))
            if found.setdefault(result, path.absolute()) != path.absolute():
                raise UserError(
                    f"images: {found[result]} and {path} would both become {output / result}; "
                    "name the folder that both are in"
                )
    if not found:
        raise UserError("images: there are none; name files or folders")
    return found


def find_series(
    found: Mapping[Path, Path], series: int | str | None
) -> list[tuple[Path, Path, int | None]]:
    """Which images of files are meant: the result's name, the file, and the image's number.

    Parameters
    ----------
    found
        Files by the names of their results.
    series
        The number of an image in each file, "all", or None for the first.

    Raises
    ------
    UserError
        When two images would have one result.
    """
    if series != "all":
        one = None if series is None else int(series)
        return [(name, path, one) for name, path in found.items()]
    images: dict[Path, tuple[Path, int | None]] = {}
    for name, path in found.items():
        try:
            count = count_images(path)
        except UserError:  # it fails by itself, as any other item
            count = 1
        stem, dot, suffixes = name.name.partition(".")
        numbers: list[int | None] = [None] if count == 1 else list(range(1, count + 1))
        for number in numbers:
            own = name if number is None else name.with_name(f"{stem}_{number}{dot}{suffixes}")
            if own in images:
                raise UserError(f"images: two of them would both become {own}; rename one")
            images[own] = path, number
    return [(name, path, number) for name, (path, number) in images.items()]


def _result_name(name: Path, tiled: bool) -> Path:
    if tiled:
        return name.with_name(f"{name.stem.removesuffix('.ome')}.ome.zarr")
    return name if name.suffix.lower() in WRITABLE_SUFFIXES else name.with_suffix(".png")


def _below(folder: Path, output: Path) -> list[Path]:
    """The images in a folder and its folders, without hidden files and results."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.absolute() == output:
            continue
        if path.suffix.lower() in READABLE_SUFFIXES or is_zarr(path):
            found.append(path)
        elif path.is_dir():
            found += _below(path, output)
    return found


def _state(path: Path) -> list[Any]:
    """Path, size and time of writing, which tell whether a file is still the same."""
    try:
        about = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), about.st_size, about.st_mtime_ns]
