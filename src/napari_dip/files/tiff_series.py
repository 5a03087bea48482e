"""The images in a TIFF file: which there are, and which of the planes that its header announces.

Headers are not always right: a sibling of a multi-file OME-TIFF is missing, an acquisition was
stopped, pages were added or removed by a program that left the header as it was. tifffile fills
such gaps with black, or reads beyond the pages. Here an image has the planes that are there, and
notes say what is not.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile
from numpy.typing import NDArray
from tifffile import TiffFile, TiffPage, TiffPageSeries

from napari_dip.data.axes import describe_planes
from napari_dip.data.reading import (
    MOST_LISTED,
    Note,
    NoteKind,
    ReadingRecord,
    list_images,
    series_note,
)
from napari_dip.files.atomic import FileError


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
    if not is_usual or page.samplesperpixel > 1 or len(pages) >= math.prod(frames):
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
    return [_stack(pages, "not in the header") for pages in groups.values()]


def _stack(pages: Sequence[Any], name: str = "") -> TiffPageSeries:
    """Pages of one shape as an image."""
    first = pages[0]
    shape, axes = (len(pages), *first.shape), f"I{first.axes}"
    if len(pages) == 1:
        shape, axes = first.shape, first.axes
    return TiffPageSeries(pages, shape, first.dtype, axes, name=name, kind="generic")


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
    series, kept, lost = _planes_there(path, file, series)
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
        elif missing := _missing_files(path, xml):
            reason = f"{_listed(missing)} is not there"
        text = f"its OME header does not count, because {reason}; its pages are taken as they are"
        yield Note(NoteKind.ASSUMED, str(path), text)
    elif file.pages.first.is_shaped and series.kind != "shaped":
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


def _missing_files(path: Path, xml: str) -> list[str]:
    """The files that an OME header names, and that are not beside it."""
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return []
    own = root.get("UUID")
    names = {
        str(uuid.get("FileName")): None
        for uuid in root.iter()
        if uuid.tag.endswith("UUID") and uuid.get("FileName") and uuid.text != own
    }
    return [name for name in names if not (path.parent / name).exists()]


def _planes_there(
    path: Path, file: TiffFile, series: TiffPageSeries
) -> tuple[TiffPageSeries, dict[str, tuple[int, ...]], list[Note]]:
    """The image without planes that are not there, which of each axis are, and notes."""
    shape, axes = series.get_shape(squeeze=False), series.get_axes(squeeze=False)
    pages: list[Any] = list(series._pages)
    count = _frame_axes(shape, series.keyframe)
    frames = shape[:count]
    if series.kind in ("imagej", "shaped"):
        if len(file.series) > 1 or (len(pages) == 1 and len(file.pages) == math.prod(frames)):
            return series, {}, []
        pages, frames = _pages_of_header(file, series, frames)
        if len(frames) > count:  # they don't fill the header's axes
            stack = _stack(pages)
            return stack, {}, [_page_note(path, len(pages), math.prod(shape[:count]), "")]
    if len(pages) == 1 and math.prod(frames) > 1:
        return _contiguous(path, series, shape, axes, count)
    there = np.array([page is not None for page in pages]).reshape(frames)
    notes = []
    if frames != shape[:count]:
        longer = axes[int(np.argmax(np.array(frames) > shape[:count]))]
        notes.append(_page_note(path, len(pages), math.prod(shape[:count]), longer))
    elif there.all():
        return series, {}, []
    kept = _whole_block(there)
    block = np.arange(len(pages)).reshape(frames)[np.ix_(*kept)]
    missing = _missing_files(path, file.pages.first.description) if file.is_ome else []
    if not there.all():
        notes.append(_gap_note(path, axes[:count], there, kept, missing))
    smaller = TiffPageSeries(
        [pages[i] for i in block.ravel()],
        (*block.shape, *shape[count:]),
        series.dtype,
        axes,
        parent=series.parent,
        name=series.name,
        kind=series.kind,
        multifile=series.is_multifile,
    )
    lengths = zip(axes[:count], frames, kept, strict=True)
    return smaller, {a: k for a, n, k in lengths if len(k) < n}, notes


def _frame_axes(shape: Sequence[int], page: TiffPage) -> int:
    """How many of an image's first axes go from page to page; the others are in a page."""
    inside, size = len(shape), 1
    while inside and size < math.prod(page.shape):
        inside -= 1
        size *= shape[inside]
    return inside


