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

from napari_dip.files.metadata import Metadata

_PNG_DEPTH, _PNG_HEADER = 24, 33
"""Offset in a PNG file of the number of bits per sample, and of the end of its first chunk."""


def read(path: Path) -> tuple[NDArray[Any], str, Metadata]:
    """Read a PNG, JPEG or BMP file."""
    encoded = path.read_bytes()
    with Image.open(path, formats=("PNG", "JPEG", "BMP")) as opened:
        dpi = opened.info.get("dpi")
        metadata = Metadata(
            resolution=(float(dpi[0]), float(dpi[1])) if dpi and min(dpi) > 0 else None,
            resolution_unit=RESUNIT.INCH,
            icc_profile=opened.info.get("icc_profile") if opened.mode != "CMYK" else None,
        )
        if opened.format == "PNG" and encoded[_PNG_DEPTH] == 16:
            # Pillow would cut 16-bit colour down to 8 bits.
            data = imagecodecs.png_decode(encoded)
        else:
            data = np.array(_plain_mode(ImageOps.exif_transpose(opened)))
    return data, "YX" if data.ndim == 2 else "YXS", metadata


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
