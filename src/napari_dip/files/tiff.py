"""TIFF files, plain, ImageJ and OME: pixels, axes and metadata."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile
from numpy.typing import NDArray
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, RESUNIT

from napari_dip.data.axes import KNOWN_LETTERS, describe_planes, named_axes
from napari_dip.data.reading import Note, NoteKind, ReadingRecord
from napari_dip.errors import UserError
from napari_dip.files.atomic import FileError
from napari_dip.files.checks import check_memory_for, check_segments
from napari_dip.files.metadata import Metadata
from napari_dip.files.segments import upright_xmp
from napari_dip.files.tags import DESCRIPTION, SOFTWARE, XMP, Tags
from napari_dip.files.tiff_pixels import TiffPixels, inverted
from napari_dip.files.tiff_series import TiffImage, open_tiff

_PHOTOMETRIC = (
    PHOTOMETRIC.MINISBLACK,
    PHOTOMETRIC.MINISWHITE,
    PHOTOMETRIC.RGB,
    PHOTOMETRIC.PALETTE,
    PHOTOMETRIC.MASK,
)
"""The ways to store colour that can be read. Of the others, only JPEG is decoded to RGB."""

_ALPHA = (EXTRASAMPLE.UNASSALPHA, EXTRASAMPLE.ASSOCALPHA)
"""The tags of a sample that is transparency. The samples are fitted alike with either."""

_OME_PIXELS = (
    *(f"PhysicalSize{axis}{unit}" for axis in "XYZ" for unit in ("", "Unit")),
    "TimeIncrement",
    "TimeIncrementUnit",
)
"""OME attributes of an image that hold for the restored image too."""


def read(
    path: Path, series: int | None = None
) -> tuple[NDArray[Any], str, Metadata, ReadingRecord]:
    """Read an image of a TIFF file, at full resolution, as it is seen in a viewer.

    Parameters
    ----------
    path
        The file.
    series
        Which of several images, from 1 on; the first, with a note, if not given.

    Returns
    -------
    tuple
        The samples, upright and with black as their least value; the letters of their axes; what
        `write` needs to store them in the same way; and the reading record.
    """
    with open_tiff(path, series) as image:
        _refuse(path, image)
        check_memory_for(path, image.series.shape, image.series.dtype)
        pixels = TiffPixels.of(image)
        data, axes = _canonical(image.series.asarray(), image.series.axes, image.page)
        metadata = _metadata(image)
        data, axes, metadata = pixels.applied(data, axes, metadata)
        return data, axes, metadata, _recorded(path, image, pixels, data, axes)


def open_planes(
    path: Path, series: int | None = None
) -> tuple[Any, str, Metadata, ReadingRecord] | None:
    """Open an image at full resolution as a Zarr store, without reading its pixels.

    Returns None where samples would have to be rearranged or changed; `read` does that. Parameters
    as in `read`.
    """
    with open_tiff(path, series) as image:
        _refuse(path, image)
        pixels, stored, page = TiffPixels.of(image), image.series.axes, image.page
        apart = "S" in stored and not (
            stored.endswith("S") and _holds_colour(image.series.shape[-1], page)
        )
        if apart or pixels.change:
            return None
        axes, metadata = named_axes(stored), _metadata(image)
        store = image.series.aszarr(level=0)
        about = _Described(image.series.shape, image.series.dtype)
        return store, axes, metadata, _recorded(path, image, pixels, about, axes)


@dataclass(frozen=True)
class _Described:
    """Shape and dtype of an array that is not read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def _recorded(
    path: Path, image: TiffImage, pixels: TiffPixels, data: Any, axes: str
) -> ReadingRecord:
    """The reading record of an image, with what was done to its pixels."""
    stored = image.series.axes
    notes = [Note(kind, str(path), words) for kind, words in pixels.change]
    names = named_axes(stored)
    for letter, name in zip(stored, names, strict=True):
        if letter != name and name not in "S":
            what = "pages have no names" if letter in "IQ" else f"axis {letter} is not known"
            text = f"its {what}; taken for {describe_planes(name)} ({name}); --axes says otherwise"
            notes.append(Note(NoteKind.ASSUMED, str(path), text))
    page = image.page
    samples = page.samplesperpixel
    if page.photometric == PHOTOMETRIC.RGB and samples > 3 and not axes.endswith("S"):
        unsaid = samples - 3 - sum(sample in _ALPHA for sample in page.extrasamples)
        text = (
            f"{unsaid} of its {samples} samples are not said to be transparency; all are "
            "restored as channels"
        )
        notes.append(Note(NoteKind.ASSUMED, str(path), text))
    read = {
        **image.record.read,
        "axes": axes,
        "shape": list(data.shape),
        "dtype": str(np.dtype(data.dtype).newbyteorder("=")),
        "photometric": PHOTOMETRIC(page.photometric).name.lower(),
        "orientation": pixels.orientation,
    }
    return replace(image.record, read=read).with_notes(*notes)