def _pages_of_header(
    file: TiffFile, series: TiffPageSeries, frames: tuple[int, ...]
) -> tuple[list[Any], tuple[int, ...]]:
    """The pages of a file whose header gives only their number, and the lengths of their axes.

    Missing pages are None. The first axis grows if there are more pages than were announced; there
    is one more axis if they do not fill it.
    """
    pages: list[Any] = list(series._pages)
    expected = math.prod(frames)
    if len(file.pages) in (1, expected):
        return pages, frames
    pages = [file.pages.get(i, aspage=True) for i in range(len(file.pages))]
    pages = [page for page in pages if page.hash == series.keyframe.hash]
    if len(pages) < expected:
        return [*pages, *[None] * (expected - len(pages))], frames
    long = next((i for i, n in enumerate(frames) if n > 1), len(frames) - 1)
    inner = math.prod(frames[long + 1 :])
    if long < 0 or len(pages) % inner:
        return pages, (*frames, 0)
    return pages, (*frames[:long], len(pages) // inner, *frames[long + 1 :])


def _contiguous(
    path: Path, series: TiffPageSeries, shape: tuple[int, ...], axes: str, count: int
) -> tuple[TiffPageSeries, dict[str, tuple[int, ...]], list[Note]]:
    """An image whose planes lie one after another behind a single page, as far as the file goes."""
    page, expected = series.keyframe, math.prod(shape[:count])
    room = page.parent.filehandle.size - page.dataoffsets[0]
    # Behind the pixels of other files are their pages, or nothing.
    is_meant = series.is_truncated if series.kind == "shaped" else page.offset < page.dataoffsets[0]
    planes = room // page.nbytes if is_meant and page.is_contiguous else 1
    if planes >= expected:
        return series, {}, []
    long = next(i for i, n in enumerate(shape) if n > 1)
    length = planes // (expected // shape[long])
    if not length:
        flat = (planes, *page.shape) if planes > 1 else page.shape
        letters = f"I{page.axes}" if planes > 1 else page.axes
        read = TiffPageSeries([page], flat, series.dtype, letters, truncated=planes > 1)
        text = f"it announces {expected} planes and has {planes}; these are read"
        return read, {}, [Note(NoteKind.LEFT_OUT, str(path), text)]
    smaller = (*shape[:long], length, *shape[long + 1 :])
    read = TiffPageSeries([page], smaller, series.dtype, axes, kind=series.kind, truncated=True)
    there = np.arange(expected).reshape(shape[:count]) < planes
    kept = [tuple(range(n)) for n in smaller[:count]]
    note = _gap_note(path, axes[:count], there, kept, [])
    return read, {axes[long]: kept[long]}, [note]


def _whole_block(there: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """The numbers along each axis of a block without gaps.

    From the axis and place where the largest fraction is missing, planes are dropped until none
    that is kept is missing.
    """
    kept = [list(range(n)) for n in there.shape]
    while not (block := there[np.ix_(*kept)]).all():
        worst: tuple[float, int, int] = (-1.0, 0, 0)
        for axis in range(block.ndim):
            others = tuple(i for i in range(block.ndim) if i != axis)
            missing = 1 - block.mean(axis=others)
            # Of equals the last: an acquisition that was stopped lacks its end.
            place = len(missing) - 1 - int(np.argmax(missing[::-1]))
            if missing[place] > worst[0]:
                worst = (float(missing[place]), axis, place)
        del kept[worst[1]][worst[2]]
    return [tuple(places) for places in kept]


def _gap_note(
    path: Path,
    axes: str,
    there: NDArray[np.bool_],
    kept: Sequence[Sequence[int]],
    missing: Sequence[str],
) -> Note:
    """The note that planes are missing, and which are read."""
    parts = [
        f"{len(places)} of {length} {describe_planes(letter)}"
        for letter, length, places in zip(axes, there.shape, kept, strict=True)
        if len(places) < length
    ]
    text = f"it announces {there.size} planes and has {int(there.sum())}; "
    text += f"{' and '.join(parts)} are read"
    unused = int(there.sum()) - math.prod(map(len, kept))
    if unused:
        text += f", without {unused} planes of incomplete ones"
    if missing:
        text += f"; not there: {_listed(missing)}"
    return Note(NoteKind.LEFT_OUT, str(path), text)


def _page_note(path: Path, pages: int, announced: int, letter: str) -> Note:
    """The note that there are more pages than the header announces."""
    how = f"all are read as {describe_planes(letter)}" if letter else "all are read as a stack"
    text = f"its header announces {announced} planes and it has {pages} pages; {how}"
    return Note(NoteKind.ASSUMED, str(path), text)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more
