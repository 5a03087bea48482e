"""The images in a Zarr store: arrays, OME-Zarr images, and collections of them.

Collections are the roots that bioformats2raw writes, wells and plates, groups of labels, and any
group with arrays or images right below it.

Source: https://ngff.openmicroscopy.org/0.5/ (and 0.1 to 0.4, which lack some of its entries)
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_dip.data.axes import KNOWN_LETTERS, Axes, guess_axes, named_axes
from napari_dip.data.reading import (
    MOST_LISTED,
    Note,
    NoteKind,
    ReadingRecord,
    list_images,
    series_note,
)
from napari_dip.errors import UserError
from napari_dip.files.atomic import FileError, reading
from napari_dip.files.metadata import axes_of_ome_zarr

_LETTERS_OF_TYPES = {"time": "T", "channel": "C"}
"""Letters of axes by their types in OME-Zarr, whatever their names."""

_OLD_AXES = "TCZYX"
"""The axes of OME-Zarr 0.1 and 0.2, whose metadata do not name them."""


@dataclass(frozen=True)
class ZarrImage:
    """One image of a Zarr store.

    Attributes
    ----------
    levels
        Its arrays, the finest first.
    axes
        The axes of the finest, as far as the metadata say.
    record
        What the store announces, what was read of it, and notes about the difference.
    """

    levels: tuple[Any, ...]
    axes: Axes
    record: ReadingRecord


@dataclass(frozen=True)
class _Entry:
    """An image in a store, not opened yet.

    Attributes
    ----------
    place
        Its path below the store; empty for the store itself.
    node
        Its array or group.
    multiscale
        Its entry of `multiscales`; None for a plain array.
    """

    place: str
    node: Any
    multiscale: Any = None

    def about(self) -> dict[str, Any]:
        """Name, axes and shape, as they are in a record."""
        array, name = self.node, self.place
        if self.multiscale is not None:
            name = self.place or str(self.multiscale.get("name", ""))
            array = next(iter(_levels(self).values()), None)
        return {"name": name, "shape": [] if array is None else list(array.shape)}


@dataclass(frozen=True)
class _Contents:
    """The images in a store.

    Attributes
    ----------
    entries
        The images.
    is_plate
        They are the fields of a plate, of which none stands for the others.
    """

    entries: list[_Entry] = field(default_factory=list)
    is_plate: bool = False


def is_zarr(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a Zarr store, which is a folder."""
    path = Path(path)
    return path.suffix.lower() == ".zarr" or any(
        (path / name).exists() for name in ("zarr.json", ".zarray", ".zgroup")
    )


def open_zarr(path: Path, number: int | None = None) -> ZarrImage:
    """Open an image of a Zarr store, without reading its pixels.

    Parameters
    ----------
    path
        The folder of an array, an image, or a collection of images.
    number
        Which of several images, from 1 on; if not given the first, with a note, unless it is a
        plate.

    Raises
    ------
    FileError
        When there is no such image, or it can't be read; the message says what is there.
    """
    contents = _contents(path)
    entries = contents.entries
    number_or_first = 1 if number is None else number
    images = [entry.about() for entry in entries[:MOST_LISTED]]
    images += [{"name": entry.place, "shape": []} for entry in entries[len(images) :]]
    if not 1 <= number_or_first <= len(entries):
        raise FileError(f"{path}: has no image {number}; choose from {list_images(images)}")
    if contents.is_plate and number is None and len(entries) > 1:
        raise FileError(
            f"{path}: is a plate of {len(entries)} images; give one of them, such as "
            f"{path / entries[0].place}, or --series N (series=N): {list_images(images)}"
        )
    entry = entries[number_or_first - 1]
    with reading(path / entry.place, "give one of its arrays"):
        levels, axes, notes = _image(path, entry)
    if len(entries) > 1 and number is None:
        notes.insert(0, series_note(str(path), images))
    about = {"axes": axes.letters, "shape": list(levels[0].shape)}
    read = {"image": number_or_first, "place": entry.place, **about, "dtype": str(levels[0].dtype)}
    record = ReadingRecord(str(path), {**about, "images": images}, read, tuple(notes))
    return ZarrImage(levels, axes, record)


