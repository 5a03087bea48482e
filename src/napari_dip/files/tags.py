"""Tags as TIFF and EXIF store them, in directories: read, kept, and written to either.

EXIF is a small TIFF without pixels. So both have one form here: the tags of the picture, those of
the camera (the EXIF directory), and those of the place (the GPS directory).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import tifffile

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES |= {16: 8, 17: 8, 18: 8}
"""Bytes of a value, by the number of its type."""

_FORMATS = {3: "H", 4: "I", 5: "I", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d", 13: "I"}
_FORMATS |= {16: "Q", 17: "q", 18: "Q"}
"""Formats of `struct` of the types whose values have a byte order; rationals are two numbers."""

_ASCII, _SHORT, _LONG, _DOUBLE, _LONG8 = 2, 3, 4, 12, 16

_EXIF, _GPS = 34665, 34853
"""Tags that point to the directories of the camera and of the place."""

DESCRIPTION, SOFTWARE, DATE, ARTIST, COPYRIGHT, XMP = 270, 305, 306, 315, 33432, 700

_NAMES = {
    DESCRIPTION: "ImageDescription",
    269: "DocumentName",
    271: "Make",
    272: "Model",
    SOFTWARE: "Software",
    DATE: "DateTime",
    ARTIST: "Artist",
    316: "HostComputer",
    COPYRIGHT: "Copyright",
}

PHOTOSHOP = 34377
"""The tag of Photoshop's resources, IPTC among them; a JPEG has a segment for them."""

_IN_EXIF = {*_NAMES, 40091, 40092, 40093, 40094, 40095, 18246, 18249}
"""Tags of the picture that belong to EXIF, too. The last ones are a file manager's."""

_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _GEO_KEYS = 33550, 33922, 34264, 34735

_GEO = (_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _GEO_KEYS, 34736, 34737, 42112, 42113, 50844)
"""GeoTIFF's and GDAL's tags."""

_GEO_WORDS = "GeoTIFF tags"

_RASTER_TYPE, _POINT = 1025, 2
"""The GeoTIFF key, and its value, that say that coordinates are those of pixel centres."""

_OF_ANOTHER_FORMAT = (33628, 33629, 33630, 33631, 34361, 34362, 33560, 34412, 51123, 50838, 50839)
"""Tags by which readers take a file for MetaMorph's, FluoView's, LSM, SIS or Micro-Manager's, whose
pixels lie elsewhere; ImageJ's own are written with its metadata."""

_OF_PIXELS = {
    *(254, 255, *range(256, 269), 273, 274, *range(277, 286), *range(288, 294), 296, 297, 317),
    *(320, 321, 322, 323, 324, 325, 326, 327, 328, 330, 332, 333, 334, 336, 337, 338, 339, 340),
    *(341, 343, 344, 345, 346, 347, *range(512, 522), 529, 530, 531, 532, 559, 32781, 32953),
    *(32954, 32995, 32996, 32997, 32998, 33421, 33422, 34675, _EXIF, _GPS, 40965, XMP),
    *range(50706, 50742),  # those of a camera's raw data
}
"""Tags that describe how pixels are stored, and those that are kept in another way."""

_SKIPPED = frozenset(_OF_PIXELS - {_EXIF, _GPS})
"""Tags that are not read: the offsets of a large image's pixels are large themselves."""

_EXIF_WIDTH, _EXIF_HEIGHT, _THUMBNAIL_POINTER = 0xA002, 0xA003, 0xA005


@dataclass(frozen=True)
class Tag:
    """A tag: its number, the number of its type, how many values it has, and them as bytes.

    The bytes are little-endian, whatever the file's are.
    """

    code: int
    kind: int
    count: int
    data: bytes

    @property
    def values(self) -> tuple[Any, ...]:
        """The values as numbers; those of text as one bytes object."""
        form = _FORMATS.get(self.kind)
        if form is None:
            return (self.data,)
        return struct.unpack(f"<{len(self.data) // struct.calcsize(form)}{form}", self.data)

    @property
    def name(self) -> str:
        """Its name if it is a common one, else its number."""
        known = tifffile.TIFF.TAGS.get(self.code, default=None)
        return _NAMES.get(self.code) or (str(known) if known else str(self.code))

    @classmethod
    def text(cls, code: int, text: str) -> Self:
        """A tag of text."""
        data = text.encode() + b"\0"
        return cls(code, _ASCII, len(data), data)

    @classmethod
    def doubles(cls, code: int, values: Sequence[float]) -> Self:
        """A tag of floating point numbers."""
        return cls(code, _DOUBLE, len(values), struct.pack(f"<{len(values)}d", *values))


