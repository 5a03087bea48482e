"""Impulses: dead, saturated or "salt and pepper" pixels, which say nothing about the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import median_filter

if TYPE_CHECKING:
    from torch import Tensor


WINDOW = 5
"""Pixels on each side of the neighbourhood whose median stands for the picture."""


FAR = 0.15
"""Of the range, between an extreme and the median around it, from which a pixel is a witness."""


QUIET = 4.0
"""How many times the neighbourhood's median deviation that distance has to be as well: noise
reaches an extreme from nearer by, and so does texture."""


ISOLATED = 3.0
"""How many times more witnesses have to lie at the extreme than in the last quarter of the way to
it, where noise of all sizes would leave more."""


FEWEST = 0.003
"""Of the pixels: a few white dots may be the picture's own."""


FEW_LEVELS = 16
"""Values below which extremes are common by themselves, as in a count of a few photons."""


CLEAR = 0.04
"""Of the range, from the median, at which a pixel of an extreme value is taken for an impulse:
a saturated area is its own median."""


def find_impulses(y: Tensor, observed: Tensor) -> Tensor:
    """Pixels that were replaced by the darkest or the brightest value.

    Other noise comes in all sizes, an impulse in one. So among the pixels whose neighbourhood is
    far from an extreme, those exactly at it are counted against those on the way to it; only where
    they stand out are pixels of that value taken for impulses.

    Parameters
    ----------
    y
        The measurement, (1, channels, *space), about [0, 1].
    observed
        What is known of it.

    Returns
    -------
    Tensor
        Of the same shape, bool; all false where there are none.
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
            if (known & (values == extreme)).sum() > FEWEST * known.sum()
        ]
        if not extremes or len(np.unique(values[known])) < FEW_LEVELS:
            continue
        around = median_filter(values, WINDOW, mode="mirror")
        deviation = median_filter(np.abs(values - around), WINDOW, mode="mirror")
        for extreme in extremes:
            distance = np.abs(around - extreme)
            witness = known & (distance > np.maximum(FAR, QUIET * deviation))
            there = witness & (values == extreme)
            near = witness & ~there & (np.abs(values - extreme) < distance / 4)
            if there.sum() > max(FEWEST * known.sum(), ISOLATED * near.sum()):
                impulses = known & (values == extreme) & (distance > CLEAR)
                found[0, c] |= torch.from_numpy(impulses)
    return found
