"""How a stored picture is turned and mirrored to be seen upright, by its TIFF orientation.

Source: TIFF 6.0, tag 274; the values are also those of EXIF.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

UPRIGHT = 1
"""The orientation of a picture that is stored as it is seen."""

_LEFT_FOR_RIGHT, _TOP_FOR_BOTTOM = (2, 3, 6, 7), (3, 4, 7, 8)


def swaps_sides(orientation: int) -> bool:
    """Whether rows are stored as columns.

    Examples
    --------
    >>> swaps_sides(3), swaps_sides(6)
    (False, True)
    """
    return orientation >= 5


def upright(data: NDArray[Any], axes: str, orientation: int) -> NDArray[Any]:
    """Turn and mirror an array so that it is seen upright.

    Parameters
    ----------
    data
        The array as it is stored.
    axes
        A letter for each of its axes, Y and X among them.
    orientation
        The value of the tag, 1 to 8; others stand for 1.

    Examples
    --------
    >>> upright(np.array([[1, 2], [3, 4]]), "YX", 6)  # a quarter turn clockwise
    array([[3, 1],
           [4, 2]])
    """
    y, x = axes.index("Y"), axes.index("X")
    if swaps_sides(orientation):
        data = data.swapaxes(y, x)
    if orientation in _LEFT_FOR_RIGHT:
        data = np.flip(data, x)
    if orientation in _TOP_FOR_BOTTOM:
        data = np.flip(data, y)
    return data
