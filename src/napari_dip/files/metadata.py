"""The metadata of image files: resolution, colour profile, axes and their scale."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from tifffile import RESUNIT

from napari_dip.data.axes import Axes
from napari_dip.files.segments import Chunk
from napari_dip.files.tags import ARTIST, COPYRIGHT, DESCRIPTION, SOFTWARE, Tag, Tags

_PER_INCH = {RESUNIT.INCH: 1.0, RESUNIT.CENTIMETER: 2.54}


@dataclass(frozen=True)
class Metadata:
    """What a file says in addition to its pixels, as far as it is written back.

    Attributes
    ----------
    resolution
        Pixels per `resolution_unit` along X and Y, if known.
    resolution_unit
        The unit of the resolution; NONE where it is elsewhere (the `unit` of ImageJ).
    icc_profile
        The ICC colour profile.
    tiff
        Further arguments of `tifffile.imwrite`: the flavour of a TIFF, its metadata, and how it is
        stored.
    tags
        Tags of TIFF and EXIF.
    xmp
        XMP, an XML text.
    texts
        Texts by their keywords, as a PNG has them; a JPEG's comment is "Comment".
    colour_chunks
        Chunks of a PNG that say what its values mean, such as its gamma.
    left_out
        What the file has in addition and no format can be given, in words.
    """

    resolution: tuple[float, float] | None = None
    resolution_unit: RESUNIT = RESUNIT.NONE
    icc_profile: bytes | None = None
    tiff: Mapping[str, Any] = field(default_factory=dict)
    tags: Tags = field(default_factory=Tags)
    xmp: bytes | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    colour_chunks: tuple[Chunk, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Pixels per inch along X and Y; None if the resolution is not per length."""
        if self.resolution is not None and self.resolution_unit in _PER_INCH:
            factor = _PER_INCH[self.resolution_unit]
            return self.resolution[0] * factor, self.resolution[1] * factor
        axes = axes_of_tiff("YX", self)  # ImageJ and OME name other units
        per_unit = [_INCHES.get(unit) for unit in axes.units]
        if None in per_unit or min(axes.scale) <= 0:
            return None
        y, x = (
            1 / (scale * float(inch or 1)) for scale, inch in zip(axes.scale, per_unit, strict=True)
        )
        return x, y

    @property
    def described(self) -> Tags:
        """The tags, and the texts and the description that have a tag to hold them."""
        found = [
            Tag.text(_TAGS_OF_TEXTS[n], t) for n, t in self.texts.items() if n in _TAGS_OF_TEXTS
        ]
        description = self.tiff.get("description")
        if isinstance(description, str) and description:
            found.insert(0, Tag.text(DESCRIPTION, description))
        return self.tags.with_picture(*found)

    @property
    def texts_without_tag(self) -> list[str]:
        """The keywords of the texts that no tag can hold."""
        return [name for name in self.texts if name not in _TAGS_OF_TEXTS]

    def scaled(self, pixel_scale: float, plane_scale: float = 1.0) -> Metadata:
        """The metadata for pixels and distances of planes that are this many times as large."""
        if pixel_scale == plane_scale == 1:
            return self
        entries = dict(self.tiff.get("metadata", {}))
        scales = dict.fromkeys(("PhysicalSizeX", "PhysicalSizeY"), pixel_scale)
        scales |= dict.fromkeys(("PhysicalSizeZ", "spacing"), plane_scale)
        for size in entries.keys() & scales.keys():
            entries[size] = float(entries[size]) * scales[size]
        for drawn in entries.keys() & {"ROI", "Overlays", "xorigin", "yorigin"}:
            del entries[drawn]  # these are in pixels
        x, y = self.resolution or (0.0, 0.0)
        return replace(
            self,
            resolution=(x / pixel_scale, y / pixel_scale) if self.resolution else None,
            tiff={**self.tiff, "metadata": entries},
            tags=self.tags.scaled(pixel_scale),
        )

    def transposed(self) -> Metadata:
        """The metadata of an image whose rows have become columns."""
        entries = dict(self.tiff.get("metadata", {}))
        for suffix in ("", "Unit"):
            x, y = (entries.pop(f"PhysicalSize{axis}{suffix}", None) for axis in "XY")
            found = {f"PhysicalSizeX{suffix}": y, f"PhysicalSizeY{suffix}": x}
            entries |= {name: value for name, value in found.items() if value is not None}
        for drawn in entries.keys() & {"ROI", "Overlays", "xorigin", "yorigin"}:
            del entries[drawn]  # these are in pixels
        resolution = None if self.resolution is None else self.resolution[::-1]
        tiff = {**self.tiff, "metadata": entries} if "metadata" in self.tiff else self.tiff
        return replace(self, resolution=resolution, tiff=tiff)

    def tagged_for(self, name: str, axes: str, shape: tuple[int, ...]) -> Metadata:
        """The metadata that suits a file called `name` with an array of these axes and shape."""
        space = b"RGB " if axes.endswith("S") and shape[-1] > 2 else b"GRAY"
        profile = self.icc_profile if (self.icc_profile or b"")[16:20] == space else None
        ome = name.lower().endswith((".ome.tif", ".ome.tiff"))
        tiff = {"ome": True} if ome and "ome" not in self.tiff else self.tiff
        return replace(self, icc_profile=profile, tiff=tiff)