def _refuse(path: Path, image: TiffImage) -> None:
    """Refuse colours that are not read, and more axes than there are letters for."""
    page, axes = image.page, image.series.axes
    check_segments(path, image.series.pages)
    if page.photometric not in _PHOTOMETRIC and page.compression != COMPRESSION.JPEG:
        name = PHOTOMETRIC(page.photometric).name
        raise FileError(f"{path}: its colours are stored as {name}; convert it to RGB")
    try:
        named_axes(axes)
    except UserError:
        raise FileError(
            f"{path}: its {len(axes)} axes ({axes}) can't be told apart; give a part with at most 5"
        ) from None


def _metadata(image: TiffImage) -> Metadata:
    """The metadata of an image."""
    file, page = image.file, image.page
    tiff: dict[str, Any] = {}
    if image.series.kind == "imagej":
        tiff = {"imagej": True, "metadata": _imagej_entries(image)}
    elif image.series.kind in ("ome", "mmstack") and file.ome_metadata:
        tiff = {"ome": True, "metadata": _ome_entries(file.ome_metadata, image)}
    elif page.description and page.description != page.shaped_description and not file.is_ome:
        tiff = {"description": page.description}
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        tiff["photometric"] = "miniswhite"
    elif page.photometric == PHOTOMETRIC.PALETTE and page.colormap is not None and file.is_imagej:
        tiff |= {"photometric": "palette", "colormap": page.colormap}
    elif page.photometric == PHOTOMETRIC.RGB and page.samplesperpixel > 3:
        extra = [EXTRASAMPLE(sample).name.lower() for sample in page.extrasamples]
        tiff["extrasamples"] = extra or ["unspecified"] * (page.samplesperpixel - 3)
    elif page.samplesperpixel == 2 and page.extrasamples:
        tiff["extrasamples"] = [EXTRASAMPLE(page.extrasamples[0]).name.lower()]
    resolution = page.resolution
    known = "XResolution" in page.tags and "YResolution" in page.tags and min(resolution) > 0
    xmp = page.tags.get(XMP)
    return Metadata(
        resolution=resolution if known else None,
        resolution_unit=RESUNIT(page.resolutionunit),
        icc_profile=page.iccprofile,
        tiff={**tiff, **_storage(image)},
        # The description is in `tiff`, or it is one of the flavours' own.
        tags=Tags.from_tiff(file, page).without(DESCRIPTION),
        xmp=upright_xmp(bytes(xmp.value)) if xmp and isinstance(xmp.value, bytes) else None,
        left_out=_tags_of_further_pages(image),
    )


def _storage(image: TiffImage) -> dict[str, Any]:
    """How a TIFF is compressed and laid out, as arguments of `tifffile.imwrite`."""
    file, page = image.file, image.page
    stored: dict[str, Any] = {}
    if page.compression != COMPRESSION.NONE:
        name = COMPRESSION(page.compression).name.lower()
        stored["compression"] = _SAME_COMPRESSION.get(name, name)
        if page.predictor > 1:
            stored["predictor"] = True
    if not file.is_imagej:  # it has an order and a layout of its own
        stored["byteorder"] = file.byteorder
        if file.is_bigtiff:
            stored["bigtiff"] = True
        if page.is_tiled and page.tiledepth == 1:
            stored["tile"] = (page.tilelength, page.tilewidth)
    return stored


