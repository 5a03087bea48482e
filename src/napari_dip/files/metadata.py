"""What a picture's file tells beside its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tifffile import RESUNIT

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
