"""Row noise: each row, or each column, has an offset of its own, as line-by-line read-outs leave.

The second difference along y removes what is smooth, and its median over a row is the row's offset
less those of its neighbours. Row noise differs from structure of the image in that

- several parts of a row agree on it, in most rows and not only where an edge runs along them,
- it is about normal: neither rare, as lines are, nor of two values, as bars are,
- neighbouring rows are independent, so that the second differences have the correlations of white
  noise's, and no period stands out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter

Array = NDArray[Any]

_LEAST_SIDE = 32
"""Pixels on a side from which row noise can be told."""

_PARTS = 6
"""Parts of a row that are compared."""

_LEAST_AGREEMENT = 0.12
"""Least share of the energy of a part's offset that the parts of a row have in common, in the
median row: below 0.1 without row noise, but for lines, which the other limits tell."""

_KURTOSIS = (1.9, 6.0)
"""Range of the kurtosis of row noise: 3 for normal noise, 1 for two values, 47 for line art."""

_LEAST_USUAL = 0.5
"""Least ratio of the median size of the differences to their root mean square: 0.67 for normal
noise, 0 for rare lines."""

_NEIGHBOURS = (-0.85, -0.42)
_SECOND_NEIGHBOURS = (-0.15, 0.45)
"""Ranges of the correlations of the differences of rows that lie one and two apart: -2/3 and 1/6
for white noise."""

_MOST_PERIODIC = 2.5
"""Largest peak of the spectrum, as a multiple of its mean and of the logarithm of its length."""

_LEAST_GAIN = 0.2
"""Squared gain of the second difference, of 4 at most, from which a frequency is looked at."""

_LEAST_AMPLITUDE = 0.004
"""Least standard deviation of the offsets, in units of the planes: weaker ones are not seen."""

_WINDOW = 9
"""Rows whose median is what a row would be without its offset."""

_SURROUNDINGS = (9, 5)
"""Rows and columns around a pixel in which the image is quiet or not."""


def find_line_offsets(planes: Array) -> Array | None:
    """Find the offsets of rows, then those of columns.

    Offsets that change slowly from row to row can't be told from the image and stay.

    Parameters
    ----------
    planes
        (channels, y, x), about [0, 1].

    Returns
    -------
    ndarray or None
        The offsets to subtract, (channels, y, x); None if there is no such noise.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> planes = random.normal(0.5, 0.02, (1, 64, 64))
    >>> find_line_offsets(planes)
    >>> offsets = find_line_offsets(planes + random.normal(0, 0.05, (64, 1)))
    >>> bool(np.ptp(offsets, axis=2).max() < 1e-12)  # the same in all of a row
    True
    """
    if min(planes.shape[1:]) < _LEAST_SIDE:
        return None
    found = np.zeros(planes.shape)
    for plane, offsets in zip(planes.astype(np.float64), found, strict=True):
        offsets += _row_offsets(plane)
        offsets += _row_offsets((plane - offsets).T).T
    return found if found.any() else None


def _row_offsets(plane: Array) -> Array:
    """The offset of each row of a plane, (y, 1); 0 where there is no row noise."""
    if not _has_row_noise(plane):
        return np.zeros((len(plane), 1))
    above = _above_others(plane)
    offsets = np.median(above, 1, keepdims=True)
    # Once more where the image is quiet: letters may fill most of a row.
    unrest = uniform_filter(np.abs(_above_others(plane - offsets)), _SURROUNDINGS)
    quiet = unrest <= np.median(unrest, 1, keepdims=True)
    offsets = np.nanmedian(np.where(quiet, above, np.nan), 1, keepdims=True)
    return np.asarray(offsets - offsets.mean())


def _above_others(plane: Array) -> Array:
    """Values less the median of the rows around."""
    return np.asarray(plane - median_filter(plane, (_WINDOW, 1), mode="mirror"))


def _has_row_noise(plane: Array) -> bool:
    differences = plane[1:-1] - (plane[:-2] + plane[2:]) / 2
    parts = np.array([np.median(part, 1) for part in np.array_split(differences, _PARTS, axis=1)])
    energy = (parts**2).sum(0)
    shared = (parts.sum(0) ** 2 - energy) / (_PARTS * (_PARTS - 1))  # parts agree by chance: 0
    # The second difference has 1.5 times the variance of white noise.
    if shared.mean() < 1.5 * _LEAST_AMPLITUDE**2:
        return False
    if np.median(shared) < _LEAST_AGREEMENT * np.median(energy / _PARTS):
        return False
    rows = np.median(differences, 1)
    power = float(np.mean(rows**2))
    if power == 0 or np.median(np.abs(rows)) < _LEAST_USUAL * np.sqrt(power):
        return False
    figures = (
        (np.mean(rows**4) / power**2, _KURTOSIS),
        (np.mean(rows[1:] * rows[:-1]) / power, _NEIGHBOURS),
        (np.mean(rows[2:] * rows[:-2]) / power, _SECOND_NEIGHBOURS),
    )
    return all(low < figure < high for figure, (low, high) in figures) and not _is_periodic(rows)


def _is_periodic(rows: Array) -> bool:
    """Whether a period stands out in what has these second differences."""
    spectrum = np.abs(np.fft.rfft(rows * np.hanning(len(rows)))) ** 2
    gain = (1 - np.cos(2 * np.pi * np.fft.rfftfreq(len(rows)))) ** 2
    seen = gain > _LEAST_GAIN
    flat = spectrum[seen] / gain[seen]
    return bool(flat.max() > _MOST_PERIODIC * flat.mean() * np.log(len(flat)))