@dataclass(frozen=True)
class Tags:
    """The tags of an image file that do not describe how its pixels are stored.

    Attributes
    ----------
    picture, camera, place
        The tags of each directory.
    left_out
        What the file has in addition and can't be kept, in words.

    Examples
    --------
    >>> tags = Tags(picture=(Tag.text(306, "2024:05:06 07:08:09"),))
    >>> Tags.from_exif(tags.to_exif()) == tags
    True
    """

    picture: tuple[Tag, ...] = ()
    camera: tuple[Tag, ...] = ()
    place: tuple[Tag, ...] = ()
    left_out: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.picture or self.camera or self.place)

    @classmethod
    def from_exif(cls, encoded: bytes) -> Self:
        """The tags in a block of EXIF; what is damaged is left out."""
        stream = encoded.removeprefix(b"Exif\0\0")
        if len(stream) < 8 or stream[:2] not in (b"II", b"MM"):
            return cls(left_out=("EXIF (damaged)",) if encoded else ())
        order = "<" if stream[:2] == b"II" else ">"
        first = struct.unpack(f"{order}I", stream[4:8])[0]
        return cls._gathered(
            lambda at, size: stream[at : at + size],
            lambda read: _directory(read, first, order, is_big=False, skipped=_SKIPPED),
            order,
            is_big=False,
        )

    @classmethod
    def from_tiff(cls, file: tifffile.TiffFile, page: tifffile.TiffPage) -> Self:
        """The tags of a page of an open TIFF."""
        handle, order, is_big = file.filehandle, file.byteorder, bool(file.is_bigtiff)

        def read(at: int, size: int) -> bytes:
            handle.seek(at)
            found: bytes = handle.read(size)
            return found

        found = cls._gathered(
            read,
            lambda read: _directory(read, page.offset, order, is_big=is_big, skipped=_SKIPPED),
            order,
            is_big,
        )
        foreign = [tag.name for tag in found.picture if tag.code in _OF_ANOTHER_FORMAT[:-2]]
        kept = tuple(tag for tag in found.picture if tag.code not in _OF_ANOTHER_FORMAT)
        return replace(found, picture=kept, left_out=(*found.left_out, *foreign))

    @classmethod
    def _gathered(
        cls,
        read: Callable[[int, int], bytes],
        first: Callable[[Callable[[int, int], bytes]], list[Tag]],
        order: str,
        is_big: bool,
    ) -> Self:
        tags = cls()
        try:
            all_tags = first(read)
            tags = replace(tags, picture=tuple(t for t in all_tags if t.code not in _OF_PIXELS))
            pointers = {tag.code: tag.values[0] for tag in all_tags if tag.code in (_EXIF, _GPS)}
            if _EXIF in pointers:
                camera = _directory(read, pointers[_EXIF], order, is_big=is_big)
                kept = tuple(tag for tag in camera if tag.code != _THUMBNAIL_POINTER)
                tags = replace(tags, camera=kept)
            if _GPS in pointers:
                place = tuple(_directory(read, pointers[_GPS], order, is_big=is_big))
                tags = replace(tags, place=place)
        except (struct.error, ValueError, IndexError, OSError):
            return replace(tags, left_out=("EXIF (damaged)",))
        return tags

    def find(self, code: int) -> Tag | None:
        """A tag of the picture."""
        return next((tag for tag in self.picture if tag.code == code), None)

    def with_picture(self, *tags: Tag) -> Self:
        """The same with these tags of the picture, where there is none of that number yet."""
        known = {tag.code for tag in self.picture}
        return replace(
            self, picture=(*self.picture, *(tag for tag in tags if tag.code not in known))
        )

    def scaled(self, pixel_scale: float) -> Self:
        """The tags for pixels that are this many times as large."""
        if pixel_scale == 1:
            return self
        sizes = (_EXIF_WIDTH, _EXIF_HEIGHT)
        camera = tuple(tag for tag in self.camera if tag.code not in sizes)
        is_point = _raster_type(self.find(_GEO_KEYS)) == _POINT
        picture = tuple(_scaled(tag, pixel_scale, is_point=is_point) for tag in self.picture)
        return replace(self, picture=picture, camera=camera)

    def upright(self) -> Self:
        """The tags of a picture that has been turned: places in it are other ones."""
        geo = [tag for tag in self.picture if tag.code in _GEO]
        if not geo:
            return self
        kept = tuple(tag for tag in self.picture if tag not in geo)
        return replace(self, picture=kept, left_out=(*self.left_out, _GEO_WORDS))

    def without(self, code: int) -> Self:
        """The same without a tag of the picture."""
        return replace(self, picture=tuple(tag for tag in self.picture if tag.code != code))

    def beyond_exif(self) -> list[str]:
        """The names of the tags of the picture that EXIF can't hold; GeoTIFF's as one."""
        return self._named(tag for tag in self.picture if tag.code not in _IN_EXIF)

    @property
    def names(self) -> list[str]:
        """The names of the tags of the picture; GeoTIFF's as one."""
        return self._named(self.picture)

    @staticmethod
    def _named(tags: Iterable[Tag]) -> list[str]:
        return list(dict.fromkeys(_GEO_WORDS if t.code in _GEO else t.name for t in tags))

    def to_exif(self) -> bytes:
        """A block of EXIF with those of the tags that it can hold; empty if there are none."""
        picture = [tag for tag in self.picture if tag.code in _IN_EXIF]
        directories = {_EXIF: self.camera, _GPS: self.place}
        given = {code: tags for code, tags in directories.items() if tags}
        if not (picture or given):
            return b""
        pointers = [Tag(code, _LONG, 1, bytes(4)) for code in given]
        start, parts = 8, []
        # The pointers' values are known once the directory before them has its length.
        position = start + len(_encoded([*picture, *pointers], start, "<", is_big=False))
        for number, (code, tags) in enumerate(given.items()):
            pointers[number] = Tag(code, _LONG, 1, struct.pack("<I", position))
            parts.append(_encoded(tags, position, "<", is_big=False))
            position += len(parts[-1])
        head = b"II*\0" + struct.pack("<I", start)
        main = _encoded([*picture, *pointers], start, "<", is_big=False)
        return b"Exif\0\0" + head + main + b"".join(parts)

    def extratags(self) -> list[tuple[int, int, int, Any, bool]]:
        """The tags of the picture as tifffile takes them; it writes no further directories."""
        return [_for_tifffile(tag) for tag in self.picture]

    def append_directories(self, path: Path) -> None:
        """Append the directories of camera and place to a TIFF.

        The first page's directory has to point to them; its copy with the pointers comes last, and
        the file's header is changed to point there.
        """
        given = {code: tags for code, tags in ((_EXIF, self.camera), (_GPS, self.place)) if tags}
        if not given:
            return
        with path.open("r+b") as stream:
            head = stream.read(8)
            order, is_big = ("<" if head[:2] == b"II" else ">"), 43 in (head[2], head[3])
            long, count_form, size = ("Q", "Q", 20) if is_big else ("I", "H", 12)
            where = 8 if is_big else 4
            at = _number(stream, where, f"{order}{long}")
            count = _number(stream, at, f"{order}{count_form}")
            rows = stream.read(count * size)
            entries = {
                struct.unpack(f"{order}H", rows[i : i + 2])[0]: rows[i : i + size]
                for i in range(0, len(rows), size)
            }
            following = stream.read(struct.calcsize(long))
            for code, tags in given.items():
                end = _even_end(stream)
                stream.write(_encoded(tags, end, order, is_big=is_big))
                pointer = struct.pack(f"{order}HH{long}I", code, _LONG, 1, end)
                entries[code] = pointer.ljust(size, b"\0")
            end = _even_end(stream)
            stream.write(struct.pack(f"{order}{count_form}", len(entries)))
            stream.write(b"".join(entries[code] for code in sorted(entries)) + following)
            stream.seek(where)
            stream.write(struct.pack(f"{order}{long}", end))


