"""`restore_file`: an image file in, a restored image file and a report out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_dip.data.axes import CHANNELS, plan_axes
from napari_dip.data.reading import check_strict
from napari_dip.files.atomic import check_destination, replacing
from napari_dip.files.image_file import TIFF_SUFFIXES, check_writable, read_image, write_image
from napari_dip.files.inputs import InputFiles
from napari_dip.files.losses import notes_on_losses
from napari_dip.files.metadata import axes_of_tiff
from napari_dip.files.targets import check_targets
from napari_dip.restoration.frames import frame_plan, restore_frames
from napari_dip.restoration.job import Job
from napari_dip.restoration.restore import prepare
from napari_dip.restoration.result import Restoration
from napari_dip.tasks.base import Task


def restore_file(
    source: Path,
    output: Path,
    task: Task,
    *,
    inputs: InputFiles = InputFiles(),
    parts: bool = False,
    series: int | None = None,
    reference: Path | None = None,
    report: Path | None = None,
    axes: str | None = None,
    data_range: float | None = None,
    seed: int = 0,
    device: str = "auto",
    strict: bool = False,
    overwrite: bool = False,
    run: Callable[[Job], Restoration] = Job.result,
    on_start: Callable[[str], object] = lambda words: None,
) -> Restoration:
    """Restore an image file. All that can be checked is checked before the fit.

    Parameters
    ----------
    source, output
        The image, and the file of the result.
    task
        The task with its settings.
    inputs
        The files of mask, guide and PSF.
    parts
        Write the task's other images too: OUT_coarse.tif, OUT_detail.tif.
    series
        Which of several images in the file, from 1 on; the first, with a note, if not given.
    reference
        The file of the true image, for PSNR and SSIM.
    report
        The JSON file for `Restoration.report`.
    axes
        A letter for each axis, if the file does not tell or tells wrong.
    data_range, seed, device, strict
        As in `restore`.
    overwrite
        Replace files that exist.
    run
        Runs the job to its end and returns its result, for example with a progress bar; of an image
        that is gone through one by one, the job of each.
    on_start
        Called once, before that, with how the axes are fitted, in words.

    Raises
    ------
    UserError
        When something can't be used; then nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np, tifffile
    >>> from napari_dip import Denoise
    >>> from napari_dip.restoration.files import restore_file
    >>> folder = Path(tempfile.mkdtemp())
    >>> image = np.random.default_rng(0).integers(0, 255, (24, 32), dtype=np.uint8)
    >>> tifffile.imwrite(folder / "in.tif", image)
    >>> task = Denoise(iterations=2, filters=(4,))
    >>> result = restore_file(folder / "in.tif", folder / "out.tif", task, device="cpu")
    >>> bool((tifffile.imread(folder / "out.tif") == result.image).all())
    True
    """
    further = (*(task.parts if parts else ()), *(("uncertainty",) if task.uncertainty else ()))
    paths = {output: "image"}
    paths |= {output.with_name(f"{output.stem}_{name}.tif"): name for name in further}
    targets = [("output", output), *(("parts", path) for path in list(paths)[1:])]
    targets += [] if report is None else [("report", report)]
    read_from = [("image", source), *inputs.paths.items()]
    read_from += [] if reference is None else [("reference", reference)]
    check_targets(targets, read_from)
    image = read_image(source, series=series)
    check_writable(output, like=image, overwrite=overwrite)
    for path in list(paths)[1:]:
        check_writable(path, overwrite=overwrite)
    if report is not None:
        check_destination(report, overwrite=overwrite)
    read = inputs.read_all()
    true_image = None if reference is None else read_image(reference)
    readings = (image.record, *(given.record for given in read.values()))
    if true_image is not None:
        readings += (true_image.record,)
    notes = [note for record in readings for note in record.notes]
    notes += inputs.psf_notes(axes_of_tiff(image.axes, image.metadata))
    arrays: dict[str, Any] = {name: given.values for name, given in read.items()}
    guide = read.get("guide")
    if guide is not None and guide.values.shape != image.data.shape:
        arrays["guide_axes"] = guide.axes if set(guide.axes or "") & set(CHANNELS) else None
    letters = (axes or image.axes).upper()
    plan = frame_plan(letters, image.data.shape)
    started: list[Job] = []

    def start(job: Job) -> Restoration:
        if not started:
            losses = notes_on_losses(
                image.metadata,
                output,
                dtype=job.encoding.dtype,
                axes=image.axes,
                samples=image.data.shape[-1] if image.axes.endswith("S") else 1,
            )
            check_strict(losses, strict=strict)
            job = replace(job, notes=(*job.notes, *losses))
            axis_plan = plan or plan_axes(letters, image.data.shape)
            on_start(axis_plan.words(image.data.shape))
        started.append(job)
        return run(job)

    task = task.with_anisotropy(axes_of_tiff(image.axes, image.metadata))
    arrays |= {
        "reference": None if true_image is None else true_image.data,
        "data_range": data_range,
        "seed": seed,
        "device": device,
        # A PNG and a JPEG hold whole numbers.
        "dtype": None if output.suffix.lower() in TIFF_SUFFIXES else image.data.dtype,
        "notes": notes,
        "strict": strict,
    }
    if plan is None:
        result = start(prepare(image.data, task, axes=letters, **arrays))
    else:
        result = restore_frames(image.data, task, plan, prepare, run=start, **arrays)
    result = replace(result, readings=readings)
    x = image.axes.index("X")
    scale = image.data.shape[x] / result.image.shape[x]
    for path, name in paths.items():
        if name in result.images:  # not if it ended before there were two runs to compare
            images = result.images[name]
            write_image(path, images, like=image, pixel_scale=scale, overwrite=overwrite)
    if report is not None:
        with replacing(report) as temporary:
            temporary.write_text(json.dumps(result.report(), indent=2, allow_nan=False) + "\n")
    return result