_TAGS_OF_TEXTS = {
    "Description": DESCRIPTION,
    "Title": 269,
    "Software": SOFTWARE,
    "Author": ARTIST,
    "Copyright": COPYRIGHT,
}
"""The tags of texts, by the keywords of the PNG specification."""

_INCHES = {
    "nanometer": 1 / 25.4e6,
    "micrometer": 1 / 25400,
    "millimeter": 1 / 25.4,
    "centimeter": 1 / 2.54,
    "meter": 1 / 0.0254,
    "inch": 1.0,
}
"""Inches in a unit of length."""

_MICROMETER = ("um", "µm", "μm", "micron", "microns", "\\u00B5m")

_UNITS = {
    **dict.fromkeys(_MICROMETER, "micrometer"),
    "nm": "nanometer",
    "mm": "millimeter",
    "cm": "centimeter",
    "m": "meter",
    "pm": "picometer",
    "Å": "angstrom",
    "s": "second",
    "sec": "second",
    "ms": "millisecond",
    "min": "minute",
    "h": "hour",
}
"""Names of units in OME-Zarr (UDUNITS-2), by the symbols in TIFFs."""

DEFAULT_COLOUR = "FFFFFF"
"""Display colour of channels without one, as RRGGBB."""


def axes_of_ome_zarr(image: Any, level: Any, labels: Any) -> Axes:
    """Read the axes, scale and channels of an OME-Zarr image from its metadata.

    Parameters
    ----------
    image
        An entry of `multiscales`.
    level
        The entry of its `datasets` for the resolution level that is opened.
    labels
        The `channels` of `omero`.
    """
    axes = image["axes"]
    whole = image.get("coordinateTransformations", [])
    scale, origin = np.ones(len(axes)), np.zeros(len(axes))
    own = level.get("coordinateTransformations") or []
    for transformation in [*own, *(whole or [])]:
        if transformation["type"] == "scale":
            factors = np.array(transformation["scale"])
            scale, origin = scale * factors, origin * factors
        elif transformation["type"] == "translation":
            origin = origin + transformation["translation"]
    return Axes(
        "".join(axis["name"][:1].upper() for axis in axes),
        tuple(scale.tolist()),
        tuple(axis.get("unit", "") for axis in axes),
        tuple(origin.tolist()),
        _known((str(channel.get("label", "")) for channel in labels), ""),
        image.get("name", ""),
        _known((_colour(channel.get("color")) for channel in labels), DEFAULT_COLOUR),
    )


