"""`restore_frames`: an image in memory of which some axes are gone through one by one.

What is fitted together is a frame here: an image or a volume. Each is restored as if it were alone,
but for the data range, which is that of the whole image.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.data.axes import AxisPlan, plan_axes
from napari_dip.data.masks import read_mask
from napari_dip.data.metrics import psnr
from napari_dip.data.reading import Note, NoteKind
from napari_dip.data.value_range import nominal_range
from napari_dip.errors import UserError
from napari_dip.restoration.job import Job
from napari_dip.restoration.result import Restoration
from napari_dip.tasks.base import Task

Array = NDArray[Any]


def frame_plan(axes: str | None, shape: Sequence[int]) -> AxisPlan | None:
    """How an image is gone through; None if it is fitted as a whole, or its axes can't be right."""
    letters = (axes or "").upper()
    if len(letters) != len(shape) or len(set(letters)) < len(letters) or not letters.isalpha():
        return None
    if not {"Y", "X"} <= set(letters) or {"C", "S"} <= set(letters):
        return None
    plan = plan_axes(letters, shape)
    lengths = dict(zip(letters, shape, strict=True))
    return plan if any(lengths[a] > 1 for a in plan.loop_axes) else None


def restore_frames(
    image: Array,
    task: Task,
    plan: AxisPlan,
    prepare: Callable[..., Job],
    *,
    mask: Array | None = None,
    guide: Array | None = None,
    guide_axes: str | None = None,
    reference: Array | None = None,
    data_range: float | None = None,
    notes: Sequence[Note] = (),
    run: Callable[[Job], Restoration] = Job.result,
    **options: Any,
) -> Restoration:
    """Restore an image frame by frame.

    Frames that have one value all over, or nothing that is missing for a task that fills, stay as
    they are.

    Parameters
    ----------
    image, task
        As in `restore`.
    plan
        Which axes are gone through.
    prepare
        The function of that name; it is in a module that imports this one.
    mask, guide, reference
        Of the shape of the image (a mask perhaps without its channels), or of one frame, for all.
        A reference has the shape of the result.
    guide_axes
        The letters of the guide's axes, if it is not of the image's shape.
    data_range, notes, options
        As in `prepare`.
    run
        Runs the job of a frame to its end.

    Raises
    ------
    UserError
        When something can't be used. It names the frame, if the first one could be restored.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import Denoise, prepare
    >>> from napari_dip.data.axes import plan_axes
    >>> from napari_dip.restoration.frames import restore_frames
    >>> image = np.random.default_rng(0).normal(100, 10, (2, 16, 16))
    >>> task = Denoise(iterations=2, filters=(4,))
    >>> restore_frames(image, task, plan_axes("RYX", image.shape), prepare).image.shape
    (2, 16, 16)
    """
    image = np.asarray(image)
    frames = _Frames(plan, image.shape)
    if mask is not None:
        mask, notes = _boolean(np.asarray(mask), plan, image.shape, notes)
    black, white = nominal_range(image.dtype, image)
    results: list[Restoration | None] = []
    for place in frames.places():
        given: dict[str, Any] = {"mask": frames.of(mask, place), "guide": frames.of(guide, place)}
        if _has_nothing_to_do(image[place], task, given["mask"]):
            results.append(None)
            continue
        is_first = not any(results)
        if guide is not None and guide.shape != image.shape and guide_axes is not None:
            given["guide_axes"] = guide_axes
        try:
            job = prepare(
                image[place],
                task,
                axes=frames.axes,
                data_range=float(white - black) if data_range is None else data_range,
                reference=None if reference is None else frames.of_result(reference, place),
                notes=notes if is_first else (),
                **given,
                **options,
            )
        except UserError as error:
            if is_first:
                raise
            raise UserError(f"{frames.name(place)}: {error}") from error
        if not is_first:  # what was said of a frame holds for all
            said = {note for result in results if result for note in result.notes}
            job = replace(job, notes=tuple(note for note in job.notes if note not in said))
        result = run(job)
        results.append(result)
        if result.stop_reason == "cancelled":
            break
    if not any(results):
        prepare(image[next(frames.places())], task, axes=frames.axes, **given, **options)
        raise UserError("image: there is nothing to restore")
    return _joined(image, frames, results, reference)