def _number(stream: BinaryIO, at: int, form: str) -> int:
    """A number in a file."""
    stream.seek(at)
    return int(struct.unpack(form, stream.read(struct.calcsize(form)))[0])


def _even_end(stream: BinaryIO) -> int:
    """Go to the end of a file, and make its offset an even one."""
    end = stream.seek(0, 2)
    return end + stream.write(bytes(end % 2))


def _directory(
    read: Callable[[int, int], bytes],
    at: int,
    order: str,
    *,
    is_big: bool,
    skipped: frozenset[int] = frozenset(),
) -> list[Tag]:
    """The tags of a directory, without those of unknown types, and large ones that are skipped."""
    count_form, entry_size = (f"{order}Q", 20) if is_big else (f"{order}H", 12)
    count_size, inline = struct.calcsize(count_form), 8 if is_big else 4
    (count,) = struct.unpack(count_form, read(at, count_size))
    tags = []
    for number in range(min(count, 4096)):
        entry = read(at + count_size + number * entry_size, entry_size)
        code, kind = struct.unpack(f"{order}HH", entry[:4])
        (length,) = struct.unpack(f"{order}{'Q' if is_big else 'I'}", entry[4 : 4 + inline])
        if kind not in _SIZES:
            continue
        size = length * _SIZES[kind]
        data = entry[4 + inline : 4 + inline + size]
        if size > inline:
            (offset,) = struct.unpack(f"{order}{'Q' if is_big else 'I'}", entry[4 + inline :])
            if code in skipped:
                continue
            data = read(offset, size)
        if len(data) != size:
            raise ValueError("a tag lies outside of the file")
        tags.append(Tag(code, kind, length, _swapped(data, kind) if order == ">" else data))
    return tags


