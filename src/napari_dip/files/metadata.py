"""A file's metadata: resolution, colour profile, axes and their scale."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from tifffile import RESUNIT

from napari_dip.data.axes import Axes

_PER_INCH = {RESUNIT.INCH: 1.0, RESUNIT.CENTIMETER: 2.54}


@dataclass(frozen=True)
class Metadata:
    """What a file tells beside its pixels, as far as it is written back.

    Attributes
    ----------
    resolution
        Pixels per `resolution_unit` along X and Y, if known.
    resolution_unit
        What the resolution counts by; NONE where something else tells (ImageJ's `unit`).
    icc_profile
        The ICC colour profile.
    tiff
        Further arguments of `tifffile.imwrite`: the flavour of a TIFF and what it tells.
    """

    resolution: tuple[float, float] | None = None
    resolution_unit: RESUNIT = RESUNIT.NONE
    icc_profile: bytes | None = None
    tiff: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Pixels per inch along X and Y, where the resolution has a length for its unit."""
        if self.resolution is None or self.resolution_unit not in _PER_INCH:
            return None
        factor = _PER_INCH[self.resolution_unit]
        return self.resolution[0] * factor, self.resolution[1] * factor

    def scaled(self, pixel_scale: float, plane_scale: float = 1.0) -> Metadata:
        """Describe pixels and distances of planes that are this many times as large."""
        if pixel_scale == plane_scale == 1:
            return self
        entries = dict(self.tiff.get("metadata", {}))
        scales = dict.fromkeys(("PhysicalSizeX", "PhysicalSizeY"), pixel_scale)
        scales |= dict.fromkeys(("PhysicalSizeZ", "spacing"), plane_scale)
        for size in entries.keys() & scales.keys():
            entries[size] = float(entries[size]) * scales[size]
        for drawn in entries.keys() & {"ROI", "Overlays", "xorigin", "yorigin"}:
            del entries[drawn]  # these count in pixels
        x, y = self.resolution or (0.0, 0.0)
        return replace(
            self,
            resolution=(x / pixel_scale, y / pixel_scale) if self.resolution else None,
            tiff={**self.tiff, "metadata": entries},
        )

    def tagged_for(self, name: str, axes: str, shape: tuple[int, ...]) -> Metadata:
        """Keep what suits a file called `name` that holds an array with these axes."""
        space = b"RGB " if axes.endswith("S") and shape[-1] > 2 else b"GRAY"
        profile = self.icc_profile if (self.icc_profile or b"")[16:20] == space else None
        ome = name.lower().endswith((".ome.tif", ".ome.tiff"))
        tiff = {"ome": True} if ome and "ome" not in self.tiff else self.tiff
        return replace(self, icc_profile=profile, tiff=tiff)


MICROMETER = ("um", "µm", "μm", "micron", "microns", "\\u00B5m")


UNITS = {
    **dict.fromkeys(MICROMETER, "micrometer"),
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
"""UDUNITS-2 names, as OME-Zarr has them, of the symbols that TIFFs have."""


WHITE = "FFFFFF"
"""What channels are shown in of which that is not known."""


def described(image: Any, level: Any, labels: Any) -> Axes:
    """The axes of an OME-Zarr image, with what its metadata tells of them.

    Parameters
    ----------
    image
        An entry of `multiscales`.
    level
        That of its `datasets` which the axes are wanted of.
    labels
        The `channels` of `omero`.
    """
    axes = image["axes"]
    whole = image.get("coordinateTransformations", [])
    scale, origin = np.ones(len(axes)), np.zeros(len(axes))
    for transformation in [*level["coordinateTransformations"], *whole]:
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
        _told((str(channel.get("label", "")) for channel in labels), ""),
        image.get("name", ""),
        _told((_colour(channel.get("color")) for channel in labels), WHITE),
    )


def _colour(told: object) -> str:
    """A colour as OME-Zarr has it; white if it is none."""
    digits = str(told).removeprefix("#").upper()
    return digits if re.fullmatch("[0-9A-F]{6}", digits) else WHITE


def _told(values: Iterable[str], unknown: str) -> tuple[str, ...]:
    """What is told of channels; nothing where it is what stands for unknown in each of them."""
    told = tuple(values)
    return told if set(told) - {unknown} else ()


def calibrated(letters: str, metadata: Metadata) -> Axes:
    """The axes of a TIFF, with what its OME or ImageJ metadata tells of them."""
    told: Mapping[str, Any] = metadata.tiff.get("metadata", {})
    scale, units = dict.fromkeys(letters, 1.0), dict.fromkeys(letters, "")
    if metadata.tiff.get("ome"):
        for letter in letters:
            size = "TimeIncrement" if letter == "T" else f"PhysicalSize{letter}"
            if size in told:
                scale[letter] = float(told[size])
                unit = told.get(f"{size}Unit", "s" if letter == "T" else "µm")
                units[letter] = UNITS.get(unit, unit)
    elif metadata.tiff.get("imagej"):
        unit = str(told.get("unit", ""))
        name = "" if unit in ("", "pixel") else UNITS.get(unit, unit)
        if name and metadata.resolution is not None:
            for letter, density in zip("XY", metadata.resolution, strict=True):
                scale[letter], units[letter] = 1 / density, name
        if "Z" in letters and "spacing" in told and name:
            scale["Z"], units["Z"] = float(told["spacing"]), name
        if "T" in letters and told.get("finterval"):
            scale["T"], units["T"] = float(told["finterval"]), "second"
    entries = told.get("Channel", ())
    channels = entries if isinstance(entries, list) else []
    return Axes(
        letters,
        tuple(scale[a] for a in letters),
        tuple(units[a] for a in letters),
        channels=_told((str(channel.get("Name", "")) for channel in channels), ""),
        name=str(told.get("Name", "")),
        # Red, green, blue and alpha are the bytes of a signed number.
        colours=_told((f"{int(c.get('Color', -1)) >> 8 & 0xFFFFFF:06X}" for c in channels), WHITE),
    )