def _tags_of_further_pages(image: TiffImage) -> tuple[str, ...]:
    """The names of tags by which the second page differs from the first, which alone is kept."""
    pages = [page for page in image.series.pages[:2] if page is not None]
    if len(pages) < 2:
        return ()
    try:
        second = Tags.from_tiff(image.file, pages[1].aspage())
    except Exception:  # damaged tags are no reason not to read the pixels
        return ()
    first = set(Tags.from_tiff(image.file, image.page).picture)
    names = (tag.name for tag in second.picture if tag not in first and tag.code != DESCRIPTION)
    return tuple(f"{name} of the further pages" for name in names)


_DEFLATE = "adobe_deflate"

_LOSSLESS = (
    *("lzw", _DEFLATE, "deflate", "packbits", "zstd", "lzma"),
    *("png", "jpeg2000", "jpegxl", "lerc", "webp"),
)
"""Compressions that can give back what was written."""

_SAME_COMPRESSION = {
    "zstd_deprecated": "zstd",
    "jpegxl_dng": "jpegxl",
    **dict.fromkeys(("aperio_jp2000_ycbc", "aperio_jp2000_rgb", "jpeg_2000_lossy"), "jpeg2000"),
}
"""Compressions by the names that tifffile has for other numbers of them."""


def compression_for(
    metadata: Metadata, dtype: np.dtype[Any], samples: int = 1
) -> tuple[dict[str, Any], str]:
    """How a TIFF is compressed without loss, in the way of its source if that is possible.

    Parameters
    ----------
    metadata
        The source's metadata.
    dtype, samples
        The dtype and the samples per pixel of the result.

    Returns
    -------
    options
        Arguments of `tifffile.imwrite`.
    note
        Why it is another compression than the source's; empty if it is the same.

    Examples
    --------
    >>> compression_for(Metadata(tiff={"compression": "lzw"}), np.dtype("uint8"))
    ({'compression': 'lzw'}, '')
    >>> compression_for(Metadata(tiff={"compression": "jpeg"}), np.dtype("uint8"))[1]
    'its compression, JPEG, would change the result; it is compressed with deflate'
    """
    name = metadata.tiff.get("compression")
    if name is None:
        return {}, ""
    options: dict[str, Any] = {"compression": name}
    if metadata.tiff.get("predictor"):
        options["predictor"] = True
    if name in _LOSSLESS:
        if name == "webp":
            options["compressionargs"] = {"lossless": True}
        if _gives_back(options, dtype, samples):
            return options, ""
        why = f"can't hold {dtype}"
    else:
        why = "would change the result"
    shown = name.upper().replace("_", " ")
    note = f"its compression, {shown}, {why}; it is compressed with deflate"
    return {"compression": _DEFLATE}, note


def _gives_back(options: dict[str, Any], dtype: np.dtype[Any], samples: int) -> bool:
    """Whether a small picture comes back as it was written."""
    shape = (16, 16) if samples == 1 else (16, 16, samples)
    values = np.arange(math.prod(shape)).reshape(shape).astype(dtype)
    buffer = BytesIO()
    try:
        tifffile.imwrite(
            buffer, values, photometric="rgb" if samples > 2 else "minisblack", **options
        )
        return bool(np.array_equal(tifffile.imread(BytesIO(buffer.getvalue())), values))
    except Exception:  # encoders raise errors of every kind for what they can't hold
        return False


def stored_letters(axes: str, metadata: Metadata, name: str = "") -> str:
    """The letters that axes have in a TIFF of this flavour and name.

    ImageJ knows T, Z and C, OME these and some others, and a plain TIFF holds all.

    Examples
    --------
    >>> stored_letters("RYX", Metadata()), stored_letters("RYX", Metadata(tiff={"imagej": True}))
    ('RYX', 'TYX')
    """
    is_ome = metadata.tiff.get("ome") or name.lower().endswith((".ome.tif", ".ome.tiff"))
    if not (is_ome or metadata.tiff.get("imagej")):
        return axes
    known = KNOWN_LETTERS + _OME_MODULO * bool(is_ome)
    free = [a for a in "TZC" if a not in axes and not (a == "C" and "S" in axes)]
    others = [a for a in axes if a not in known]
    names = dict(zip(others, free, strict=False))
    return "".join(names.get(a, a) for a in axes)


_OME_MODULO = "APRHE"
"""Letters of axes that OME describes as parts of T, Z or C."""