def _encoded(tags: Iterable[Tag], at: int, order: str, *, is_big: bool) -> bytes:
    """A directory that begins at an offset, with its values behind it."""
    tags = sorted(tags, key=lambda tag: tag.code)
    long, inline = ("Q", 8) if is_big else ("I", 4)
    head = struct.pack(f"{order}{'Q' if is_big else 'H'}", len(tags))
    behind = at + len(head) + len(tags) * (20 if is_big else 12) + inline
    entries, values = b"", b""
    for tag in tags:
        data = _swapped(tag.data, tag.kind) if order == ">" else tag.data
        entries += struct.pack(f"{order}HH{long}", tag.code, tag.kind, tag.count)
        if len(data) <= inline:
            entries += data.ljust(inline, b"\0")
            continue
        entries += struct.pack(f"{order}{long}", behind + len(values))
        values += data + bytes(len(data) % 2)
    return head + entries + bytes(inline) + values


def _swapped(data: bytes, kind: int) -> bytes:
    """Values in the other byte order."""
    form = _FORMATS.get(kind)
    if form is None:
        return data
    return np.frombuffer(data, f"u{struct.calcsize(form)}").byteswap().tobytes()


def _for_tifffile(tag: Tag) -> tuple[int, int, int, Any, bool]:
    values = tag.values
    if tag.kind not in _FORMATS:
        return tag.code, tag.kind, tag.count, tag.data, True
    return tag.code, tag.kind, tag.count, values[0] if len(values) == 1 else values, True


def _raster_type(keys: Tag | None) -> int:
    """The value of a GeoTIFF's raster type; 1, the default, if it is not said."""
    values = () if keys is None else keys.values
    for start in range(4, len(values) - 3, 4):
        if values[start] == _RASTER_TYPE and values[start + 1] == 0:
            return int(values[start + 3])
    return 1


def _scaled(tag: Tag, scale: float, *, is_point: bool) -> Tag:
    """A tag for pixels that are `scale` times as large; only GeoTIFF's change."""
    if tag.code not in (_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION) or tag.kind != _DOUBLE:
        return tag
    values = list(tag.values)
    # The coordinates in the image of pixels: of corners they are multiplied, and a centre stays
    # half a pixel away from its corner.
    offset = 0.5 if is_point else 0.0
    if tag.code == _PIXEL_SCALE:
        values[:2] = [value * scale for value in values[:2]]
    elif tag.code == _TIE_POINTS:
        for start in range(0, len(values) - 5, 6):
            for axis in (start, start + 1):
                values[axis] = (values[axis] + offset) / scale - offset
    elif len(values) == 16:
        matrix = np.array(values).reshape(4, 4)
        to_old = np.diag([scale, scale, 1.0, 1.0])
        to_old[:2, 3] = offset * scale - offset
        values = (matrix @ to_old).ravel().tolist()
    return Tag.doubles(tag.code, values)
