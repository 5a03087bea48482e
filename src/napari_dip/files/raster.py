"""PNG, JPEG and BMP: one grey or colour image per file."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tifffile import RESUNIT

from napari_dip.data.reading import Note, NoteKind, ReadingRecord, list_images, series_note
from napari_dip.files.atomic import FileError
from napari_dip.files.metadata import Metadata
from napari_dip.files.orientation import UPRIGHT, upright

_FORMATS = ("PNG", "JPEG", "BMP")

_ORIENTATION = 274
"""The number of the EXIF tag that says how the picture has to be turned."""

_CONVERTED = {
    "P": "palette colours",
    "PA": "palette colours",
    "CMYK": "print colours (CMYK)",
    "YCCK": "print colours (CMYK)",
    "LAB": "Lab colours",
}
"""Colours that are read as RGB, by Pillow's modes."""

_PNG_DEPTH, _PNG_HEADER = 24, 33
"""Offset in a PNG file of the number of bits per sample, and of the end of its first chunk."""


def read(
    path: Path, series: int | None = None
) -> tuple[NDArray[Any], str, Metadata, ReadingRecord]:
    """Read a PNG, JPEG or BMP file, and of several pictures in it the one named (from 1 on)."""
    encoded, notes = path.read_bytes(), []
    with Image.open(path, formats=_FORMATS) as opened:
        images = _images(opened)
        number = 1 if series is None else series
        if not 1 <= number <= len(images):
            raise FileError(f"{path}: has no image {series}; choose from {list_images(images)}")
        if len(images) > 1 and series is None:
            notes.append(series_note(str(path), images))
        opened.seek(number - 1)
        orientation = opened.getexif().get(_ORIENTATION, UPRIGHT)
        if 1 < orientation <= 8:
            text = f"it is turned upright, as its orientation ({orientation}) says"
            notes.append(Note(NoteKind.CHANGED, str(path), text))
        dpi = opened.info.get("dpi")
        metadata = Metadata(
            resolution=(float(dpi[0]), float(dpi[1])) if dpi and min(dpi) > 0 else None,
            resolution_unit=RESUNIT.INCH,
            icc_profile=opened.info.get("icc_profile") if opened.mode != "CMYK" else None,
        )
        if opened.format == "PNG" and encoded[_PNG_DEPTH] == 16:
            # Pillow would cut 16-bit colour down to 8 bits.
            data = imagecodecs.png_decode(encoded)
            data = upright(data, "YX" if data.ndim == 2 else "YXS", orientation)
        else:
            if opened.mode in _CONVERTED:
                text = f"its {_CONVERTED[opened.mode]} are replaced by RGB"
                notes.append(Note(NoteKind.CHANGED, str(path), text))
            data = np.array(_plain_mode(ImageOps.exif_transpose(opened)))
    axes = "YX" if data.ndim == 2 else "YXS"
    announced = {"images": images, "axes": axes, "shape": images[number - 1]["shape"]}
    read = {"image": number, "axes": axes, "shape": list(data.shape), "dtype": str(data.dtype)}
    record = ReadingRecord(str(path), announced, {**read, "orientation": orientation}, tuple(notes))
    return data, axes, metadata, record


def count_images(path: Path) -> int:
    """The number of pictures in a PNG, JPEG or BMP file."""
    with Image.open(path, formats=_FORMATS) as opened:
        return len(_images(opened))


def _images(opened: Image.Image) -> list[dict[str, Any]]:
    """The pictures in a file, such as both of a stereo camera, or the frames of an animation."""
    images = []
    for frame in range(getattr(opened, "n_frames", 1)):
        opened.seek(frame)
        images.append({"name": "", "axes": "YX", "shape": [opened.height, opened.width]})
    return images


def _plain_mode(image: Image.Image) -> Image.Image:
    """Convert palettes and print colours to RGB, and a transparent colour to an alpha channel."""
    if image.has_transparency_data and image.mode in ("P", "PA", "RGB"):
        return image.convert("RGBA")
    return image if image.mode in ("1", "L", "LA", "RGB", "RGBA") else image.convert("RGB")


def write(path: Path, data: NDArray[Any], axes: str, metadata: Metadata) -> None:
    """Write a PNG or JPEG file."""
    if data.dtype == np.uint16:
        path.write_bytes(_tag_png(imagecodecs.png_encode(data), metadata))
        return
    options: dict[str, Any] = {"icc_profile": metadata.icc_profile}
    if metadata.dpi is not None:
        options["dpi"] = metadata.dpi
    if path.suffix.lower() in (".jpg", ".jpeg"):
        # The compression must not spoil what has been restored.
        options |= {"quality": 95, "subsampling": "4:4:4"}
    Image.fromarray(np.ascontiguousarray(data)).save(path, **options)


def _tag_png(encoded: bytes | bytearray, metadata: Metadata) -> bytes | bytearray:
    """Add the resolution and the colour profile to a PNG, which imagecodecs can't write."""
    chunks = b""
    if metadata.icc_profile:
        chunks += _png_chunk(b"iCCP", b"ICC\0\0" + zlib.compress(metadata.icc_profile))
    if metadata.dpi is not None:
        x, y = (round(dots / 0.0254) for dots in metadata.dpi)
        chunks += _png_chunk(b"pHYs", struct.pack(">IIB", x, y, 1))
    return encoded[:_PNG_HEADER] + chunks + encoded[_PNG_HEADER:]


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
