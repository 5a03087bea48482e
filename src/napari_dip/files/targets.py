"""Files that are about to be written are none of those that are read, by whatever name or link."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from napari_dip.files.atomic import FileError

NamedPath = tuple[str, Path]
"""What a file is for ("image", "report"), and its path."""

_Identity = tuple[int, int]
"""Device and number of a file, which all of its hard links share."""


def check_targets(targets: Iterable[NamedPath], inputs: Iterable[NamedPath]) -> None:
    """Refuse to write into what is read, even where existing files may be replaced.

    A file is the same by another spelling, through a symbolic or hard link, and in another case
    where the file system does not tell cases apart. A folder, such as a Zarr, is protected with all
    that is in it; and no folder that holds an input can be written.

    Parameters
    ----------
    targets
        The files and folders that will be written, with the names of their arguments.
    inputs
        The files and folders that are read, with what they are.

    Raises
    ------
    FileError
        When a target is or holds an input, or lies in one, or two targets are one file.

    Examples
    --------
    >>> check_targets([("report", Path("a.tif"))], [("image", Path("b/../a.tif"))])
    Traceback (most recent call last):
        ...
    napari_dip.files.atomic.FileError: report: a.tif is the image (b/../a.tif), which would be \
lost; choose another name
    """
    inputs = list(inputs)
    places = {_store(place.resolve()): (name, place) for name, place in inputs}
    files = {number: place for place in places if (number := _number(place)) is not None}
    holders: dict[Path | _Identity, Path] = {}
    for place in places:
        for folder in place.parents:
            holders.setdefault(folder, place)
            if (number := _number(folder)) is not None:
                holders.setdefault(number, place)
    written: dict[str, str] = {}
    for argument, target in targets:
        place, number = target.resolve(), _number(target)
        same = place if place in places else files.get(number) if number is not None else None
        if same is not None:
            name, given = places[same]
            also = "" if given == target else f" ({given})"
            raise FileError(
                f"{argument}: {target} is the {name}{also}, which would be lost; choose another "
                "name"
            )
        if (held := holders.get(place) or holders.get(number or place)) is not None:
            name, given = places[held]
            raise FileError(
                f"{argument}: {target} is a folder that holds the {name} ({given}); choose "
                "another name"
            )
        for folder in place.parents:
            inside = folder if folder in places else files.get(_number(folder) or (0, 0))
            if inside is not None:
                name, given = places[inside]
                raise FileError(
                    f"{argument}: {target} lies in the {name} ({given}); choose another folder"
                )
        other = written.setdefault(str(place).casefold(), argument)
        if other != argument:
            owner = "result" if other == "output" else other
            raise FileError(f"{argument}: {target} is the {owner}'s own name; choose another")


def _store(place: Path) -> Path:
    """The whole Zarr that an array lies in; any other path as it is."""
    stores = [folder for folder in (place, *place.parents) if folder.suffix.lower() == ".zarr"]
    return stores[-1] if stores else place


def _number(path: Path) -> _Identity | None:
    """The identity of a file or folder; None if there is none."""
    try:
        about = path.stat()
    except OSError:
        return None
    # Some network file systems number nothing.
    return (about.st_dev, about.st_ino) if about.st_ino else None
