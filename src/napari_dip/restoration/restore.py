"""`restore` and `prepare`: arrays in, arrays out. API, command line and docks all end up here.

`prepare` checks all arguments. The `Job` that it returns knows its settings and its memory before
it starts, and runs as a generator. `restore` runs it to the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.encoding import Encoding, encode, guide_tensor, mask_tensor, psf_tensor
from napari_dip.data.masks import polarity_notes
from napari_dip.data.reading import Note, NoteKind, check_strict
from napari_dip.data.value_range import IntensityRange, nominal_range
from napari_dip.errors import UserError
from napari_dip.restoration.frames import frame_plan, restore_frames
from napari_dip.restoration.job import Job
from napari_dip.restoration.result import Restoration, Update
from napari_dip.tasks.base import InputName, Task
from napari_dip.tasks.measurement import Measurement

Array = NDArray[Any]


def prepare(
    image: Array,
    task: Task,
    *,
    axes: str | None = None,
    alpha: bool | None = None,
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
    dtype: np.dtype[Any] | None = None,
    notes: Sequence[Note] = (),
    strict: bool = False,
) -> Job:
    """Check the arguments of a restoration and decide its settings, without starting it.

    Parameters
    ----------
    image, task, axes, alpha, mask, guide, psf, reference, data_range, device, seed, strict
        As in `restore`, with the same errors.
    intensity_range, guide_intensity_range
        The range of the whole image and of the whole guide, where `image` is a tile of a larger
        image; measured if not given.
    guide_axes
        One letter for each axis of `guide`; guessed if not given.
    dtype
        The result's dtype, if it is decided; else the image's, or floating point where whole
        numbers would be too coarse.
    notes
        What was left out, changed or assumed when the arguments were read from files.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import Denoise, prepare
    >>> job = prepare(np.arange(256.0).reshape(16, 16), Denoise(iterations=2, filters=(4,)))
    >>> job.task.sigma, job.result_shape
    (0.0, (16, 16))
    >>> job.result().stop_reason
    'budget'
    """
    from napari_dip.engine.device import device_of_estimates, resolve_device
    from napari_dip.engine.memory import check_memory

    if not isinstance(task, Task):
        raise UserError(f"task: expected a task such as Denoise(), got {task!r}")
    place = resolve_device(device)
    noted = list(notes)
    image = np.asarray(image)
    y, observed, encoding = encode(image, axes, intensity_range, alpha=alpha)
    if axes is None and alpha is None and encoding.axes.endswith("C"):
        text = f"its last axis of {image.shape[-1]} is taken for channels"
        text = f"{text}; alpha=True makes the last of them transparency"
        noted.append(Note(NoteKind.ASSUMED, "image", text))
    _check_inputs(task, {"mask": mask, "guide": guide, "psf": psf})
    if mask is not None:
        missing, found = mask_tensor(np.asarray(mask), encoding)
        noted += found
        if intensity_range is None:  # not of a tile
            noted += polarity_notes(float(missing.float().mean()))
        observed = observed & ~missing
    if not observed.any():
        raise UserError("mask: it covers the whole image; leave some pixels to learn from")
    data_range = _data_range(data_range, image, intensity_range)
    if task.fills_missing and bool(observed.all()):
        raise UserError("mask: nothing is marked as missing; mark the pixels to fill")
    kernel = None
    if psf is not None:
        kernel, found = psf_tensor(np.asarray(psf), encoding, tuple(y.shape[1:]))
        noted += found
    measurement = Measurement(
        y=y[None],
        observed=observed[None],
        data_range_per_unit=encoding.span / data_range,
        guide=None
        if guide is None
        else guide_tensor(np.asarray(guide), encoding, guide_axes, guide_intensity_range),
        psf=kernel,
        black=tuple(encoding.black.tolist()),
        white=tuple(encoding.white.tolist()),
        device=device_of_estimates(place),
    )
    measurement = task.prepare_measurement(measurement)
    seed = check_seed(seed)
    resolved = task.resolve(measurement)
    encoding, found = _with_fractions(encoding, resolved, data_range, dtype)
    noted += found
    job = Job(
        image=image,
        task=resolved,
        measurement=measurement,
        encoding=encoding,
        reference=None,
        data_range=data_range,
        device=place,
        seed=seed,
        # What a note says already is no warning.
        warnings=resolved.warnings(task, measurement, np.dtype(float) if found else image.dtype),
        notes=tuple(noted),
    )
    check_strict(job.notes, strict=strict)
    if reference is not None:
        job = replace(job, reference=_checked_reference(np.asarray(reference), job))
    check_memory(job.memory_needed, job.device)
    return job


def restore(
    image: Array,
    task: Task,
    *,
    axes: str | None = None,
    alpha: bool | None = None,
    mask: Array | None = None,
    guide: Array | None = None,
    psf: Array | None = None,
    reference: Array | None = None,
    data_range: float | None = None,
    device: str = "auto",
    seed: int = 0,
    strict: bool = False,
    on_progress: Callable[[Update], object] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Restoration:
    """Restore one image with a Deep Image Prior.

    Parameters
    ----------
    image
        Integers or floats of any range; NaN marks missing pixels. At least 16 pixels in y and x.
    task
        The task with its settings: `Denoise()`, `Inpaint()`, `Upscale(factor=2)`, ...
    axes
        One letter for each axis of `image`: Y, X, Z (fitted with 3-D convolutions), C (channels
        with value ranges of their own) or S (samples of a colour). Axes of other letters, such as
        T or R, are gone through one by one. Guessed for YX and ZYX, and for a last axis of at most
        4: S, or C if it has a length of 2 or 4.
    alpha
        Whether the last of 2 or 4 samples is transparency, which is not restored. By default it is
        with `axes` that name S, and is not where axes are guessed.
    mask
        Non-zero where pixels are missing. It has the shape of the image, with or without the
        channel axis.
    guide
        For flash / no-flash: the image with flash, of the same size.
    psf
        For deblurring: the point spread function, with one axis for each axis of space.
    reference
        The true image, if it is known: PSNR and SSIM are reported.
    data_range
        The distance from black to white for PSNR and `sigma`. By default it is the range of the
        dtype (255, 65535), 1 for floats within [0, 1], and the span of the values otherwise.
    device
        "auto", "cpu", "cuda", "cuda:1" or "mps".
    seed
        The same seed on the same device gives the same image.
    strict
        Refuse what would else be changed or assumed with a note in `Restoration.notes`.
    on_progress
        Called with an `Update` from time to time, and at the end.
    should_stop
        Called before each iteration; when it returns True, the fit ends with the image so far.

    Returns
    -------
    Restoration
        The restored image, and how it was made.

    Raises
    ------
    UserError
        When an argument can't be used; the message says what to do instead.
    OutOfMemory
        When the fit needs more memory than there is.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import Denoise, restore
    >>> image = np.random.default_rng(0).normal(100, 10, (16, 16))
    >>> result = restore(image, Denoise(iterations=2, filters=(4,)))
    >>> result.image.shape, result.iterations, result.stop_reason
    ((16, 16), 2, 'budget')
    """

    def run(job: Job) -> Restoration:
        return job.result(should_stop, on_progress or (lambda update: None))

    options: dict[str, Any] = {
        "alpha": alpha,
        "mask": mask,
        "guide": guide,
        "psf": psf,
        "reference": reference,
        "data_range": data_range,
        "device": device,
        "seed": seed,
        "strict": strict,
    }
    if plan := frame_plan(axes, np.shape(image)):
        return restore_frames(image, task, plan, prepare, run=run, **options)
    return run(prepare(image, task, axes=axes, **options))


def _with_fractions(
    encoding: Encoding, task: Task, data_range: float, dtype: np.dtype[Any] | None
) -> tuple[Encoding, list[Note]]:
    """The encoding of a result of this dtype, or of one that rounding costs little; and a note."""
    noise = (task.sigma or 0.0) * data_range if task.removes_noise else 0.0
    given = encoding.dtype
    if dtype is not None and dtype.kind == "f" and given.kind in "ui":
        return encoding.with_fractions(), []
    if not encoding.needs_fractions(noise):
        return encoding, []
    if dtype is not None:
        text = f"its result is rounded to {given}, which costs more than 0.1 dB; a .tif keeps more"
        return encoding, [Note(NoteKind.CHANGED, "image", text)]
    encoding = encoding.with_fractions()
    text = f"its result has fractions ({encoding.dtype}): rounding to {given} would cost more than"
    return encoding, [Note(NoteKind.CHANGED, "image", f"{text} 0.1 dB")]


def check_seed(seed: int) -> int:
    """Give the seed as an int.

    Raises
    ------
    UserError
        When it is not a whole number from 0 up to 2**63 - 1.
    """
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise UserError(f"seed: {seed!r} must be a whole number from 0 on")
    return int(seed)


def _check_inputs(task: Task, given: Mapping[InputName, Array | None]) -> None:
    """Check that a task gets the inputs that it needs, and no other."""
    for name, values in given.items():
        if name in task.needs and values is None:
            raise UserError(f"{name}: {task.name} needs one")
        if name not in task.accepts and values is not None:
            raise UserError(f"{name}: {task.name} takes none; leave it out")


def _data_range(
    data_range: float | None, image: Array, intensity_range: IntensityRange | None
) -> float:
    """The data range, by default that of the dtype or of the whole image."""
    if data_range is None:
        black, white = (
            intensity_range.nominal(image.dtype)
            if intensity_range
            else nominal_range(image.dtype, image)
        )
        data_range = white - black
    if not (math.isfinite(data_range) and data_range > 0):
        raise UserError(f"data_range: {data_range:g} must be a finite number above 0")
    return float(data_range)


def _checked_reference(reference: Array, job: Job) -> Array:
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
