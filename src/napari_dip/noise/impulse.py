"""Impulses: dead, saturated or "salt and pepper" pixels, which have lost their value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import median_filter

if TYPE_CHECKING:
    from torch import Tensor

_WINDOW = 5
"""Side, in pixels, of the neighbourhood whose median is compared with a pixel."""

_FAR = 0.15
"""Least distance, in units of y, of a neighbourhood's median from an extreme value for its pixel to
be counted."""

_FAR_IN_DEVIATIONS = 4.0
"""Least such distance in units of the neighbourhood's median deviation: noise and texture reach an
extreme from nearer by."""

_ISOLATED = 3.0
"""Least ratio of the counted pixels at the extreme to those in the last quarter of the way to it,
where noise of all sizes would leave more."""

_LEAST_FRACTION = 0.003
"""Least fraction of impulses among the pixels: a few white dots may belong to the image."""

_FEW_LEVELS = 16
"""Number of different values below which extremes are common, as in a count of a few photons."""

_CLEAR = 0.04
"""Least distance, in units of y, of an impulse from the median: a saturated area is its own
median."""


def find_impulses(y: Tensor, observed: Tensor) -> Tensor:
    """Find pixels that were replaced by the darkest or the brightest value.

    Other noise comes in all sizes, impulses in one. So, among the pixels whose neighbourhood is far
    from an extreme, those exactly at the extreme are compared in number with those near it. If they
    are many more, pixels of that value are impulses.

    Parameters
    ----------
    y
        The measurement, (1, channels, *space), about [0, 1].
    observed
        Known pixels, of the same shape, bool.

    Returns
    -------
    Tensor
        True at impulses, of the same shape.
    """
    import torch

    found = torch.zeros_like(observed)
    for c in range(y.shape[1]):
        values, known = y[0, c].numpy(), observed[0, c].numpy()
        if not known.any():
            continue
        extremes = [
            extreme
            for extreme in (values[known].min(), values[known].max())
            if (known & (values == extreme)).sum() > _LEAST_FRACTION * known.sum()
        ]
        if not extremes or len(np.unique(values[known])) < _FEW_LEVELS:
            continue
        median = median_filter(values, _WINDOW, mode="mirror")
        deviation = median_filter(np.abs(values - median), _WINDOW, mode="mirror")
        for extreme in extremes:
            distance = np.abs(median - extreme)
            counted = known & (distance > np.maximum(_FAR, _FAR_IN_DEVIATIONS * deviation))
            at_extreme = counted & (values == extreme)
            near = counted & ~at_extreme & (np.abs(values - extreme) < distance / 4)
            if at_extreme.sum() > max(_LEAST_FRACTION * known.sum(), _ISOLATED * near.sum()):
                impulses = known & (values == extreme) & (distance > _CLEAR)
                found[0, c] |= torch.from_numpy(impulses)
    return found
