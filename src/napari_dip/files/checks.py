"""Checks of what a file announces, before memory is taken for it and before pixels are made up."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tifffile import COMPRESSION

from napari_dip.files.atomic import FileError

_MOST_COMPRESSED = 100_000
"""Pixels that a byte can stand for, if they are not all alike."""


def check_array(path: Path, shape: Sequence[int], dtype: Any) -> None:
    """Refuse an image without pixels, or whose values are no numbers.

    Raises
    ------
    FileError
        When it is one.

    Examples
    --------
    >>> check_array(Path("a.zarr"), (0, 20), "uint8")
    Traceback (most recent call last):
        ...
    napari_dip.files.atomic.FileError: a.zarr: it has no pixels (its shape is 0 x 20)
    """
    kind = np.dtype(dtype)
    if kind.kind not in "biufc":
        names = f"records ({', '.join(kind.names)})" if kind.names else str(kind)
        raise FileError(f"{path}: its values are {names}, and no numbers; give an array of numbers")
    if 0 in shape:
        raise FileError(f"{path}: it has no pixels (its shape is {_sides(shape)})")


def check_memory_for(path: Path, shape: Sequence[int], dtype: Any) -> None:
    """Refuse to read an image as a whole that is larger than the memory of this computer.

    Raises
    ------
    FileError
        When it is.
    """
    needed = math.prod(shape) * np.dtype(dtype).itemsize
    if needed > _physical_memory():
        raise FileError(
            f"{path}: its {_sides(shape)} pixels take {needed / 1e9:.0f} GB, more than there is; "
            "give a result that ends in .ome.zarr, which is made tile by tile"
        )


def check_segments(path: Path, pages: Iterable[Any]) -> None:
    """Refuse TIFF pages of which strips or tiles are not stored.

    A wrong byte count of a page that is one uncompressed strip is mended.

    Raises
    ------
    FileError
        When some are not, or the file has far too few bytes for its pixels.
    """
    for page in pages:
        if page is None:
            continue
        key = page.keyframe
        if key.dtype is None or key.nbytes <= 0:
            raise FileError(f"{path}: its header names no kind of numbers, or no pixels; save anew")
        _mend_byte_count(page)
        offsets, counts = page.dataoffsets, page.databytecounts
        expected = math.prod(key.chunked)
        pairs = zip(offsets, counts, strict=False)
        stored = sum(offset > 0 and count > 0 for offset, count in pairs)
        if stored < expected:
            what = "tiles" if key.is_tiled else "strips"
            where = f" of page {page.index + 1}" if isinstance(page.index, int) else ""
            raise FileError(
                f"{path}: {expected - stored} of {expected} {what}{where} are not stored, so these "
                "pixels are not known; crop the image to those that are, or save it with all"
            )
        if key.nbytes > _MOST_COMPRESSED * sum(counts):
            raise FileError(
                f"{path}: its header announces {_sides(key.shape)} pixels, and the file has "
                f"{sum(counts)} bytes for them; check that it is complete"
            )


def _mend_byte_count(page: Any) -> None:
    key = page.keyframe
    is_plain = key.compression == COMPRESSION.NONE and not key.is_tiled and key.fillorder == 1
    if not is_plain or len(page.dataoffsets) != 1 or page.dataoffsets[0] == 0:
        return
    is_packed = key.bitspersample not in (8, 16, 32, 64)
    room = page.parent.filehandle.size - page.dataoffsets[0]
    if not is_packed and page.databytecounts[0] != key.nbytes <= room:
        page.databytecounts = (key.nbytes,)


def _physical_memory() -> float:
    try:
        return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on this system
        return math.inf


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
