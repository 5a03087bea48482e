"""Files as items: each picture an item of its own, and what is meant by files and folders."""

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
from napari_dip.files.lazy import is_zarr
from napari_dip.restoration.files import restore_file
from napari_dip.scheduling.item import Item, to_the_end
from napari_dip.tasks.base import InputName, Task


@dataclass(frozen=True)
class FileItem(Item):
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
    sides: Mapping[InputName, Path] = field(default_factory=dict)
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
            raise UserError(
                f"images: {given}: there are no pictures; use {', '.join(READABLE_SUFFIXES)}"
            )
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
    return name if name.suffix.lower() in WRITABLE_SUFFIXES else name.with_suffix(".png")


def _below(folder: Path, output: Path) -> list[Path]:
    """The pictures in a folder and its folders, but no hidden ones and no results."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.absolute() == output:
            continue
        if path.suffix.lower() in READABLE_SUFFIXES or is_zarr(path):
            found.append(path)
        elif path.is_dir():
            found += _below(path, output)
    return found


def sides_for(
    sides: Mapping[InputName, str | os.PathLike[str]], name: Path
) -> dict[InputName, Path]:
    """The files beside a picture: one of its name, where a folder was given."""
    paths = {side: Path(path).absolute() for side, path in sides.items()}
    folders = {side for side, path in paths.items() if path.is_dir() and not is_zarr(path)}
    return {side: path / name if side in folders else path for side, path in paths.items()}


def _state(path: Path) -> list[Any]:
    """What tells whether a file is still the same; a missing one has none."""
    try:
        about = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), about.st_size, about.st_mtime_ns]
