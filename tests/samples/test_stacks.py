"""The made-up stacks: noisy as they say, the same each time."""

import socket

import numpy as np
import pytest

from napari_dip.data.metrics import psnr
from napari_dip.samples.stacks import noisy_movie, noisy_stack


@pytest.mark.parametrize("make", [noisy_stack, noisy_movie])
def test_stacks_need_no_network_and_are_the_same_each_time(make, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    first, second = make(), make()
    assert first.image.dtype == first.reference.dtype == np.uint16
    assert len(first.axes) == first.image.ndim == 3
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.reference, second.reference)


@pytest.mark.parametrize("make", [noisy_stack, noisy_movie])
def test_stacks_are_visibly_noisy(make):
    sample = make()
    assert 20 < psnr(sample.image, sample.reference, 4095) < 21


def test_frames_of_the_movie_are_alike_but_not_the_same():
    first, second, *_ = noisy_movie().reference.astype(float)
    assert 0.5 < np.corrcoef(first.ravel(), second.ravel())[0, 1] < 0.99
