"""The images in a TIFF file: which there are, and how they are opened."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import tifffile
from tifffile import TiffFile, TiffPage, TiffPageSeries

from napari_dip.data.reading import (
    Note,
    NoteKind,
    ReadingRecord,
    list_images,
    series_note,
)
from napari_dip.files.atomic import FileError
from napari_dip.files.tiff_planes import listed, missing_files, planes_there, stack_of


@dataclass(frozen=True)
class TiffImage:
    """One image of a TIFF file, of which every plane is there.

    Attributes
    ----------
    file
        The open file.
    series
        Its planes at full resolution.
    record
        What the file announces, what is read of it, and notes about the difference.
    place
        The image's number in the file, from 0 on.
    kept
        Of axes that lost frames, slices or channels: the numbers of those that are there.
    """

    file: TiffFile
    series: TiffPageSeries
    record: ReadingRecord
    place: int = 0
    kept: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def page(self) -> TiffPage:
        """The page that describes all others."""
        return self.series.keyframe


@contextmanager
def open_tiff(path: Path, number: int | None = None) -> Iterator[TiffImage]:
    """Open one image of a TIFF file.

    Parameters
    ----------
    path
        The file.
    number
        Which of several images, from 1 on; the first, with a note, if not given.

    Raises
    ------
    FileError
        When there is no such image, or no plane of it.
    """
    with _messages() as said, _opened(path, said) as file:
        series = _images(file)
        if not series:
            raise FileError(f"{path}: holds no image")
        # From here on a message tells of pixels that can't be read.
        said.is_strict = True
        yield _chosen(path, file, series, number, said.lines)


def count_images(path: Path) -> int:
    """The number of images in a TIFF file."""
    with _messages() as said, _opened(path, said) as file:
        return len(_images(file))


class _Messages(logging.Handler):
    """What tifffile logs: it reads on where a header is wrong or pixels are missing.

    Attributes
    ----------
    lines
        The messages so far.
    is_strict
        Raise at a message, instead of collecting it.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self.is_strict = False

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        is_of_header = any(word in message for word in (" series ", "metadata"))
        if record.levelno >= logging.ERROR and (self.is_strict or not is_of_header):
            raise tifffile.TiffFileError(message)
        self.lines.append(message)


@contextmanager
def _messages() -> Iterator[_Messages]:
    handler, logger = _Messages(), logging.getLogger("tifffile")
    shown = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False  # the notes say it
    try:
        yield handler
    finally:
        logger.propagate = shown
        logger.removeHandler(handler)


@contextmanager
def _opened(path: Path, said: _Messages) -> Iterator[TiffFile]:
    """Open a file; if its OME header can't be followed, without that."""
    with TiffFile(path) as file:
        try:
            followed = bool(file.series)
        except (ValueError, KeyError, IndexError, RuntimeError, TypeError) as error:
            if not file.is_ome or isinstance(error, tifffile.TiffFileError):
                raise
            said.lines.append(f"OME series raised {error}")
            followed = False
        if followed:
            yield file
            return
    with TiffFile(path, is_ome=False) as file:
        yield file


def _images(file: TiffFile) -> list[TiffPageSeries]:
    """All images, also those that the header does not name, with gaps where it names too many."""
    found = list(file.series)
    if len(found) == 1 and file.is_imagej and found[0].kind == "generic":
        found = [_as_imagej(file, found[0])]
    return [*found, *_unnamed(file)]


def _as_imagej(file: TiffFile, series: TiffPageSeries) -> TiffPageSeries:
    """The pages of a file that is too small for its ImageJ header, by that header's axes."""
    header: Any = file.imagej_metadata or {}
    page = series.keyframe
    frames = tuple(int(header.get(name, 1)) for name in ("frames", "slices", "channels"))
    pages: list[Any] = [one for one in series if one is not None]
    shape = (*frames, *page.shape)
    is_usual = str(header.get("order", "czt")).lower() in ("czt", "default") and min(frames) > 0
    is_planar = page.samplesperpixel > 1 and page.axes[-1] != "S"
    if not is_usual or is_planar or len(pages) >= math.prod(frames):
        return series
    if len(pages) > 1:  # of a single page the planes may lie behind it
        pages += [None] * (math.prod(frames) - len(pages))
    return TiffPageSeries(
        pages, shape, page.dtype, f"TZC{page.axes}", kind="imagej", truncated=len(pages) == 1
    )


def _unnamed(file: TiffFile) -> list[TiffPageSeries]:
    """The pages that an OME header does not name, as further images."""
    if not file.series or file.series[0].kind != "ome":
        return []
    named = set()
    for one in file.series:
        pages = [page for page in one if page is not None and page.parent is file]
        named |= {page.index for page in pages}
    groups: dict[int, list[TiffPage]] = {}
    for index in sorted(set(range(len(file.pages))) - named):
        page = file.pages.get(index, aspage=True)
        assert isinstance(page, TiffPage)
        groups.setdefault(page.hash, []).append(page)
    return [stack_of(pages, "not in the header") for pages in groups.values()]


def _chosen(
    path: Path, file: TiffFile, found: list[TiffPageSeries], number: int | None, said: list[str]
) -> TiffImage:
    place = 0 if number is None else number - 1
    images = [{"name": s.name, "axes": s.axes, "shape": list(s.shape)} for s in found]
    if not 0 <= place < len(found):
        raise FileError(f"{path}: has no image {number}; choose from {list_images(images)}")
    series = found[place].levels[0]
    announced = {"axes": series.axes, "shape": list(series.shape), "images": images}
    notes = [*_header_notes(path, file, series, said)]
    if len(found) > 1 and number is None:
        notes.append(series_note(str(path), images))
    series, kept, lost = planes_there(path, file, series)
    read = {"image": place + 1, "axes": series.axes, "shape": list(series.shape)}
    record = ReadingRecord(str(path), announced, read, (*notes, *lost))
    return TiffImage(file, series, record, place, kept)


def _header_notes(
    path: Path, file: TiffFile, series: TiffPageSeries, said: Sequence[str]
) -> Iterator[Note]:
    """Notes that a header could not be followed."""
    header = file.pages.first.is_ome or file.is_ome
    if header and series.kind not in ("ome", "mmstack"):
        reason = "it can't be followed"
        xml = file.pages.first.description
        if named := _metadata_file(xml):
            reason = f"it is in {named}, which is not read"
        elif missing := missing_files(path, xml):
            reason = f"{listed(missing)} is not there"
        text = f"its OME header does not count, because {reason}; its pages are taken as they are"
        yield Note(NoteKind.ASSUMED, str(path), text)
    elif (file.pages.first.is_shaped and series.kind != "shaped") or (
        file.is_imagej and series.kind != "imagej"
    ):
        text = "its header does not count, because it has other pages than that; they are taken"
        yield Note(NoteKind.ASSUMED, str(path), f"{text} as they are")
    elif any("discontiguous" in line or "without data" in line for line in said):
        text = "images of which the OME header gives another shape than the pages have are left out"
        yield Note(NoteKind.LEFT_OUT, str(path), text)


def _metadata_file(xml: str) -> str:
    """The file that holds the OME metadata instead, if the header says so."""
    try:
        element = ElementTree.fromstring(xml).find("{*}BinaryOnly")
    except ElementTree.ParseError:
        return ""
    return "" if element is None else element.get("MetadataFile", "another file")