def write(path: Path, data: NDArray[Any], axes: str, metadata: Metadata) -> None:
    """Write an array as a TIFF of the flavour that `metadata` names."""
    options: dict[str, Any] = {"photometric": "minisblack", **metadata.tiff}
    for name in ("compression", "predictor"):
        options.pop(name, None)
    options |= compression_for(metadata, data.dtype, data.shape[-1] if axes.endswith("S") else 1)[0]
    if metadata.tiff.get("imagej"):
        for name in ("byteorder", "bigtiff", "tile"):
            options.pop(name, None)
    axes = stored_letters(axes, metadata)
    options["metadata"] = {**options.get("metadata", {}), "axes": axes}
    extra = options.pop("extrasamples", None)
    if axes.endswith("S"):
        samples = data.shape[-1]
        grey = "miniswhite" if options["photometric"] == "miniswhite" else "minisblack"
        options["photometric"] = "rgb" if samples > 2 else grey
        options["planarconfig"] = "contig"
        options["extrasamples"] = (extra or ["unassalpha"]) if samples in (2, 4) else None
    elif extra and axes == "CYX" and data.shape[0] == 3 + len(extra):
        # Red, green, blue and further samples that are no transparency, as in the source.
        options |= {"photometric": "rgb", "planarconfig": "contig", "extrasamples": extra}
        options["metadata"]["axes"], data = "YXS", np.moveaxis(data, 0, -1)
    if options["photometric"] == "miniswhite":
        data = inverted(data, axes, 8 * data.dtype.itemsize)
    if metadata.resolution is not None:
        options |= {"resolution": metadata.resolution, "resolutionunit": metadata.resolution_unit}
    tags = metadata.described
    description = tags.find(DESCRIPTION)
    if description is not None and not {"imagej", "ome"} & set(metadata.tiff):
        options["description"] = description.data.rstrip(b"\0")
    options["extratags"] = tags.without(DESCRIPTION).extratags()
    if metadata.xmp is not None:
        options["extratags"].append((XMP, 1, len(metadata.xmp), metadata.xmp, True))
    if tags.find(SOFTWARE) is not None:
        options["software"] = False  # else tifffile names itself
    tifffile.imwrite(path, data, iccprofile=metadata.icc_profile, **options)
    tags.append_directories(path)


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
    return data, named_axes(axes)


def _holds_colour(samples: int, page: tifffile.TiffPage) -> bool:
    """Whether samples are grey with alpha or RGB(A), rather than channels of their own."""
    is_grey = page.photometric in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE)
    has_alpha = bool(page.extrasamples) and page.extrasamples[-1] in _ALPHA
    return (samples == 2 and is_grey and has_alpha) or (
        not is_grey and (samples == 3 or (samples == 4 and has_alpha))
    )


def _imagej_entries(image: TiffImage) -> dict[str, Any]:
    # tifffile writes the counts of planes itself.
    counts = ["ImageJ", "images", "channels", "slices", "frames"]
    if image.record.notes:  # planes are missing or further ones there: labels would be the others'
        counts.append("Labels")
    entries = image.file.imagej_metadata or {}
    return {key: v for key, v in entries.items() if key not in counts}


def _ome_entries(xml: str, image: TiffImage) -> dict[str, Any]:
    element = _ome_image(xml, image)
    pixels = None if element is None else element.find("{*}Pixels")
    if element is None or pixels is None:
        raise ValueError("its OME-XML describes no image")
    entries: dict[str, Any] = {key: pixels.get(key) for key in _OME_PIXELS if key in pixels.attrib}
    channels = [dict(channel.attrib) for channel in pixels.findall("{*}Channel")]
    kept = image.kept.get("C", range(len(channels)))
    entries["Channel"] = [channels[i] for i in kept if i < len(channels)]
    if "Name" in element.attrib:
        entries["Name"] = element.attrib["Name"]
    for name in ("AcquisitionDate", "Description"):
        if text := element.findtext(f"{{*}}{name}"):
            entries[name] = text
    return entries


def _ome_image(xml: str, image: TiffImage) -> ElementTree.Element | None:
    """The OME-XML's description of an image, found by its name or else by its number."""
    elements = ElementTree.fromstring(xml).findall("{*}Image")
    named = [one for one in elements if one.get("Name", "") == image.series.name]
    if len(named) == 1:
        return named[0]
    return elements[image.place] if image.place < len(elements) else None
