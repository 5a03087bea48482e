"""Averaging the outputs of a fit, and going back when it breaks."""

import math

import pytest
import torch
from torch import nn

from napari_dip.engine.safeguards import JUMP, MOST_JUMPS, Backtracking, ExponentialAverage


def test_an_average_starts_at_the_first_image_and_follows_slowly():
    average = ExponentialAverage(0.9)
    average.update(torch.tensor([1.0]))
    assert average.copy().item() == 1.0
    average.update(torch.tensor([2.0]))
    assert average.copy().item() == pytest.approx(1.1)
    average.update(torch.tensor([2.0]))
    assert average.copy().item() == pytest.approx(1.19)


def test_an_average_of_weight_0_is_the_newest_image():
    average = ExponentialAverage(0)
    for value in (1.0, 5.0, 3.0):
        average.update(torch.tensor([value]))
        assert average.copy().item() == value


@pytest.mark.parametrize("weight", [0, 0.9])
def test_an_average_copies_images_in_and_out(weight):
    average = ExponentialAverage(weight)
    x = torch.tensor([1.0], requires_grad=True)
    average.update(x)
    with torch.no_grad():
        x += 1
    out = average.copy()
    assert out.item() == 1.0
    assert not out.requires_grad
    average.update(torch.tensor([9.0]))
    assert out.item() == 1.0


def test_bfloat16_images_are_averaged_in_float32():
    average = ExponentialAverage(0.99)
    for _ in range(3):
        average.update(torch.ones(2, dtype=torch.bfloat16))
    assert average.copy().dtype == torch.float32


def test_an_average_of_no_images_is_an_error():
    with pytest.raises(RuntimeError, match="no image"):
        ExponentialAverage(0.5).copy()


class Fit:
    """A network with BatchNorm, a few steps into its training."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 1, 1))
        self.optimizer = torch.optim.Adam(self.network.parameters(), 0.01, fused=True)
        self.average = ExponentialAverage(0.9)
        self.backtracking = Backtracking(self.network, self.optimizer, self.average)
        self.z = torch.rand(1, 2, 8, 8)
        self.advance(3)

    def advance(self, steps: int) -> None:
        for _ in range(steps):
            self.optimizer.zero_grad()
            x = self.network(self.z)
            x.square().mean().backward()
            self.optimizer.step()
            self.average.update(x)

    def state(self) -> list[torch.Tensor]:
        """Weights, BatchNorm's buffers, Adam's moments and step counts, the average."""
        moments = self.optimizer.state_dict()["state"].values()
        parts = [*self.network.state_dict().values(), *(t for m in moments for t in m.values())]
        assert len(parts) == 9 + 6 * 3
        return [part.detach().clone() for part in [*parts, self.average.copy()]]

    def destroy(self) -> None:
        with torch.no_grad():
            for value in [*self.network.state_dict().values(), self.average.value]:
                value.fill_(7)
            for moments in self.optimizer.state.values():
                for value in moments.values():
                    value.fill_(math.nan)


@pytest.fixture
def fit():
    return Fit()


def same(one, two) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_destroyed_fit_comes_back_bit_by_bit(fit):
    assert not fit.backtracking.inspect([0.5, 0.4])
    good = fit.state()
    for _ in range(2):  # what was put back is no alias of what is remembered
        fit.destroy()
        assert not same(fit.state(), good)
        fit.backtracking.restore()
        assert same(fit.state(), good)
        fit.advance(2)
        assert not same(fit.state(), good)


def test_a_fit_that_went_back_continues_as_before(fit):
    fit.backtracking.save()
    fit.advance(4)
    expected = fit.state()
    fit.destroy()
    fit.backtracking.restore()
    fit.advance(4)
    assert same(fit.state(), expected)


def test_going_back_keeps_the_learning_rate(fit):
    fit.backtracking.save()
    fit.optimizer.param_groups[0]["lr"] = 0.005
    fit.backtracking.restore()
    assert fit.optimizer.param_groups[0]["lr"] == 0.005


@pytest.mark.parametrize("broken", [math.nan, math.inf])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_loss_that_is_not_finite_makes_the_fit_go_back(fit, broken, place):
    fit.backtracking.inspect([0.5, 0.4])
    good = fit.state()
    fit.advance(3)
    losses = [0.4, 0.4, 0.4]
    losses[place] = broken
    assert fit.backtracking.inspect(losses)
    assert fit.backtracking.failures == 1
    assert same(fit.state(), good)


def test_failures_in_a_row_are_counted(fit):
    for _ in range(4):
        fit.backtracking.inspect([math.nan])
    assert fit.backtracking.failures == 4
    fit.backtracking.inspect([0.4])
    assert fit.backtracking.failures == 0


def test_a_jump_makes_the_fit_go_back_and_noise_does_not(fit):
    fit.backtracking.inspect([0.3, 0.2, 0.1])
    assert not fit.backtracking.inspect([0.2 * JUMP * 0.99])
    fit.backtracking.inspect([0.2])
    good = fit.state()
    fit.advance(2)
    assert fit.backtracking.inspect([0.2, 0.2, 0.2 * JUMP * 1.01])
    assert same(fit.state(), good)


def test_a_jump_between_two_checks_is_ignored(fit):
    fit.backtracking.inspect([0.1])
    assert not fit.backtracking.inspect([0.9, 0.1])


def test_the_first_losses_cannot_jump(fit):
    assert not fit.backtracking.inspect([1e9])


def test_a_jump_that_keeps_coming_is_let_through(fit):
    fit.backtracking.inspect([0.1])
    judged = [fit.backtracking.inspect([1.0]) for _ in range(MOST_JUMPS + 2)]
    assert judged == [True] * MOST_JUMPS + [False, False]
    assert fit.backtracking.inspect([10.0])  # the next is one again


def test_before_the_first_image_there_is_no_average_to_put_back():
    network = nn.Linear(1, 1)
    average = ExponentialAverage(0.9)
    backtracking = Backtracking(network, torch.optim.Adam(network.parameters()), average)
    average.update(torch.ones(1))
    backtracking.restore()
    assert average.value is None


def test_a_loss_that_is_no_error_never_jumps(fit):
    fit.backtracking.jump = None
    assert not fit.backtracking.inspect([-9.0])
    for loss in (-20.0, -2.0, 0.1, 50.0):
        assert not fit.backtracking.inspect([loss])
    assert fit.backtracking.inspect([math.nan])
