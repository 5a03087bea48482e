"""`restore`: arrays in, arrays out. The one entry that API, command line and docks share.

`prepare` checks everything and costs nothing but the checks; the `Job` that it returns knows its
settings and its memory before it starts, and runs as a generator. `restore` runs it to the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.encoding import encode, guide_tensor, mask_tensor, psf_tensor
from napari_dip.data.value_range import IntensityRange, nominal_range
from napari_dip.errors import UserError
from napari_dip.restoration.job import Job
from napari_dip.restoration.result import Restoration, Update
from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement

Array = NDArray[Any]


def prepare(
    image: Array,
    task: Task,
    *,
    axes: str | None = None,
    mask: Array | None = None,
    guide: Array | None = None,
    psf: Array | None = None,
    reference: Array | None = None,
    data_range: float | None = None,
    device: str = "auto",
    seed: int = 0,
    intensity_range: IntensityRange | None = None,
    guide_axes: str | None = None,
    guide_intensity_range: IntensityRange | None = None,
) -> Job:
    """Check a restoration's arguments and decide its settings, without starting it.

    Its parameters, and what it raises, are those of `restore`; `intensity_range` is that of the
    picture which `image` is a part of, `guide_intensity_range` that of its guide, with axes of
    `guide_axes`.
    """
    from napari_dip.engine.device import resolve_device
    from napari_dip.engine.memory import check_memory

    if not isinstance(task, Task):
        raise UserError(f"task: {task!r} is none; give one with its settings, such as Denoise()")
    image = np.asarray(image)
    y, observed, encoding = encode(image, axes, intensity_range)
    given = {"mask": mask, "guide": guide, "psf": psf}
    for name in ("mask", "guide", "psf"):
        if name in task.needs and given[name] is None:
            raise UserError(f"{name}: {task.name} needs one")
        if name not in task.accepts and given[name] is not None:
            raise UserError(f"{name}: {task.name} takes none; leave it out")
    if mask is not None:
        observed = observed & ~mask_tensor(np.asarray(mask), encoding)
    if not observed.any():
        raise UserError("mask: it covers the whole image; leave some pixels to learn from")
    nominal = (
        intensity_range.nominal(image.dtype)
        if intensity_range
        else nominal_range(image.dtype, image)
    )
    data_range = float(nominal[1] - nominal[0] if data_range is None else data_range)
    if not (math.isfinite(data_range) and data_range > 0):
        raise UserError(f"data_range: {data_range:g} must be a finite number above 0")
    if task.name == "inpaint" and bool(observed.all()):
        raise UserError("mask: nothing is marked as missing; mark the pixels to fill")
    measurement = Measurement(
        y=y[None],
        observed=observed[None],
        data_range_per_unit=encoding.span / data_range,
        guide=None
        if guide is None
        else guide_tensor(np.asarray(guide), encoding, guide_axes, guide_intensity_range),
        psf=None if psf is None else psf_tensor(np.asarray(psf), encoding, tuple(y.shape[1:])),
        black=tuple(encoding.low.tolist()),
        white=tuple(encoding.high.tolist()),
    )
    measurement = task.prepare_measurement(measurement)
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise UserError(f"seed: {seed!r} must be a whole number from 0 on")
    job = Job(
        image=image,
        task=task.resolve(measurement),
        measurement=measurement,
        encoding=encoding,
        reference=None,
        data_range=data_range,
        device=resolve_device(device),
        seed=int(seed),
    )
    if reference is not None:
        job = replace(job, reference=_reference(np.asarray(reference), job))
    check_memory(job.memory_needed, job.device)
    return job


def restore(
    image: Array,
    task: Task,
    *,
    axes: str | None = None,
    mask: Array | None = None,
    guide: Array | None = None,
    psf: Array | None = None,
    reference: Array | None = None,
    data_range: float | None = None,
    device: str = "auto",
    seed: int = 0,
    on_progress: Callable[[Update], object] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Restoration:
    """Restore one image with a Deep Image Prior.

    Parameters
    ----------
    image
        Integers or floats of any range; NaN marks missing pixels. At least 16 pixels in y and x.
    task
        What to do, with its settings: `Denoise()`, `Inpaint()`, `Upscale(factor=2)`, ...
    axes
        One letter for each axis of `image`: Y, X, Z (fitted with 3-D convolutions), C (channels
        with value ranges of their own) or S (samples of a colour). Guessed for YX, YXS and ZYX.
    mask
        Non-zero where pixels are missing; the image's shape, with or without its channel axis.
    guide
        For flash / no-flash: the flash picture, of the image's size.
    psf
        For deblurring: the point spread function, one axis for each axis of space.
    reference
        The truth, if it is known: PSNR and SSIM are reported.
    data_range
        The distance from black to white for PSNR and `sigma`: by default the dtype's (255, 65535),
        1 for floats within [0, 1], else the span of the data.
    device
        "auto", "cpu", "cuda", "cuda:1" or "mps".
    seed
        The same seed on the same device gives the same image.
    on_progress
        Called with an `Update` now and then, and at the end.
    should_stop
        Asked before each iteration; true ends the fit with what there is.

    Returns
    -------
    Restoration
        The image, and how it came about.

    Raises
    ------
    UserError
        When something that was given can't be used; the message says what to do instead.
    OutOfMemory
        When the fit does not fit.
    """
    job = prepare(
        image,
        task,
        axes=axes,
        mask=mask,
        guide=guide,
        psf=psf,
        reference=reference,
        data_range=data_range,
        device=device,
        seed=seed,
    )
    return job.result(should_stop, on_progress or (lambda update: None))


def _reference(reference: Array, job: Job) -> Array:
    if reference.shape != job.result_shape:
        raise UserError(
            f"reference: its shape {reference.shape} is not the result's {job.result_shape}; "
            "crop it, or save both with the same channels"
        )
    if reference.dtype.kind not in "biuf":
        raise UserError(
            f"reference: {reference.dtype} values can't be compared; convert to real numbers"
        )
    return reference