def count_images(path: Path) -> int:
    """The number of images in a Zarr store.

    Raises
    ------
    FileError
        When there is none.
    """
    return len(_contents(path).entries)


def _contents(path: Path) -> _Contents:
    import zarr

    with reading(path, "give a Zarr array or an OME-Zarr image"):
        try:
            node = zarr.open(path, mode="r")
        except (FileNotFoundError, ValueError, KeyError) as error:
            raise FileError(
                f"{path}: can't be read (it holds no Zarr array); check that it is complete"
            ) from error
        if isinstance(node, zarr.Array):
            return _Contents([_Entry("", node)])
        found = _in_group(node, "")
    if not found.entries:
        raise FileError(f"{path}: holds no image, but {_children(node)}; give one of these")
    return found


def _in_group(group: Any, place: str) -> _Contents:
    """The images that a group is, names, or has right below it."""
    import zarr

    ome = _ome(group)
    if isinstance(plate := ome.get("plate"), Mapping):
        wells = [str(well.get("path", "")) for well in plate.get("wells", [])]
        fields = [_in_group(group[well], well).entries for well in wells if well in group]
        return _Contents([entry for found in fields for entry in found], is_plate=True)
    if isinstance(scales := ome.get("multiscales"), Sequence) and scales:
        return _Contents([_Entry(place, group, scale) for scale in scales])
    named: list[str] = []
    if isinstance(well := ome.get("well"), Mapping):
        named = [str(image.get("path", "")) for image in well.get("images", [])]
    elif isinstance(labels := ome.get("labels"), Sequence):
        named = [str(label) for label in labels]
    elif "OME" in group and isinstance(series := _ome(group["OME"]).get("series"), Sequence):
        named = [str(image) for image in series]
    children = [name for name in named if name in group]
    found: list[_Entry] = []
    for name in children or sorted(group.keys(), key=_by_number):
        child, below = group[name], f"{place}/{name}".strip("/")
        if isinstance(child, zarr.Array):
            # Numbers, texts and tables are no images.
            found += [_Entry(below, child)] if len(child.shape) > 1 else []
        elif "multiscales" in _ome(child):
            found += _in_group(child, below).entries
    return _Contents(found)


