"""The reading record: what a file announces, what was read of it, and notes where that differs.

Nothing is decided silently: whoever leaves out, changes or assumes something adds a `Note`. Notes
are printed, put into the report and the layer's metadata, and shown in the dock; `strict` refuses
them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from napari_dip.errors import UserError

MOST_LISTED = 8
"""Images or files that a note names; of more it gives the number."""


class NoteKind(StrEnum):
    """What a note is about."""

    LEFT_OUT = "left out"
    """Something is in the file, or announced by it, and was not used."""
    CHANGED = "changed"
    """What is used differs from what is stored."""
    ASSUMED = "assumed"
    """The file does not say, so the likeliest meaning was taken."""
    TOLD = "told"
    """What is stored is read so that it looks the same: nothing is lost, and `strict` allows it."""


@dataclass(frozen=True)
class Note:
    """Something that a person should know about what was read.

    Attributes
    ----------
    kind
        Whether something was left out, changed or assumed, or is only told.
    about
        What it is about: the file's path, or the argument's name ("mask", "psf").
    text
        What was done, and how to have it otherwise; a line without the subject and a full stop.

    Examples
    --------
    >>> note = Note(NoteKind.CHANGED, "psf", "its lowest value, 0.2, is subtracted everywhere")
    >>> str(note)
    'psf: its lowest value, 0.2, is subtracted everywhere'
    """

    kind: NoteKind
    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.about}: {self.text}"

    def renamed(self, names: Mapping[str, str]) -> Self:
        """The same note about a file that goes by another name, by the names that they have.

        Examples
        --------
        >>> note = Note(NoteKind.ASSUMED, "/data/a.zarr/0", "slices")
        >>> str(note.renamed({"/data/a.zarr": "a.zarr"}))
        'a.zarr/0: slices'
        """
        for name, other in names.items():
            if self.about == name or self.about.startswith(f"{name}{os.sep}"):
                return replace(self, about=other + self.about[len(name) :])
        return self

    def to_dict(self) -> dict[str, str]:
        """The note as JSON values."""
        return {"kind": str(self.kind), "about": self.about, "text": self.text}

    @classmethod
    def from_dict(cls, values: Mapping[str, str]) -> Self:
        """The note that `to_dict` wrote."""
        return cls(NoteKind(values["kind"]), values["about"], values["text"])


@dataclass(frozen=True)
class ReadingRecord:
    """What a file announces, and what was read of it.

    Attributes
    ----------
    path
        The file or folder.
    announced
        What its header says, as JSON values: axes, shape, and the images that it holds.
    read
        What was read, as JSON values: which image, its axes, shape and dtype.
    notes
        What was left out, changed or assumed.

    Examples
    --------
    >>> record = ReadingRecord("a.tif", announced={"shape": [3, 64, 64]}, read={"shape": [64, 64]})
    >>> record = record.with_notes(Note(NoteKind.LEFT_OUT, "a.tif", "2 of 3 slices are missing"))
    >>> ReadingRecord.from_dict(record.to_dict()) == record
    True
    """

    path: str = ""
    announced: Mapping[str, Any] = field(default_factory=dict)
    read: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def with_notes(self, *notes: Note) -> Self:
        """The same record with further notes."""
        return replace(self, notes=(*self.notes, *notes))

    def renamed(self, names: Mapping[str, str]) -> Self:
        """The same record of a file that goes by another name; as `Note.renamed`."""
        notes = tuple(note.renamed(names) for note in self.notes)
        return replace(self, path=names.get(self.path, self.path), notes=notes)

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "path": self.path,
            "announced": dict(self.announced),
            "read": dict(self.read),
            "notes": [note.to_dict() for note in self.notes],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The record that `to_dict` wrote."""
        notes = tuple(Note.from_dict(note) for note in values["notes"])
        return cls(values["path"], values["announced"], values["read"], notes)


def list_images(images: Sequence[Mapping[str, Any]]) -> str:
    """Name the images of a file by number, name and shape, as they are in a record.

    Examples
    --------
    >>> list_images([{"name": "pos0", "shape": [3, 64, 64]}, {"name": "", "shape": [32, 32]}])
    '1 (pos0, 3 x 64 x 64), 2 (32 x 32)'
    """
    words = [f"{i} ({_about(image)})" for i, image in enumerate(images, 1)]
    more = [f"and {len(words) - MOST_LISTED} more"] if len(words) > MOST_LISTED else []
    return ", ".join([*words[:MOST_LISTED], *more])


def series_note(path: str, images: Sequence[Mapping[str, Any]]) -> Note:
    """The note that only the first of several images is read.

    Examples
    --------
    >>> str(series_note("a.tif", [{"name": "", "shape": [9, 9]}, {"name": "", "shape": [5, 5]}]))
    'a.tif: image 1 of 2 (9 x 9) is read, and not 2 (5 x 5); choose with --series N (series=N)'
    """
    others = list_images(images).partition("), ")[2]
    text = f"image 1 of {len(images)} ({_about(images[0])}) is read, and not {others}"
    return Note(NoteKind.LEFT_OUT, path, f"{text}; choose with --series N (series=N)")


def _about(image: Mapping[str, Any]) -> str:
    sides = " x ".join(map(str, image["shape"]))
    return f"{image['name']}, {sides}" if image["name"] else sides


def check_strict(notes: Iterable[Note], *, strict: bool) -> None:
    """Refuse what there are notes about, if `strict` asks for that.

    Notes of the kind `TOLD` are no reason to.

    Raises
    ------
    UserError
        When `strict` is true and there is a note of another kind.

    Examples
    --------
    >>> check_strict([Note(NoteKind.ASSUMED, "a.tif", "slices")], strict=True)
    Traceback (most recent call last):
        ...
    napari_dip.errors.UserError: a.tif: slices; restore it without --strict (strict=True)
    """
    found = [str(note) for note in notes if note.kind is not NoteKind.TOLD]
    if strict and found:
        raise UserError(f"{'; '.join(found)}; restore it without --strict (strict=True)")
