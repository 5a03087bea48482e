"""What files tell of their axes: OME-Zarr, OME-TIFF and ImageJ's TIFF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from napari_dip.axes import Axes
from napari_dip.files.metadata import Metadata

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