class _Frames:
    """The frames of an image."""

    def __init__(self, plan: AxisPlan, shape: Sequence[int]) -> None:
        self._plan, self._shape = plan, tuple(shape)
        self._loops = [i for i, a in enumerate(plan.letters) if a in plan.loop_axes]
        self.axes = "".join(a for a in plan.letters if a not in plan.loop_axes)
        self.shape = tuple(n for i, n in enumerate(shape) if i not in self._loops)

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of the axes that are gone through."""
        return tuple(self._shape[i] for i in self._loops)

    def places(self) -> Iterator[tuple[Any, ...]]:
        """The index of each frame."""
        for numbers in itertools.product(*map(range, self.lengths)):
            place: list[Any] = [slice(None)] * len(self._shape)
            for axis, number in zip(self._loops, numbers, strict=True):
                place[axis] = number
            yield tuple(place)

    def name(self, place: tuple[Any, ...]) -> str:
        """A frame in words, such as "R 2 of 6"."""
        return ", ".join(
            f"{self._plan.letters[i]} {place[i] + 1} of {self._shape[i]}" for i in self._loops
        )

    def of(self, values: Array | None, place: tuple[Any, ...]) -> Array | None:
        """The part of an input that belongs to a frame; all of it if it has none of the axes."""
        if values is None:
            return None
        values = np.asarray(values)
        if values.shape == self._shape:
            return np.asarray(values[place])
        without = [i for i, a in enumerate(self._plan.letters) if a not in "CS"]
        if values.shape == tuple(self._shape[i] for i in without):  # a mask without channels
            return np.asarray(values[tuple(place[i] for i in without)])
        return values

    def of_result(self, values: Array, place: tuple[Any, ...]) -> Array:
        """The part of an array with the axes of the image, at other sides, for a frame."""
        has_axes = values.ndim == len(self._shape)
        if not has_axes or any(values.shape[i] != self._shape[i] for i in self._loops):
            raise UserError(
                f"reference: its shape {values.shape} does not match the image's {self._shape}; "
                "crop it, or save both with the same axes"
            )
        return np.asarray(values[place])

    def joined(self, parts: Sequence[Array]) -> Array:
        """Results of all frames as one array."""
        stack = np.stack(parts).reshape(*self.lengths, *parts[0].shape)
        return np.moveaxis(stack, range(len(self._loops)), self._loops)


def _boolean(
    mask: Array, plan: AxisPlan, shape: tuple[int, ...], notes: Sequence[Note]
) -> tuple[Array, Sequence[Note]]:
    """A mask of which one rule says for all frames what is marked, and what was assumed."""
    letters = plan.letters
    if mask.shape != shape:
        letters = "".join(a for a in letters if a not in "CS")
        if mask.shape != tuple(n for a, n in zip(plan.letters, shape, strict=True) if a in letters):
            text = f"it is as large as one image, and holds for all along {plan.loop_axes}"
            return mask, [*notes, Note(NoteKind.ASSUMED, "mask", text)]
    if mask.dtype == bool:
        return mask, notes
    marked, found = read_mask(mask, letters.replace("S", "C"))
    return marked, [*notes, *found]


def _has_nothing_to_do(frame: Array, task: Task, mask: Array | None) -> bool:
    if frame.dtype.kind not in "uif" or frame.size == 0:
        return False  # `prepare` says what is wrong
    known = frame[np.isfinite(frame)]
    if not known.size or known.min() == known.max():
        return True
    is_whole = known.size == frame.size and (mask is None or not np.asarray(mask).any())
    return task.fills_missing and is_whole


def _joined(
    image: Array, frames: _Frames, results: Sequence[Restoration | None], reference: Array | None
) -> Restoration:
    """The results of all frames as one; frames without a result are as they were."""
    first = next(result for result in results if result is not None)
    places = list(frames.places())
    images = {}
    for name, part in first.images.items():
        whole = []
        for i, place in enumerate(places):
            result = results[i] if i < len(results) else None
            if result is not None and name in result.images:
                whole.append(result.images[name])
            else:
                whole.append(_unchanged(image[place], part, is_zero=name in first.task.differences))
        images[name] = frames.joined(whole)
    done = [result for result in results if result is not None]
    warnings = tuple(dict.fromkeys(text for result in done for text in result.warnings))
    notes = tuple(dict.fromkeys(note for result in done for note in result.notes))
    kept = len(places) - len(done)
    if kept and len(results) == len(places):
        verbs = (
            "has nothing to restore and stays" if kept == 1 else "have nothing to restore and stay"
        )
        warnings += (f"{kept} of {len(places)} images {verbs} as given",)
    endings = [result.stop_reason for result in done]
    worst = [reason for reason in ("cancelled", "diverged") if reason in endings]
    scores: dict[str, Any] = dict.fromkeys(("psnr", "ssim", "input_psnr"))
    if reference is not None and images["image"].shape == reference.shape:
        scores["ssim"] = _mean([result.ssim for result in done])
        if image.shape == reference.shape:
            scores["input_psnr"] = psnr(image, reference, first.data_range)
        scores["psnr"] = psnr(images["image"], reference, first.data_range)
    for name in ("estimated_psnr", "estimated_input_psnr"):
        scores[name] = _mean([getattr(result, name) for result in done])
    filled = [result.filled for result in done if result.filled is not None]
    return replace(
        first,
        image=images["image"],
        images=images,
        stop_reason=worst[0] if worst else first.stop_reason,
        iterations=sum(result.iterations for result in done),
        seconds=sum(result.seconds for result in done),
        history=[entry for result in done for entry in result.history],
        peak_memory_mb=max(result.peak_memory_mb for result in done),
        weights=(),
        warnings=warnings,
        notes=notes,
        filled=sum(filled) / len(places) if filled else None,
        **scores,
    )


def _unchanged(frame: Array, like: Array, *, is_zero: bool) -> Array:
    """A frame that was not restored, at the sides and with the dtype of a restored one."""
    if is_zero:
        return np.zeros(like.shape, like.dtype)
    for axis, (now, wanted) in enumerate(zip(frame.shape, like.shape, strict=True)):
        if now != wanted:
            frame = np.repeat(frame, wanted // now, axis=axis)
    return frame.astype(np.result_type(frame, like))


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of scores; None if one of them is not known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
