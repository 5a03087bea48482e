"""TIFF files, plain, ImageJ and OME: pixels, axes and metadata."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile
from numpy.typing import NDArray
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, RESUNIT

from napari_dip.files.atomic import FileError
from napari_dip.files.metadata import Metadata

_PHOTOMETRIC = (
    PHOTOMETRIC.MINISBLACK,
    PHOTOMETRIC.MINISWHITE,
    PHOTOMETRIC.RGB,
    PHOTOMETRIC.PALETTE,
    PHOTOMETRIC.MASK,
)
"""The ways to store colour that can be read. Of the others, only JPEG is decoded to RGB."""

_OME_PIXELS = (
    *(f"PhysicalSize{axis}{unit}" for axis in "XYZ" for unit in ("", "Unit")),
    "TimeIncrement",
    "TimeIncrementUnit",
)
"""OME attributes of an image that hold for the restored image too."""


def read(path: Path) -> tuple[NDArray[Any], str, Metadata]:
    """Read the first image of a TIFF file, at full resolution, with its axes and metadata."""
    with _strict(), tifffile.TiffFile(path) as file:
        series = file.series[0].levels[0]
        page = series.keyframe
        _refuse_colours(path, page)
        data, axes = _canonical(series.asarray(), series.axes, page)
        metadata = _metadata(file, page)
        colours = page.colormap if page.photometric == PHOTOMETRIC.PALETTE else None
        if colours is not None and not file.is_imagej:
            data = np.moveaxis((np.asarray(colours) >> 8).astype(np.uint8)[:, data], 0, -1)
            axes += "S"
        return data, axes, metadata


def open_planes(path: Path) -> tuple[Any, str, Metadata] | None:
    """Open the first image at full resolution as a Zarr store, without reading its pixels.

    Returns None where samples would have to be rearranged; `read` does that.
    """
    with _strict(), tifffile.TiffFile(path) as file:
        series = file.series[0].levels[0]
        page = series.keyframe
        _refuse_colours(path, page)
        stored = series.axes
        apart = "S" in stored and not (
            stored.endswith("S") and _holds_colour(series.shape[-1], page)
        )
        if apart or (page.photometric == PHOTOMETRIC.PALETTE and not file.is_imagej):
            return None
        axes, metadata = _named(stored), _metadata(file, page)
    return tifffile.imread(path, aszarr=True, level=0, series=0), axes, metadata


def _refuse_colours(path: Path, page: tifffile.TiffPage) -> None:
    if page.photometric not in _PHOTOMETRIC and page.compression != COMPRESSION.JPEG:
        name = PHOTOMETRIC(page.photometric).name
        raise FileError(f"{path}: its colours are stored as {name}; convert it to RGB")


def _metadata(file: tifffile.TiffFile, page: tifffile.TiffPage) -> Metadata:
    """The metadata of a file."""
    tiff: dict[str, Any] = {}
    if file.is_imagej:
        tiff = {"imagej": True, "metadata": _imagej_entries(file)}
    elif file.ome_metadata:
        tiff = {"ome": True, "metadata": _ome_entries(file.ome_metadata)}
    elif page.description and page.description != page.shaped_description:
        tiff = {"description": page.description}
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        tiff["photometric"] = "miniswhite"
    elif page.photometric == PHOTOMETRIC.PALETTE and page.colormap is not None and file.is_imagej:
        tiff |= {"photometric": "palette", "colormap": page.colormap}
    resolution = page.resolution
    known = "XResolution" in page.tags and "YResolution" in page.tags and min(resolution) > 0
    return Metadata(
        resolution=resolution if known else None,
        resolution_unit=RESUNIT(page.resolutionunit),
        icc_profile=page.iccprofile,
        tiff=tiff,
    )


def write(path: Path, data: NDArray[Any], axes: str, metadata: Metadata) -> None:
    """Write an array as a TIFF of the flavour that `metadata` names."""
    options: dict[str, Any] = {"photometric": "minisblack", **metadata.tiff}
    options["metadata"] = {**options.get("metadata", {}), "axes": axes}
    if axes.endswith("S"):
        samples = data.shape[-1]
        options["photometric"] = "rgb" if samples > 2 else "minisblack"
        options["planarconfig"] = "contig"
        options["extrasamples"] = ["unassalpha"] if samples in (2, 4) else None
    if metadata.resolution is not None:
        options |= {"resolution": metadata.resolution, "resolutionunit": metadata.resolution_unit}
    tifffile.imwrite(path, data, iccprofile=metadata.icc_profile, **options)


@contextmanager
def _strict() -> Iterator[None]:
    """Raise where tifffile only logs that a file is damaged, and reads the rest of it."""

    class Raise(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise tifffile.TiffFileError(record.getMessage())

    handler, logger = Raise(logging.ERROR), logging.getLogger("tifffile")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _canonical(data: NDArray[Any], axes: str, page: tifffile.TiffPage) -> tuple[NDArray[Any], str]:
    """Name the axes T, Z, C, Y, X, and S last if it holds colour."""
    if "S" in axes:
        data = np.moveaxis(data, axes.index("S"), -1)
        axes = axes.replace("S", "")
        if _holds_colour(data.shape[-1], page):
            axes += "S"
        else:
            data = np.moveaxis(data, -1, axes.index("Y"))
            axes = axes.replace("Y", "?Y" if "C" in axes else "CY")
    return data, _named(axes)


def _named(axes: str) -> str:
    """Name the axes that the file doesn't name; the first is most likely the depth of a stack."""
    free = [name for name in "ZTC" if name not in axes]
    return "".join(letter if letter in "TZCYXS" else free.pop(0) for letter in axes)


def _holds_colour(samples: int, page: tifffile.TiffPage) -> bool:
    """Whether samples are grey with alpha or RGB(A), rather than channels of their own."""
    if samples == 2:
        return EXTRASAMPLE.UNASSALPHA in page.extrasamples
    return samples in (3, 4) and page.photometric not in (
        PHOTOMETRIC.MINISBLACK,
        PHOTOMETRIC.MINISWHITE,
    )


def _imagej_entries(file: tifffile.TiffFile) -> dict[str, Any]:
    # tifffile writes the counts of planes itself.
    counts = ("ImageJ", "images", "channels", "slices", "frames")
    return {key: v for key, v in (file.imagej_metadata or {}).items() if key not in counts}


def _ome_entries(xml: str) -> dict[str, Any]:
    image = ElementTree.fromstring(xml).find("{*}Image")
    pixels = None if image is None else image.find("{*}Pixels")
    if image is None or pixels is None:
        raise ValueError("its OME-XML describes no image")
    entries: dict[str, Any] = {key: pixels.get(key) for key in _OME_PIXELS if key in pixels.attrib}
    entries["Channel"] = [dict(channel.attrib) for channel in pixels.findall("{*}Channel")]
    if "Name" in image.attrib:
        entries["Name"] = image.attrib["Name"]
    for element in ("AcquisitionDate", "Description"):
        if text := image.findtext(f"{{*}}{element}"):
            entries[element] = text
    return entries
