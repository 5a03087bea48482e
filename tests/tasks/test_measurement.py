"""A degraded image as a fit sees it."""

from dataclasses import replace

import pytest
import torch

from napari_dip.tasks.measurement import fill_missing


def test_an_empty_channel_does_not_lower_the_noise_level(measured):
    measurement = measured(64, 64, channels=2)
    measurement.y[0, 1] = 0.5
    assert measurement.estimated_sigma == pytest.approx(0.05, rel=0.2)
    empty = replace(measurement, y=torch.zeros_like(measurement.y))
    assert empty.estimated_sigma == 0.0


def test_missing_pixels_are_filled_from_the_nearest_of_their_channel():
    y = torch.tensor([[[[1.0, 0.0, 0.0, 4.0]], [[0.0, 2.0, 0.0, 0.0]]]])
    filled = fill_missing(y, y != 0)
    assert filled[0, 0, 0].tolist() in ([1, 1, 4, 4], [1, 1, 1, 4], [1, 4, 4, 4])
    assert filled[0, 0, 0, 1] == 1
    assert filled[0, 1, 0].tolist() == [2, 2, 2, 2]
    assert y[0, 1, 0].tolist() == [0, 2, 0, 0]


def test_a_channel_without_a_known_pixel_is_filled_with_something():
    y = torch.rand(1, 2, 16, 16)
    observed = torch.ones(1, 2, 16, 16, dtype=torch.bool)
    observed[0, 1] = False
    filled = fill_missing(y, observed)
    assert torch.equal(filled[0, 0], y[0, 0])
    assert filled.isfinite().all()


def test_filling_copies_nothing_if_nothing_is_missing():
    y = torch.rand(1, 1, 4, 4)
    assert fill_missing(y, torch.ones(1, 1, 4, 4, dtype=torch.bool)) is y
