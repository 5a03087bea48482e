"""Chunks of PNG files and segments of JPEG files beside the pixels: texts, colour, EXIF and XMP."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping

Chunk = tuple[bytes, bytes]
"""The type and the body of a PNG chunk."""

COLOUR_CHUNKS = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
"""Chunks that say what a PNG's values mean; in this order they are written."""

_KNOWN_CHUNKS = frozenset(
    (
        *COLOUR_CHUNKS,
        *(b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"iCCP", b"pHYs", b"eXIf"),
        *(b"tEXt", b"zTXt", b"iTXt", b"acTL", b"fcTL", b"fdAT"),
        *(b"tIME", b"bKGD", b"hIST", b"sPLT", b"sBIT", b"dSIG"),
    )
)
"""Chunks that are kept, or that are about the file rather than the picture."""

_XMP_KEYWORD = "XML:com.adobe.xmp"
_XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"

_PNG_HEADER = 33
"""The end of a PNG's first chunk."""

LARGEST_SEGMENT = 65533
"""Bytes that fit into a segment of a JPEG."""


def png_chunks(encoded: bytes) -> Iterator[Chunk]:
    """The chunks of a PNG, but for those of its pixels; as far as they are whole.

    Examples
    --------
    >>> signature = bytes(8)
    >>> list(png_chunks(signature + png_chunk(b"tEXt", b"body")))
    [(b'tEXt', b'body')]
    """
    at = 8
    while at + 12 <= len(encoded):
        length, kind = struct.unpack(">I4s", encoded[at : at + 8])
        body = encoded[at + 8 : at + 8 + length]
        if kind not in (b"IDAT", b"fdAT") and len(body) == length:
            yield kind, body
        at += length + 12


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk as it is stored."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def unknown_chunks(chunks: Iterable[Chunk]) -> list[str]:
    """The names of chunks that can't be kept."""
    names = (kind.decode("ascii", "replace") for kind, _ in chunks if kind not in _KNOWN_CHUNKS)
    return list(dict.fromkeys(names))


def png_texts(chunks: Iterable[Chunk]) -> tuple[dict[str, str], bytes | None]:
    """The texts of a PNG by their keywords, and its XMP.

    Profiles that some programs store as texts are left out.
    """
    texts: dict[str, str] = {}
    xmp = None
    for kind, body in chunks:
        keyword, _, rest = body.partition(b"\0")
        name = keyword.decode("latin-1")
        if kind == b"tEXt":
            texts[name] = rest.decode("latin-1")
        elif kind == b"zTXt":
            texts[name] = _inflated(rest[1:]).decode("latin-1")
        elif kind == b"iTXt":
            is_compressed, rest = rest[:1] == b"\1", rest[2:]
            *_, text = rest.split(b"\0", 2)
            text = _inflated(text) if is_compressed else text
            if name == _XMP_KEYWORD:
                xmp = text
            else:
                texts[name] = text.decode("utf-8", "replace")
    return {n: text for n, text in texts.items() if not n.startswith("Raw profile type")}, xmp


def text_chunks(texts: Mapping[str, str], xmp: bytes | None) -> bytes:
    """Texts and XMP as chunks of a PNG."""
    chunks = b""
    for keyword, text in texts.items():
        name = keyword.encode("latin-1", "replace")[:79]
        try:
            chunks += png_chunk(b"tEXt", name + b"\0" + text.encode("latin-1"))
        except UnicodeEncodeError:
            chunks += png_chunk(b"iTXt", name + b"\0\0\0\0\0" + text.encode())
    if xmp is not None:
        chunks += png_chunk(b"iTXt", _XMP_KEYWORD.encode() + b"\0\0\0\0\0" + xmp)
    return chunks


def with_chunks(encoded: bytes, chunks: bytes) -> bytes:
    """A PNG with further chunks, before those of its pixels."""
    return encoded[:_PNG_HEADER] + chunks + encoded[_PNG_HEADER:]


def jpeg_segments(encoded: bytes) -> Iterator[tuple[int, bytes]]:
    """The markers and bodies of a JPEG's segments, up to its pixels."""
    at = 2
    while at + 4 <= len(encoded) and encoded[at] == 0xFF:
        marker, length = struct.unpack(">xBH", encoded[at : at + 4])
        if marker == 0xDA:  # the pixels
            return
        yield marker, encoded[at + 4 : at + 2 + length]
        at += 2 + length


def jpeg_xmp(encoded: bytes) -> bytes | None:
    """The XMP of a JPEG."""
    for marker, body in jpeg_segments(encoded):
        if marker == 0xE1 and body.startswith(_XMP_SEGMENT):
            return body.removeprefix(_XMP_SEGMENT)
    return None


def jpeg_photoshop(encoded: bytes) -> bytes:
    """The resources of Photoshop in a JPEG, IPTC among them."""
    parts = (body for marker, body in jpeg_segments(encoded) if marker == 0xED)
    return b"".join(p.removeprefix(_PHOTOSHOP) for p in parts if p.startswith(_PHOTOSHOP))


def with_segments(encoded: bytes, xmp: bytes | None, photoshop: bytes) -> bytes:
    """A JPEG with XMP and resources of Photoshop, behind its first segments."""
    at = 2
    while encoded[at] == 0xFF and 0xE0 <= encoded[at + 1] <= 0xEF:
        at += 2 + int(struct.unpack(">H", encoded[at + 2 : at + 4])[0])
    added = b""
    if xmp is not None and len(_XMP_SEGMENT + xmp) <= LARGEST_SEGMENT:
        added += _segment(0xE1, _XMP_SEGMENT + xmp)
    step = LARGEST_SEGMENT - len(_PHOTOSHOP)
    for start in range(0, len(photoshop), step):
        added += _segment(0xED, _PHOTOSHOP + photoshop[start : start + step])
    return encoded[:at] + added + encoded[at:]


def upright_xmp(xmp: bytes | None) -> bytes | None:
    """XMP of a picture that has been turned upright.

    Examples
    --------
    >>> upright_xmp(b'<a tiff:Orientation="6"/>')
    b'<a tiff:Orientation="1"/>'
    """
    if xmp is None:
        return None
    xmp = re.sub(rb'(tiff:Orientation=["\'])\d', rb"\g<1>1", xmp)
    return re.sub(rb"(<tiff:Orientation>)\d", rb"\g<1>1", xmp)


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error:
        return b""