def _colour(value: object) -> str:
    """A colour as RRGGBB; white if it is not a valid one."""
    digits = str(value).removeprefix("#").upper()
    return digits if re.fullmatch("[0-9A-F]{6}", digits) else DEFAULT_COLOUR


def _known(values: Iterable[str], unknown: str) -> tuple[str, ...]:
    """The values of all channels; an empty tuple if each of them is `unknown`."""
    known = tuple(values)
    return known if set(known) - {unknown} else ()


def axes_of_tiff(letters: str, metadata: Metadata) -> Axes:
    """Read the axes, scale and channels of a TIFF from its OME or ImageJ metadata."""
    entries: Mapping[str, Any] = metadata.tiff.get("metadata", {})
    scale, units = dict.fromkeys(letters, 1.0), dict.fromkeys(letters, "")
    if metadata.tiff.get("ome"):
        for letter in letters:
            size = "TimeIncrement" if letter == "T" else f"PhysicalSize{letter}"
            if size in entries:
                scale[letter] = float(entries[size])
                unit = entries.get(f"{size}Unit", "s" if letter == "T" else "µm")
                units[letter] = _UNITS.get(unit, unit)
    elif metadata.tiff.get("imagej"):
        unit = str(entries.get("unit", ""))
        name = "" if unit in ("", "pixel") else _UNITS.get(unit, unit)
        if name and metadata.resolution is not None:
            for letter, density in zip("XY", metadata.resolution, strict=True):
                scale[letter], units[letter] = 1 / density, name
        if "Z" in letters and "spacing" in entries and name:
            scale["Z"], units["Z"] = float(entries["spacing"]), name
        if "T" in letters and entries.get("finterval"):
            scale["T"], units["T"] = float(entries["finterval"]), "second"
    described = entries.get("Channel", ())
    channels = described if isinstance(described, list) else []
    return Axes(
        letters,
        tuple(scale[a] for a in letters),
        tuple(units[a] for a in letters),
        channels=_known((str(channel.get("Name", "")) for channel in channels), ""),
        name=str(entries.get("Name", "")),
        # OME stores red, green, blue and alpha as the bytes of a signed number.
        colours=_known(
            (f"{int(c.get('Color', -1)) >> 8 & 0xFFFFFF:06X}" for c in channels), DEFAULT_COLOUR
        ),
    )


def metadata_of_axes(axes: Axes) -> Metadata:
    """The metadata of an OME-TIFF with these axes; the opposite of `axes_of_tiff`.

    Examples
    --------
    >>> axes = Axes("ZYX", (2.0, 0.5, 0.5), ("micrometer",) * 3)
    >>> axes_of_tiff("ZYX", metadata_of_axes(axes)) == axes
    True
    """
    symbols = {name: symbol for symbol, name in reversed(_UNITS.items())} | {"micrometer": "µm"}
    entries: dict[str, Any] = {}
    for letter, scale, unit in zip(axes.letters, axes.scale, axes.units, strict=True):
        size = {"T": "TimeIncrement"}.get(letter, f"PhysicalSize{letter}")
        if letter in "TZYX" and (unit or scale != 1):
            entries[size] = scale
            if unit:
                entries[f"{size}Unit"] = symbols.get(unit, unit)
    count = max(len(axes.channels), len(axes.colours))
    if count:
        names = axes.channels or ("",) * count
        colours = axes.colours or (DEFAULT_COLOUR,) * count
        pairs = zip(names, colours, strict=True)
        entries["Channel"] = [{"Name": name, "Color": _signed(colour)} for name, colour in pairs]
    if axes.name:
        entries["Name"] = axes.name
    return Metadata(tiff={"ome": True, "metadata": entries} if entries else {})


def _signed(colour: str) -> int:
    """Red, green, blue, and full opacity, as the bytes of OME's signed number."""
    value = int(colour, 16) << 8 | 0xFF
    return value - 2**32 if value >= 2**31 else value
