"""A fit does not make the CPU wait for its device, except to check the loss and to report."""

from dataclasses import replace

import pytest
import torch
from pretend_device import PretendDevice

from napari_dip.engine.fit import CHECK_EVERY, FitState, fit
from napari_dip.engine.inputs import InputSpec
from napari_dip.engine.operators import Blur, Downsample, Mask
from napari_dip.engine.problem import Problem
from napari_dip.engine.stopping import Converged, Discrepancy, WindowedVariance

pytestmark = pytest.mark.filterwarnings("ignore:.*CUDA is not available.*")

RULES = {
    "none": None,
    "sigma": Discrepancy(1e-3),
    "variance": WindowedVariance(interval=CHECK_EVERY, window=2, start_at=0),
    "converged": Converged(interval=CHECK_EVERY, change=0.0),
}


@pytest.fixture
def device():
    with PretendDevice("cuda") as device:
        yield device


def waits(state, device, iterations):
    """What each iteration waited for: in its step, and in the decision after it."""
    for iteration in range(iterations):
        device.waits.clear()
        state.step(iteration)
        in_step = list(device.waits)
        device.waits.clear()
        assert state.terminate(iteration + 1) is None
        yield in_step, list(device.waits)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("fresh_noise", [True, False])
def test_only_checks_wait(problem, settings, device, rule, fresh_noise):
    settings = replace(settings, stopping=RULES[rule], fresh_noise=fresh_noise)
    state = FitState(problem, settings, 0, device.place)

    found = list(waits(state, device, settings.iterations))

    assert not any(in_step for in_step, _ in found)
    waited = [i for i, (_, in_decision) in enumerate(found, start=1) if in_decision]
    assert waited == [1, 10, 20, 25]  # the first, each check, the last
    assert all(len(in_decision) <= 2 for _, in_decision in found)


@pytest.mark.parametrize(
    "changes",
    [
        {"r2r": 0.5, "input": InputSpec("image")},
        {"r2r": 0.5, "input": InputSpec("image"), "noise_correlation": 1.0},
        {"total_variation": 0.1, "schedule": "one-cycle", "layout": "channels-last"},
    ],
    ids=["r2r", "correlated", "total variation"],
)
def test_no_setting_makes_a_step_wait(problem, settings, device, changes):
    problem = replace(problem, guide=problem.y, noise_shape=torch.ones(1, 1, 16, 20))
    state = FitState(problem, replace(settings, **changes), 0, device.place)

    assert not any(in_step for in_step, _ in waits(state, device, 5))


@pytest.mark.parametrize(
    "operator",
    [
        Mask(torch.arange(20).expand(16, 20) % 3 > 0),
        Downsample(2, 2),
        Blur(torch.ones(3, 5)),
        Mask(torch.arange(20).expand(16, 20) % 3 > 0, Blur(torch.ones(3, 3))),
    ],
    ids=["mask", "downsample", "blur", "masked blur"],
)
def test_no_operator_makes_a_step_wait(problem, settings, device, operator):
    state = FitState(Problem(problem.y, operator), settings, 0, device.place)

    assert not any(in_step for in_step, _ in waits(state, device, 5))


def test_reports_wait_and_nothing_between_them(problem, settings, device):
    settings = replace(settings, iterations=9)
    seen = []
    for _ in fit(problem, settings, device=device.place, report_every=4):
        seen.append(list(device.waits))
        device.waits.clear()

    # What begins a fit, and what ends it, moves much. In between are the loss and the image.
    assert len(seen) == 4  # of iterations 1, 4, 8 and 9
    assert [len(each) for each in seen[1:3]] == [3, 3]


def test_fit_is_that_of_the_cpu(problem, settings, device):
    *_, here = fit(problem, settings)
    *_, there = fit(problem, settings, device=device.place)

    assert torch.allclose(there.image, here.image, atol=1e-3)
    assert {value.device.type for value in there.weights[0].values()} == {"cpu"}
