"""Frames one after another, each fitted from where the last one ended (a warm start).

What a network has learned of one frame is nearly right for the next: it takes a fraction of the
iterations, at a small learning rate, for a large one would make it forget. After a cut, a frame
that has little in common with the last one, it starts afresh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_dip.data.axes import guess_axes
from napari_dip.data.encoding import measure_intensity_range
from napari_dip.data.value_range import IntensityRange
from napari_dip.restoration.restore import prepare
from napari_dip.restoration.result import Restoration
from napari_dip.tasks.base import Task

SHARE = 0.16
"""Of the iterations, for a frame that follows another."""


GENTLE = 0.1
"""Of the learning rate."""


SHORT_AVERAGE = 0.9
"""The weight of the average of outputs, which has less time to forget the first ones."""


ALIKE = 0.5
"""The correlation of two smoothed frames below which there is a cut between them."""


SMOOTHING = 2.0
"""Pixels over which frames are smoothed, so that their noise does not count."""


Array = NDArray[Any]


def continued(task: Task) -> Task:
    """The settings of a frame that follows one with these, which leave nothing open."""
    return task.replace(
        iterations=max(1, round(SHARE * (task.iterations or 1))),
        learning_rate=max(1e-6, GENTLE * (task.learning_rate or 0.01)),
        schedule="one-cycle",
        average=min(task.average or 0.0, SHORT_AVERAGE),
    )


def is_cut(before: Array, after: Array) -> bool:
    """Whether a frame has little in common with the one before, of the same shape."""
    pair = [
        gaussian_filter(np.nan_to_num(frame.astype(np.float64)), SMOOTHING).ravel()
        for frame in (before, after)
    ]
    if min(values.std() for values in pair) == 0:
        return True
    return bool(np.corrcoef(*pair)[0, 1] < ALIKE)


def restore_series(
    frames: Iterable[Array],
    task: Task,
    *,
    intensity_range: IntensityRange | None = None,
    data_range: float | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> Iterator[Restoration]:
    """Restore frames one after another, each from the weights of the last.

    Noise and whatever else the settings leave open are decided on the first frame.

    Parameters
    ----------
    frames
        Arrays of one shape and dtype: a movie's frames, or a stack's slices.
    task
        What to do with each.
    intensity_range
        The range of the whole series (`measure_intensity_range`), so that all frames are scaled
        alike; by default the range of the first frame, and of each frame after a cut.
    data_range, should_stop
        As in `restore`; the data range is decided on the first frame if not given.
    options
        As in `restore`: axes, mask, guide, psf, device, seed.

    Yields
    ------
    Restoration
        For each frame; the one at which it was stopped is the last.
    """
    last: Restoration | None = None
    before: Array | None = None
    scaled = intensity_range
    for frame in frames:
        if before is None or is_cut(before, frame):
            last = None
            if intensity_range is None:
                scaled = measure_intensity_range(
                    frame, options.get("axes") or guess_axes(frame.shape)
                )
        settings = task if last is None else continued(task)
        job = prepare(frame, settings, intensity_range=scaled, data_range=data_range, **options)
        weights = () if last is None else last.weights
        result = job.result(should_stop, weights=weights, keep_weights=True)
        if last is None:
            task, data_range = result.task, result.data_range
        yield result
        if result.stop_reason == "cancelled":
            return
        last, before = result, frame
