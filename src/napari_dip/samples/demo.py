"""`run_demo`: restore a sample picture and draw a figure of before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.metrics import psnr
from napari_dip.files.atomic import make_folder
from napari_dip.files.figures import side_by_side
from napari_dip.files.image_file import write_image
from napari_dip.restoration.job import Job
from napari_dip.restoration.restore import prepare
from napari_dip.restoration.result import Restoration
from napari_dip.samples.pictures import SAMPLES, Sample
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import task_from_dict

FIGURE_NAME = "before-after.png"
"""The figure's file name."""


@dataclass(frozen=True)
class Demo:
    """A demo that has run.

    Attributes
    ----------
    sample
        The sample picture.
    task
        The task, with the settings that were asked for.
    result
        The restoration.
    psnr
        PSNR before and after in dB; None if the sample has no reference.
    folder, files
        The folder of the images, and their file names.
    """

    sample: Sample
    task: Task
    result: Restoration
    psnr: tuple[float, float] | None
    folder: Path
    files: tuple[str, ...]


def run_demo(
    task: str,
    folder: Path,
    *,
    preset: str = "fast",
    seed: int = 0,
    device: str = "auto",
    settings: dict[str, Any] | None = None,
    run: Callable[[Job], Restoration] = Job.result,
) -> Demo:
    """Degrade a sample picture, restore it, and write the images and a figure.

    Parameters
    ----------
    task
        The name of a task.
    folder
        The folder to write to. If it has files already, a new folder with a number is made.
    preset, seed, device
        As in `restore`.
    settings
        Further settings of the task.
    run
        Runs the job, for instance with a progress bar.

    Raises
    ------
    UserError
        When there is no such task or preset, or the folder can't be made.
    """
    chosen = task_from_dict({"task": task, "preset": preset})
    sample = SAMPLES[task]()
    chosen = chosen.replace(**{**sample.settings, **(settings or {})})
    job = prepare(
        sample.image,
        chosen,
        mask=sample.mask,
        guide=sample.guide,
        psf=sample.psf,
        reference=sample.reference,
        seed=seed,
        device=device,
    )
    folder = _fresh(folder)
    result = run(job)
    before = _enlarged(sample.image, result.image.shape)
    scores = None
    if sample.reference is not None:
        scores = psnr(before, sample.reference, 255), psnr(result.image, sample.reference, 255)
    pictures = {
        "given.png": sample.image,
        "restored.png": result.image,
        "original.png": sample.reference,
        "mask.png": sample.mask,
        "guide.png": sample.guide,
        "psf.tif": sample.psf,
    }
    given = {name: picture for name, picture in pictures.items() if picture is not None}
    for name, picture in given.items():
        write_image(folder / name, picture)
    title = sample.title if before is sample.image else "Bicubic enlargement"
    panels = {
        _titled(title, scores, 0): before,
        "Photo with flash": sample.guide,
        _titled("Restored", scores, 1): result.image,
        "Original": sample.reference,
    }
    side_by_side(
        {t: image for t, image in panels.items() if image is not None}, folder / FIGURE_NAME
    )
    return Demo(sample, chosen, result, scores, folder, (FIGURE_NAME, *given))


def _titled(title: str, scores: tuple[float, float] | None, which: int) -> str:
    return title if scores is None else f"{title}, {scores[which]:.1f} dB"


def _enlarged(image: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The image at the size of a result, by bicubic interpolation, to compare the two."""
    from skimage.transform import resize

    if image.shape == shape:
        return image
    enlarged = resize(image, shape, order=3, mode="edge", preserve_range=True)
    return np.asarray(np.rint(enlarged).clip(0, 255), np.uint8)


def _fresh(folder: Path) -> Path:
    """Make an empty folder of this name, followed by the first free number if it is taken."""
    number, candidate = 1, folder
    while candidate.exists() and not (candidate.is_dir() and not any(candidate.iterdir())):
        number += 1
        candidate = folder.with_name(f"{folder.name}-{number}")
    make_folder(candidate)
    return candidate