def _by_number(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() else (10**9, name)


def _ome(group: Any) -> Mapping[str, Any]:
    """The OME-Zarr metadata of a group; since version 0.5 they are in an entry of their own."""
    attributes: Any = dict(group.attrs) if hasattr(group, "attrs") else {}
    ome = attributes.get("ome", attributes)
    return ome if isinstance(ome, Mapping) else {}


def _children(group: Any) -> str:
    names = sorted(group.keys())
    if not names:
        return "nothing at all"
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"{', '.join(names[:MOST_LISTED])}{more}"


def _levels(entry: _Entry) -> dict[int, Any]:
    """The arrays of an image that are there, by their number in its metadata."""
    datasets = entry.multiscale.get("datasets", [])
    paths = [str(level.get("path", "")) for level in datasets]
    return {i: entry.node[place] for i, place in enumerate(paths) if place in entry.node}


def _image(path: Path, entry: _Entry) -> tuple[tuple[Any, ...], Axes, list[Note]]:
    about = str(path / entry.place)
    if entry.multiscale is None:
        letters, notes = _plain_axes(entry.node, about)
        return (entry.node,), Axes(letters), notes
    notes = []
    levels = _levels(entry)
    if not levels:
        raise FileError(f"{about}: its metadata name no array that is there; it has none to read")
    first, finest = next(iter(levels.items()))
    if first:
        finer = "level is" if first == 1 else f"{first} levels are"
        text = f"its finest {finer} not there; level {first} is read"
        notes.append(Note(NoteKind.LEFT_OUT, about, text))
    image, assumed = _with_axes(entry.multiscale, len(finest.shape))
    if assumed:
        notes.append(Note(NoteKind.ASSUMED, about, assumed))
    count = len(image["axes"])
    if count != len(finest.shape):
        raise FileError(
            f"{about}: its metadata name {count} axes, and its array has {len(finest.shape)}; "
            "give the array itself"
        )
    level = entry.multiscale["datasets"][first]
    given = [*_transformations(level), *_transformations(image)]
    usable = [one for one in given if _is_usable(one, count)]
    if len(usable) < len(given):
        text = "it is moved or scaled in a way that is not read"
        notes.append(Note(NoteKind.LEFT_OUT, about, text))
    if not any(one["type"] == "scale" for one in usable):
        text = "its metadata give no size of a pixel; it is taken for 1 along each axis"
        notes.append(Note(NoteKind.ASSUMED, about, text))
    channels = _ome(entry.node).get("omero", {}).get("channels", [])
    image.pop("coordinateTransformations", None)
    axes = axes_of_ome_zarr(image, {"coordinateTransformations": usable}, channels)
    return tuple(levels.values()), axes, notes


def _transformations(metadata: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The transformations of an image or a level, without those that change nothing."""
    found = metadata.get("coordinateTransformations") or []
    return [one for one in found if one.get("type", "identity") != "identity"]


def _is_usable(transformation: Mapping[str, Any], count: int) -> bool:
    """Whether it is a scale or a translation with a number for each axis."""
    kind = str(transformation.get("type"))
    values = transformation.get(kind)
    return (
        kind in ("scale", "translation")
        and isinstance(values, Sequence)
        and len(values) == count
        and all(isinstance(value, (int, float)) for value in values)
    )


def _with_axes(image: Mapping[str, Any], count: int) -> tuple[dict[str, Any], str]:
    """An image's metadata with a known letter for each axis, and what was assumed for that."""
    axes = image.get("axes")
    if not axes:
        letters = _OLD_AXES[-count:]
        axes = [{"name": letter.lower()} for letter in letters]
        words = f"its metadata name no axes; taken for {letters}; --axes says otherwise"
        return {**image, "axes": axes}, "" if count == len(_OLD_AXES) else words
    axes = [{"name": one} if isinstance(one, str) else dict(one) for one in axes]
    names = [str(one.get("name", "")) for one in axes]
    types = [_LETTERS_OF_TYPES.get(str(one.get("type")), "") for one in axes]
    letters = named_axes("".join(map(_letter, names, types)))
    words = f"its axes {', '.join(names)} are taken for {letters}; --axes says otherwise"
    is_clear = [name[:1].upper() for name in names] == list(letters)
    axes = [one | {"name": letter.lower()} for one, letter in zip(axes, letters, strict=True)]
    return {**image, "axes": axes}, "" if is_clear else words


def _letter(name: str, letter: str) -> str:
    """The letter of an axis of this name, and of a type that has that letter, if it has one."""
    first = name[:1].upper()
    known = first in KNOWN_LETTERS if letter else "A" <= first <= "Z"
    return first if first and known else letter or "?"


def _plain_axes(array: Any, about: str) -> tuple[str, list[Note]]:
    """The axes of a plain array, by the names of its dimensions or by their number and lengths."""
    names = array.metadata.to_dict().get("dimension_names") or ()
    names = [name for name in names if name] or dict(array.attrs).get("_ARRAY_DIMENSIONS") or []
    letters = "".join(str(name)[:1].upper() for name in names)
    is_known = len(letters) == array.ndim == len(set(letters))
    if is_known and {"Y", "X"} <= set(letters) and not set(letters) & set("IQ"):
        return letters, []
    try:
        letters = {4: "CZYX", 5: "TCZYX"}.get(array.ndim, "")
        if not letters or (array.ndim == 4 and array.shape[-1] <= 4):
            letters = guess_axes(array.shape)
    except UserError:
        raise FileError(
            f"{about}: its {array.ndim} axes have no names; give a part with two to five"
        ) from None
    if letters == "YX":
        return letters, []
    text = f"its axes have no names and are taken for {letters}; --axes says otherwise"
    return letters, [Note(NoteKind.ASSUMED, about, text)]
