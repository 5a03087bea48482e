"""PNG, JPEG and BMP: one grey or colour image per file."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from io import BytesIO
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
from napari_dip.files.orientation import UPRIGHT, swaps_sides, upright
from napari_dip.files.segments import (
    COLOUR_CHUNKS,
    LARGEST_SEGMENT,
    jpeg_photoshop,
    jpeg_xmp,
    png_chunk,
    png_chunks,
    png_texts,
    text_chunks,
    unknown_chunks,
    upright_xmp,
    with_chunks,
    with_segments,
)
from napari_dip.files.tags import PHOTOSHOP, Tag, Tags

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

_PNG_DEPTH = 24
"""Offset in a PNG file of the number of bits per sample."""

MOST_JPEG_DENSITY = 2**16
"""Pixels per inch from which a JPEG can't say how many there are."""


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
            notes.append(Note(NoteKind.TOLD, str(path), text))
        dpi = opened.info.get("dpi")
        metadata = Metadata(
            resolution=(float(dpi[0]), float(dpi[1])) if dpi and min(dpi) > 0 else None,
            resolution_unit=RESUNIT.INCH,
            icc_profile=opened.info.get("icc_profile") if opened.mode != "CMYK" else None,
        )
        metadata = _described(metadata, opened, encoded)
        if swaps_sides(orientation):
            metadata = metadata.transposed()
        if opened.format == "PNG" and encoded[_PNG_DEPTH] == 16:
            # Pillow would cut 16-bit colour down to 8 bits.
            data = _with_transparency(imagecodecs.png_decode(encoded), encoded)
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
    if image.has_transparency_data and image.mode in ("1", "L"):
        return image.convert("LA")
    return image if image.mode in ("1", "L", "LA", "RGB", "RGBA") else image.convert("RGB")


def _described(metadata: Metadata, opened: Image.Image, encoded: bytes) -> Metadata:
    """The metadata with the tags, texts and colour information of an open picture."""
    if opened.format == "PNG":
        chunks = list(png_chunks(encoded))
        texts, xmp = png_texts(chunks)
        exif = next((body for kind, body in chunks if kind == b"eXIf"), b"")
        if not exif and len(opened.getexif()):  # some programs store it as a text
            exif = opened.getexif().tobytes()
        colour = tuple(chunk for kind in COLOUR_CHUNKS for chunk in chunks if chunk[0] == kind)
        return replace(
            metadata,
            tags=Tags.from_exif(exif),
            xmp=upright_xmp(xmp),
            texts=texts,
            colour_chunks=colour,
            left_out=tuple(unknown_chunks(chunks)),
        )
    if opened.format not in ("JPEG", "MPO"):  # MPO: a JPEG with several pictures
        return metadata
    tags = Tags.from_exif(opened.info.get("exif", b""))
    if resources := jpeg_photoshop(encoded):
        tags = tags.with_picture(Tag(PHOTOSHOP, 1, len(resources), resources))
    comment = opened.info.get("comment")
    texts = {"Comment": comment.decode("utf-8", "replace")} if comment else {}
    return replace(metadata, tags=tags, xmp=upright_xmp(jpeg_xmp(encoded)), texts=texts)


def _with_transparency(data: NDArray[Any], encoded: bytes) -> NDArray[Any]:
    """A 16-bit picture with an alpha channel, if the PNG names a colour that is transparent."""
    colour = next((body for kind, body in png_chunks(encoded) if kind == b"tRNS"), None)
    if colour is None or (data.ndim == 3 and data.shape[-1] in (2, 4)):
        return data
    samples = data[..., None] if data.ndim == 2 else data
    transparent = np.array(struct.unpack(f">{samples.shape[-1]}H", colour), np.uint16)
    is_opaque = (samples != transparent).any(axis=-1, keepdims=True)
    return np.concatenate([samples, np.where(is_opaque, 65535, 0).astype(np.uint16)], axis=-1)


def write(path: Path, data: NDArray[Any], axes: str, metadata: Metadata) -> None:
    """Write a PNG or JPEG file."""
    is_jpeg = path.suffix.lower() in (".jpg", ".jpeg")
    if data.dtype == np.uint16:
        encoded = bytes(imagecodecs.png_encode(data))
    else:
        # The compression must not spoil what has been restored.
        options = {"quality": 95, "subsampling": "4:4:4"} if is_jpeg else {}
        options |= _jpeg_options(metadata) if is_jpeg else {}
        buffer = BytesIO()
        picture = Image.fromarray(np.ascontiguousarray(data))
        picture.save(buffer, "JPEG" if is_jpeg else "PNG", **options)
        encoded = buffer.getvalue()
    if is_jpeg:
        resources = metadata.tags.find(PHOTOSHOP)
        encoded = with_segments(encoded, metadata.xmp, resources.data if resources else b"")
    else:
        encoded = with_chunks(encoded, _png_metadata(metadata))
    path.write_bytes(encoded)


def _jpeg_options(metadata: Metadata) -> dict[str, Any]:
    """The metadata that Pillow can write into a JPEG."""
    options: dict[str, Any] = {"icc_profile": metadata.icc_profile}
    if metadata.dpi is not None and max(metadata.dpi) < MOST_JPEG_DENSITY:
        options["dpi"] = metadata.dpi
    exif = metadata.described.to_exif()
    if exif and len(exif) <= LARGEST_SEGMENT:
        options["exif"] = exif
    if comment := metadata.texts.get("Comment"):
        options["comment"] = comment.encode()
    return options


def _png_metadata(metadata: Metadata) -> bytes:
    """The metadata as the chunks of a PNG, which no library writes all of."""
    chunks = b""
    # A profile and sRGB exclude each other; the profile says more.
    colour = [c for c in metadata.colour_chunks if c[0] != b"sRGB" or not metadata.icc_profile]
    for kind, body in colour:
        chunks += png_chunk(kind, body)
    if metadata.icc_profile:
        chunks += png_chunk(b"iCCP", b"ICC\0\0" + zlib.compress(metadata.icc_profile))
    if metadata.dpi is not None:
        x, y = (round(dots / 0.0254) for dots in metadata.dpi)
        if max(x, y) < 2**31:
            chunks += png_chunk(b"pHYs", struct.pack(">IIB", x, y, 1))
    if exif := metadata.described.to_exif():
        chunks += png_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    return chunks + text_chunks(metadata.texts, metadata.xmp)
