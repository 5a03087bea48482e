"""The planes of an image in a TIFF file: which of those that its header announces are there.

Headers are not always right: a sibling of a multi-file OME-TIFF is missing, an acquisition was
stopped, pages were added or removed by a program that left the header as it was. tifffile fills
such gaps with black, or reads beyond the pages. Here an image has the planes that are there, and
notes say what is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from tifffile import TiffFile, TiffPage, TiffPageSeries

from napari_dip.data.axes import describe_planes
from napari_dip.data.reading import MOST_LISTED, Note, NoteKind


def planes_there(
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
            stack = stack_of(pages)
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
    missing = missing_files(path, file.pages.first.description) if file.is_ome else []
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
    pairs = list(zip(kept, there.shape, strict=True))
    parts = [
        f"{len(places)} of {length} {describe_planes(letter)}"
        for letter, length, places in zip(axes, there.shape, kept, strict=True)
        if len(places) < length
    ]
    text = f"it announces {there.size} planes and has {int(there.sum())}; "
    is_one = len(parts) == 1 and any(len(places) == 1 < n for places, n in pairs)
    text += f"{' and '.join(parts)} {'is' if is_one else 'are'} read"
    unused = int(there.sum()) - math.prod(map(len, kept))
    if unused:
        text += f", without {unused} plane{'s' * (unused > 1)} of incomplete ones"
    if missing:
        text += f"; not there: {listed(missing)}"
    return Note(NoteKind.LEFT_OUT, str(path), text)


def _page_note(path: Path, pages: int, announced: int, letter: str) -> Note:
    """The note that there are more pages than the header announces."""
    how = f"all are read as {describe_planes(letter)}" if letter else "all are read as a stack"
    text = f"its header announces {announced} planes and it has {pages} pages; {how}"
    return Note(NoteKind.ASSUMED, str(path), text)


def listed(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more


def stack_of(pages: Sequence[Any], name: str = "") -> TiffPageSeries:
    """Pages of one shape as an image."""
    first = pages[0]
    shape, axes = (len(pages), *first.shape), f"I{first.axes}"
    if len(pages) == 1:
        shape, axes = first.shape, first.axes
    return TiffPageSeries(pages, shape, first.dtype, axes, name=name, kind="generic")


def missing_files(path: Path, xml: str) -> list[str]:
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
