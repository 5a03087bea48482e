"""What the format of a result has no place for, so that it is said before the fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_dip.data.axes import ome_letters
from napari_dip.data.reading import Note, NoteKind
from napari_dip.files.image_file import JPEG_SUFFIXES, TIFF_SUFFIXES
from napari_dip.files.metadata import Metadata
from napari_dip.files.raster import MOST_JPEG_DENSITY
from napari_dip.files.segments import LARGEST_SEGMENT
from napari_dip.files.tags import PHOTOSHOP, SOFTWARE
from napari_dip.files.tiff import compression_for, stored_letters

_SRGB_GAMMA = 45455
"""The value of a PNG's gamma chunk that other formats assume: 1 / 2.2."""

_WRITER = b"tifffile.py\0"
"""The library that wrote a file, where no one said which software made its picture."""

_MICROSCOPE = ("unit", "axes", "hyperstack", "mode", "loop", "min", "max", "spacing", "finterval")
"""Entries of ImageJ's metadata that are kept as the resolution, or that only set the display."""


def notes_on_losses(
    metadata: Metadata, output: Path, *, dtype: np.dtype[Any], axes: str, samples: int = 1
) -> list[Note]:
    """What of a source's metadata a result can't hold: one note, or none.

    Parameters
    ----------
    metadata
        The source's metadata.
    output
        The result's path, whose suffix tells its format.
    dtype, axes, samples
        The dtype of the result, the letters of its axes, and its samples per pixel.

    Examples
    --------
    >>> from napari_dip.files.tags import Tag, Tags
    >>> metadata = Metadata(tags=Tags((Tag.text(65000, "x"), Tag.text(306, "2024:01:01 00:00:00"))))
    >>> for note in notes_on_losses(metadata, Path("a.png"), dtype=np.dtype("uint8"), axes="YX"):
    ...     print(note)
    a.png: PNG has no place for the source's 65000, which is left out
    >>> notes_on_losses(metadata, Path("a.tif"), dtype=np.dtype("uint8"), axes="YX")
    []
    """
    suffix = output.suffix.lower()
    notes = _renamed_axes(metadata, output, axes)
    shape = (1,) * (len(axes) - 1) + (samples,)
    kept = metadata.tagged_for(output.name, axes, shape)
    if suffix in TIFF_SUFFIXES:
        name, words = "TIFF", _beyond_tiff(metadata)
        if note := compression_for(metadata, dtype, samples)[1]:
            notes.append(Note(NoteKind.CHANGED, str(output), note))
    elif suffix in JPEG_SUFFIXES:
        name, words = "JPEG", _beyond_jpeg(metadata)
    elif suffix == ".png":
        name, words = "PNG", _beyond_raster(metadata)
    else:
        name, words = "OME-Zarr", _beyond_zarr(metadata)
    if suffix != ".zarr" and metadata.icc_profile and not kept.icc_profile:
        words.append("ICC profile, which is one of other colours")
    words = list(dict.fromkeys([*words, *metadata.tags.left_out, *metadata.left_out]))
    if words:
        verb = "is" if len(words) == 1 else "are"
        text = f"{name} has no place for the source's {_listed(words)}, which {verb} left out"
        notes.append(Note(NoteKind.LEFT_OUT, str(output), text))
    return notes


def _renamed_axes(metadata: Metadata, output: Path, axes: str) -> list[Note]:
    """A note of the axes that have other letters in the result."""
    if output.suffix.lower() == ".zarr":
        name, stored = "OME-Zarr", ome_letters(axes).replace("C", "S" if "S" in axes else "C")
    elif output.suffix.lower() in TIFF_SUFFIXES:
        name, stored = "this kind of TIFF", stored_letters(axes, metadata, output.name)
    else:
        return []
    pairs = [f"{a} is named {b}" for a, b in zip(axes, stored, strict=True) if a != b]
    text = f"its axis {', and '.join(pairs)}, as {name} has no place for that letter"
    return [Note(NoteKind.CHANGED, str(output), text)] if pairs else []


def _beyond_tiff(metadata: Metadata) -> list[str]:
    words = [f"text {name!r}" for name in metadata.texts_without_tag]
    return words + _gamma(metadata)


def _beyond_raster(metadata: Metadata) -> list[str]:
    tags = metadata.tags.beyond_exif()
    if metadata.tiff.get("imagej"):
        entries = set(metadata.tiff.get("metadata", {})) - set(_MICROSCOPE)
        tags += [f"ImageJ metadata ({', '.join(sorted(entries))})"] if entries else []
    elif metadata.tiff.get("ome"):
        tags.append("OME metadata")
    return tags


def _beyond_jpeg(metadata: Metadata) -> list[str]:
    words = _beyond_raster(Metadata(tags=metadata.tags.without(PHOTOSHOP), tiff=metadata.tiff))
    words += [f"text {name!r}" for name in metadata.texts_without_tag if name != "Comment"]
    if len(metadata.described.to_exif()) > LARGEST_SEGMENT:
        words.append("EXIF, which is too long")
    if metadata.xmp is not None and len(metadata.xmp) > LARGEST_SEGMENT - 29:
        words.append("XMP, which is too long")
    if metadata.dpi is not None and max(metadata.dpi) >= MOST_JPEG_DENSITY:
        words.append("resolution")
    return words + _gamma(metadata)


def _beyond_zarr(metadata: Metadata) -> list[str]:
    tags = metadata.tags
    words = ["ICC profile"] if metadata.icc_profile else []
    words += ["EXIF"] if tags.camera or tags.place else []
    words += tags.names
    if (software := tags.find(SOFTWARE)) is not None and software.data == _WRITER:
        words.remove("Software")
    words += ["description"] if metadata.tiff.get("description") else []
    words += ["XMP"] if metadata.xmp is not None else []
    words += [f"text {name!r}" for name in metadata.texts]
    if metadata.dpi is not None and not {"imagej", "ome"} & set(metadata.tiff):
        words.append("resolution")
    return words + _gamma(metadata)


def _gamma(metadata: Metadata) -> list[str]:
    """The colours of a PNG, unless they are those that are assumed elsewhere."""
    words = []
    for kind, body in metadata.colour_chunks:
        is_usual = kind == b"gAMA" and abs(int.from_bytes(body) - _SRGB_GAMMA) < 100
        if kind == b"gAMA" and not is_usual:
            words.append("gamma")
        elif kind in (b"cHRM", b"cICP") and not _is_srgb(metadata):
            words.append("primary colours")
    return words


def _is_srgb(metadata: Metadata) -> bool:
    return any(kind == b"sRGB" for kind, _ in metadata.colour_chunks)


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
