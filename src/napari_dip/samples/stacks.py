"""A noisy stack and a noisy movie, both synthetic; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.samples.pictures import Sample

Array = NDArray[Any]

STACK_SHAPE = (16, 96, 96)
"""Slices, rows and columns."""

MOVIE_SHAPE = (12, 96, 96)
"""Frames, rows and columns."""

NOISE_SIGMA = 25 / 255
"""Standard deviation of the noise, as a fraction of the value range."""

VOXEL_SIZE = {"z": 0.4, "y": 0.2, "x": 0.2}
"""Size of a voxel of the stack in micrometers."""


def threads_and_spots(sides: Sequence[int]) -> Array:
    """Draw threads and spots that go through several slices, as they might be in a cell.

    Parameters
    ----------
    sides
        Numbers of slices, rows and columns.

    Returns
    -------
    numpy.ndarray
        float32, from 0.1 to 0.9, the same at each call.
    """
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    threads = np.abs(gaussian_filter(rng.normal(size=sides), (4, 5, 5)))
    threads = np.exp(-((threads / threads.std()) ** 2) * 12)
    spots = gaussian_filter((rng.random(sides) > 0.998).astype(float), (1.5, 1.5, 1.5))
    image = 0.6 * threads + 0.8 * np.minimum(1, spots / np.quantile(spots, 0.995))
    return np.asarray(0.1 + 0.8 * image / image.max(), np.float32)


def noisy_stack() -> Sample:
    """A stack of threads and spots, (z, y, x) uint16, in 12 bits, with Gaussian noise."""
    depth, *plane = STACK_SHAPE
    clean = threads_and_spots((2 * depth, *plane))[::2]  # slices lie twice as far apart as pixels
    clean = 0.2 + 0.7 * clean  # a camera's dark pixels are not at zero
    return Sample("Noisy stack", _noisy(clean), _counts(clean), axes="ZYX")


def noisy_movie() -> Sample:
    """Stained tissue that drifts through the field of view, (t, y, x) uint16, in 12 bits, noisy."""
    from skimage.color import rgb2gray
    from skimage.data import immunohistochemistry

    tissue = 1 - rgb2gray(immunohistochemistry()).astype(np.float32)
    count, height, width = MOVIE_SHAPE
    clean = np.stack(
        [
            tissue[200 + n : 200 + n + height, 150 + 3 * n : 150 + 3 * n + width]
            for n in range(count)
        ]
    )
    return Sample("Noisy movie", _noisy(clean), _counts(clean), axes="TYX")


def _counts(image: Array) -> Array:
    """Convert values from 0 to 1 to the counts of a 12-bit camera."""
    return np.asarray(np.rint(4095 * image).clip(0, 4095), np.uint16)


def _noisy(image: Array) -> Array:
    noise = np.random.default_rng(1).normal(0, NOISE_SIGMA, image.shape)
    return _counts(image + noise)
