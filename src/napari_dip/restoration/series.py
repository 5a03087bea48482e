"""A series of frames, each fitted from the weights of the one before (a warm start).

The weights for one frame are nearly right for the next, so a warm-started frame takes a fraction of
the iterations, at a small learning rate, for a large one would undo what was learned. After a cut,
where a frame has little in common with the one before, the fit starts afresh.

`warm_start` gives the settings and weights for the next frame. `restore_series` uses it for frames
in memory, `tiling.item` for the tiles of frames on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_dip.data.axes import guess_axes
from napari_dip.data.encoding import measure_intensity_range
from napari_dip.data.value_range import IntensityRange
from napari_dip.restoration.restore import prepare
from napari_dip.restoration.result import Restoration
from napari_dip.tasks.base import Task

if TYPE_CHECKING:
    from napari_dip.engine.fit import Weights

WARM_ITERATIONS = 0.16
"""Fraction of the iterations used for a warm-started frame."""

_WARM_LEARNING_RATE = 0.1
"""Fraction of the learning rate used for a warm-started frame."""

_WARM_AVERAGE = 0.9
"""Largest weight of the running average of outputs: a short fit must forget its first ones soon."""

_CUT_CORRELATION = 0.5
"""Correlation of two smoothed frames below which there is a cut between them."""

_CUT_SMOOTHING = 2.0
"""Standard deviation in pixels of the smoothing that keeps noise out of the correlation."""

Array = NDArray[Any]


@dataclass(frozen=True)
class FittedFrame:
    """A frame that has been fitted, and what its network has learned.

    Attributes
    ----------
    image
        The frame as it was given, not restored.
    weights
        The weights of each run.
    guide
        The guide it was fitted with, if there was one.
    """

    image: Array
    weights: tuple[Weights, ...]
    guide: Array | None = None


class Start(NamedTuple):
    """How to fit a frame: `weights` are empty where the fit starts afresh."""

    task: Task
    weights: tuple[Weights, ...]


def warm_start(
    task: Task, last: FittedFrame | None, image: Array, guide: Array | None = None
) -> Start:
    """Decide how to fit a frame that comes after another.

    Parameters
    ----------
    task
        The settings of a frame that starts afresh, with nothing left open.
    last
        The frame before, or None if there is none.
    image, guide
        The next frame, of the same shape, and its guide.
    """
    if last is None or is_cut(last.image, image) or _guide_is_cut(last.guide, guide):
        return Start(task, ())
    return Start(warm_settings(task), last.weights)


def warm_settings(task: Task) -> Task:
    """The settings of a warm-started frame: shorter and gentler than `task`, which is resolved."""
    return task.replace(
        iterations=max(1, round(WARM_ITERATIONS * (task.iterations or 1))),
        learning_rate=max(1e-6, _WARM_LEARNING_RATE * (task.learning_rate or 0.01)),
        schedule="one-cycle",
        average=min(task.average or 0.0, _WARM_AVERAGE),
    )


def is_cut(before: Array, after: Array) -> bool:
    """Whether two frames of one shape have little in common."""
    pair = [
        gaussian_filter(np.nan_to_num(frame.astype(np.float64)), _CUT_SMOOTHING).ravel()
        for frame in (before, after)
    ]
    if min(values.std() for values in pair) == 0:
        return True
    return bool(np.corrcoef(*pair)[0, 1] < _CUT_CORRELATION)


def _guide_is_cut(before: Array | None, after: Array | None) -> bool:
    """Whether the guide has a cut: it is the network's input, so old weights would mislead.

    A guide that stands still has no cut, even where it is flat.
    """
    if before is None or after is None or np.array_equal(before, after):
        return False
    return is_cut(before, after)


def restore_series(
    frames: Iterable[Array],
    task: Task,
    *,
    axes: str | None = None,
    mask: Array | None = None,
    guide: Array | None = None,
    psf: Array | None = None,
    intensity_range: IntensityRange | None = None,
    data_range: float | None = None,
    device: str = "auto",
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Restoration]:
    """Restore frames one after another, each from the weights of the last.

    Noise and whatever else the settings leave open are decided on the first frame.

    Parameters
    ----------
    frames
        Arrays of one shape and dtype: the frames of a movie, or the slices of a stack.
    task
        What to do with each frame.
    axes, mask, guide, psf, device, seed, should_stop
        As in `restore`; they hold for all frames.
    intensity_range
        The range of the whole series (`measure_intensity_range`), so that all frames are scaled
        alike; by default the range of the first frame, and of each frame after a cut.
    data_range
        As in `restore`; by default decided on the first frame.

    Yields
    ------
    Restoration
        One for each frame; if the series is stopped, the last one ends with "cancelled".

    Raises
    ------
    UserError, OutOfMemory
        As in `restore`.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import Denoise, restore_series
    >>> movie = np.random.default_rng(0).normal(100, 5, (2, 16, 16)) + np.arange(16)
    >>> for result in restore_series(movie, Denoise(iterations=25, filters=(4,)), axes="YX"):
    ...     print(result.image.shape, result.iterations)
    (16, 16) 25
    (16, 16) 4
    """
    last: FittedFrame | None = None
    scaled = intensity_range
    for frame in frames:
        start = warm_start(task, last, frame)
        if not start.weights and intensity_range is None:
            scaled = measure_intensity_range(frame, axes or guess_axes(frame.shape))
        job = prepare(
            frame,
            start.task,
            axes=axes,
            mask=mask,
            guide=guide,
            psf=psf,
            intensity_range=scaled,
            data_range=data_range,
            device=device,
            seed=seed,
        )
        result = job.result(should_stop, weights=start.weights, keep_weights=True)
        if not start.weights:
            task, data_range = result.task, result.data_range
        yield result
        if result.stop_reason == "cancelled":
            return
        last = FittedFrame(frame, result.weights)
