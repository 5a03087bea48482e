"""`restore_file`: pictures in, a picture and a report out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.cli.progress import run_job
from napari_dip.data.axes import Axes
from napari_dip.errors import UserError
from napari_dip.files.atomic import check_destination, replacing
from napari_dip.files.image_file import ImageFile, check_writable, read_image, write_image
from napari_dip.files.metadata import axes_of_tiff
from napari_dip.restoration.job import Job
from napari_dip.restoration.restore import prepare
from napari_dip.restoration.result import Restoration
from napari_dip.tasks.base import InputName, Task


def restore_file(
    source: Path,
    output: Path,
    task: Task,
    *,
    sides: Mapping[InputName, Path],
    mask_keeps: bool = False,
    parts: bool = False,
    reference: Path | None = None,
    report: Path | None = None,
    axes: str | None = None,
    data_range: float | None = None,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
    run: Callable[[Job], Restoration] = run_job,
) -> Restoration:
    """Restore an image file; what can be checked is checked before the fit.

    Parameters
    ----------
    source, output
        What to restore, and where the result goes.
    task
        What to do, with its settings.
    sides
        The files of mask, guide and PSF.
    mask_keeps
        The mask marks what is known, not what is missing.
    parts
        Write the task's other images too: OUT_coarse.tif, OUT_detail.tif.
    reference
        The file of the truth.
    report
        Where `Restoration.report` goes, as JSON.
    axes, data_range, seed, device
        As in `restore`; the axes are the file's if not given.
    overwrite
        Replace files that exist.
    run
        Takes the job to its end: by default with a progress bar, and Ctrl-C ends the fit early,
        so that what there is is written.

    Raises
    ------
    UserError
        When something can't be used; then nothing is written.
    """
    image = read_image(source)
    further = (*(task.parts if parts else ()), *(("uncertainty",) if task.uncertainty else ()))
    beside = {name: output.with_name(f"{output.stem}_{name}.tif") for name in further}
    check_writable(output, like=image, overwrite=overwrite)
    for path in beside.values():
        check_writable(path, overwrite=overwrite)
    if report is not None:
        check_destination(report, overwrite=overwrite)
        if report.resolve() in (path.resolve() for path in (output, *beside.values())):
            raise UserError(f"report: {report} is the result's own name; choose another")
    read = {side: read_image(path) for side, path in sides.items()}
    given: dict[str, Any] = {side: READERS[side](file) for side, file in read.items()}
    if mask_keeps:
        if "mask" not in given:
            raise UserError("mask_keeps: there is no mask that it could invert; give --mask too")
        given["mask"] = given["mask"] == 0
    job = prepare(
        image.data,
        with_anisotropy(task, axes_of_tiff(image.axes, image.metadata)),
        axes=axes or image.axes,
        reference=None if reference is None else read_image(reference).data,
        data_range=data_range,
        seed=seed,
        device=device,
        **given,
    )
    result = run(job)
    x = image.axes.index("X")
    scale = image.data.shape[x] / result.image.shape[x]
    for path, name in {output: "image", **{path: name for name, path in beside.items()}}.items():
        if name not in result.images:
            continue  # ended before there were two runs to compare
        write_image(path, result.images[name], like=image, pixel_scale=scale, overwrite=overwrite)
    if report is not None:
        with replacing(report) as temporary:
            temporary.write_text(json.dumps(result.report(), indent=2, allow_nan=False) + "\n")
    return result


def with_anisotropy(task: Task, axes: Axes) -> Task:
    """A task that knows how far apart slices are, where the file tells and the user does not."""
    ratio = axes.anisotropy()
    known = task.anisotropy is not None or ratio == 1
    return task if known else task.replace(anisotropy=min(max(ratio, 0.01), 100.0))


def _mask(file: ImageFile) -> NDArray[Any]:
    """Not zero where something is marked: in a picture in colour, where any of its colours is."""
    colours, is_colour = _without_alpha(file)
    return np.asarray(colours.any(axis=-1)) if is_colour else colours


def _psf(file: ImageFile) -> NDArray[Any]:
    """A PSF has no colour; one saved as a picture in colour is taken as grey."""
    colours, is_colour = _without_alpha(file)
    return colours.mean(axis=-1) if is_colour else colours


def _guide(file: ImageFile) -> NDArray[Any]:
    return file.data


def _without_alpha(file: ImageFile) -> tuple[NDArray[Any], bool]:
    """A file's samples without its transparency, and whether the last axis is their colour."""
    if not file.axes.endswith("S"):
        return file.data, False
    has_alpha = file.data.shape[-1] in (2, 4)
    return file.data[..., :-1] if has_alpha else file.data, True


READERS = {"mask": _mask, "guide": _guide, "psf": _psf}
"""What a task is given of a file, by what the file is for."""
