from dataclasses import replace

import pytest
import torch

from napari_dip.engine.operators import Downsample
from napari_dip.engine.problem import Problem

CPU = torch.device("cpu")


def test_the_image_shape_is_the_operators(problem):
    assert problem.image_shape == (16, 20)
    assert Problem(problem.y, Downsample(3, 3)).image_shape == (48, 60)


def test_a_constant_rate(settings):
    assert {settings.rate(i) for i in range(25)} == {settings.learning_rate}


def test_one_cycle_rises_to_its_peak_and_falls_to_nothing(settings):
    cycle = replace(settings, schedule="one-cycle", iterations=100, learning_rate=0.02)
    rates = [cycle.rate(i) for i in range(100)]
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.02)
    assert peak == 29
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert 0 < rates[0] < 0.001
    assert 0 < rates[-1] < 0.001


@pytest.mark.parametrize("iterations", [1, 2, 3, 7])
def test_one_cycle_of_a_few_iterations(settings, iterations):
    cycle = replace(settings, schedule="one-cycle", iterations=iterations)
    rates = [cycle.rate(i) for i in range(iterations)]
    assert all(0 < rate <= settings.learning_rate for rate in rates)
    assert max(rates) == pytest.approx(settings.learning_rate)
