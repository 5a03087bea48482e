"""Write the pictures of a study: a TIFF stack with a name for each slice, or one figure."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.value_range import nominal_range
from napari_dip.files.atomic import FileError, check_destination, replacing
from napari_dip.files.figures import curves, side_by_side
from napari_dip.files.image_file import ImageFile, write_image
from napari_dip.files.metadata import Metadata
from napari_dip.studies.study import StudyPicture, StudyResult

_TIFF, _FIGURE = (".tif", ".tiff"), (".png",)
"""Suffixes of stacks and of figures."""

_IMAGEJ_TYPES = ("uint8", "uint16", "float32")
"""Dtypes of ImageJ's TIFF; stacks of other dtypes become OME-TIFF."""

_COLUMNS = 4
"""Columns of a figure with many pictures."""


def check_study_destination(path: Path, *, like: ImageFile | None, overwrite: bool) -> None:
    """Refuse a destination that would fail, before anything is fitted.

    Raises
    ------
    FileError
        When the suffix is neither that of a TIFF nor PNG, when a figure can't show such pictures,
        or when no file can be written there.
    """
    if path.suffix.lower() not in (*_TIFF, *_FIGURE):
        raise FileError(f"{path}: write a .tif (a stack of all pictures) or a .png (one figure)")
    if path.suffix.lower() in _FIGURE and like is not None and like.axes not in ("YX", "YXS"):
        raise FileError(
            f"{path}: a figure shows grey or RGB pictures, not axes {like.axes}; write a .tif"
        )
    check_destination(path, overwrite=overwrite)


def write_study(
    path: Path, result: StudyResult, *, like: ImageFile | None = None, overwrite: bool = False
) -> None:
    """Write all pictures of a study, by the suffix of `path`.

    Parameters
    ----------
    path
        A TIFF gets a stack with a label for each slice (ImageJ's labels; in an OME-TIFF the names
        of channels). A PNG gets one figure with a caption for each picture.
    result
        The result of the study.
    like
        The file that the pictures were made from, which gives axes and resolution. Without it the
        pictures are (y, x) or (y, x, 3).
    overwrite
        Replace an existing file.

    Raises
    ------
    FileError
        When the file can't be written; then there is no new file.
    """
    if path.suffix.lower() in _FIGURE:
        check_study_destination(path, like=like, overwrite=overwrite)
        with replacing(path) as temporary:
            side_by_side(_panels(result.pictures), temporary, columns=_columns(result))
        return
    data = result.stack()
    axes = like.axes if like is not None else "YXS"[: data.ndim - 1]
    metadata = like.metadata if like is not None else Metadata()
    scale = 1.0
    if like is not None:
        x = like.axes.index("X")
        scale = like.data.shape[x] / result.pictures[0].image.shape[x]
    captions = [picture.caption for picture in result.pictures]
    axes, tiff = _labelled(path, data, axes, captions)
    template = ImageFile(data, axes, path, replace(metadata.scaled(scale), tiff=tiff))
    write_image(path, data, like=template, overwrite=overwrite)


def write_report(path: Path, result: StudyResult) -> None:
    """Write the report of a study as JSON."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(result.report(), indent=2, allow_nan=False) + "\n")


def write_curves(image: Path, table: Path, result: StudyResult) -> None:
    """Write the loss curves as a figure (PNG) and as a table (CSV), a column for each picture."""
    lines = {picture.name: picture.curve for picture in result.pictures if picture.curve}
    with replacing(image) as temporary:
        curves(lines, temporary)
    points = {name: dict(points) for name, points in lines.items()}
    with replacing(table) as temporary, temporary.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["iteration", *points])
        for iteration in sorted({i for known in points.values() for i in known}):
            rows.writerow([iteration, *(known.get(iteration, "") for known in points.values())])


def _labelled(
    path: Path, data: NDArray[Any], axes: str, captions: list[str]
) -> tuple[str, dict[str, Any]]:
    """The axes of the stack, and the arguments with which tifffile names its slices."""
    is_ome = path.name.lower().endswith((".ome.tif", ".ome.tiff"))
    is_colour = axes.endswith("S")
    fits = data.dtype.name in _IMAGEJ_TYPES and (not is_colour or data.dtype == np.uint8)
    if fits and not is_ome and not set(axes) & set("TC"):
        named = ("T" if "Z" in axes else "Z") + axes
        planes = data.shape[1] if "Z" in axes else 1
        labels = [caption for caption in captions for _ in range(planes)]
        return named, {"imagej": True, "metadata": {"Labels": labels}}
    free = next(letter for letter in "CTZ" if letter not in axes)
    entries: dict[str, Any] = {"Description": "; ".join(captions)}
    if free == "C":
        entries["Channel"] = {"Name": captions}
    return free + axes, {"ome": True, "metadata": entries}


def _panels(pictures: tuple[StudyPicture, ...]) -> dict[str, NDArray[Any]]:
    """The pictures by caption, scaled together from 0 to 1."""
    stack = np.stack([picture.image for picture in pictures])
    low, high = nominal_range(stack.dtype, stack)
    if stack.dtype.kind in "ui" and stack.dtype != np.uint8:
        low, high = float(stack.min()), float(stack.max())
    scaled = np.clip((stack.astype(np.float64) - low) / max(high - low, 1e-12), 0, 1)
    if (
        scaled.shape[-1] not in (3, 4) or scaled.ndim < 4
    ):  # grey, as colours: nothing rescales those
        scaled = np.repeat(scaled[..., None], 3, axis=-1)
    return {p.caption: image for p, image in zip(pictures, scaled, strict=True)}


def _columns(result: StudyResult) -> int:
    count = len(result.pictures)
    return count if count <= _COLUMNS + 1 else _COLUMNS
