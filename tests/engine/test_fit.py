"""The loop of a fit: progress, stopping, safeguards, several runs."""

import math
import threading
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import nn

from napari_dip.engine import fit as fit_module
from napari_dip.engine.fit import CHECK_EVERY, FitState, StopReason, fit, fit_mean
from napari_dip.engine.inputs import InputSpec
from napari_dip.engine.losses import squared_error
from napari_dip.engine.memory import OutOfMemory
from napari_dip.engine.networks import NetworkSpec
from napari_dip.engine.operators import Blur, Downsample, Identity, Mask
from napari_dip.engine.problem import Problem
from napari_dip.engine.stopping import (
    Converged,
    Discrepancy,
    StopDecision,
    StoppingMonitor,
    StoppingRule,
)
from napari_dip.errors import UserError


def last(progress):
    *_, final = progress
    return final


class StopAt:
    """A should_stop that says yes from its n-th question on."""

    def __init__(self, n: int) -> None:
        self.n, self.asked = n, 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked >= self.n


class Broken:
    """A data term that is not a number at some of its calls, counted from 1."""

    def __init__(self, *calls: int) -> None:
        self.broken, self.calls = calls, 0

    def __call__(self, prediction, y):
        self.calls += 1
        loss = squared_error(prediction, y)
        return loss * math.nan if self.calls in self.broken else loss


# What a fit gives


@pytest.mark.parametrize("schedule", ["constant", "one-cycle"])
@pytest.mark.parametrize("fresh", [True, False])
def test_the_loss_falls(problem, settings, schedule, fresh):
    longer = replace(settings, iterations=120, schedule=schedule, fresh_noise=fresh)
    reports = list(fit(problem, longer))
    assert reports[-1].loss < 0.3 * reports[0].loss
    error = squared_error(reports[-1].image[None], problem.y).item()
    assert error < 0.05


@pytest.mark.parametrize("kind", ["unet", "resnet", "pixels"])
def test_every_kind_of_network_learns(problem, settings, kind):
    other = replace(settings, network=NetworkSpec(kind, (6, 6)), iterations=60)
    reports = list(fit(problem, other))
    assert reports[-1].loss < 0.7 * reports[0].loss


def test_volumes_are_fitted(settings):
    y = torch.linspace(0, 1, 16).expand(1, 1, 4, 16, 16)
    reports = list(fit(Problem(y, Blur(torch.ones(2, 3, 3))), replace(settings, iterations=40)))
    assert reports[-1].image.shape == (1, 4, 16, 16)
    assert reports[-1].loss < reports[0].loss


@pytest.mark.parametrize(
    ("operator", "sides"),
    [(Downsample(2, 2), (32, 40)), (Blur(torch.ones(3, 4)), (16, 20))],
    ids=["decimation", "blur"],
)
def test_the_image_is_cropped_to_the_visible_part(problem, settings, operator, sides):
    final = last(fit(replace(problem, operator=operator), settings))
    assert final.image.shape == (3, *sides)


def test_masked_pixels_do_not_change_the_fit(problem, settings):
    observed = torch.rand(16, 20, generator=torch.Generator().manual_seed(0)) > 0.5
    one = replace(problem, operator=Mask(observed), y=problem.y * observed)
    two = replace(one, y=torch.where(observed, problem.y, 0.0))
    other = replace(one, y=problem.y * observed)
    images = [last(fit(p, settings)).image for p in (one, two, other)]
    assert torch.equal(images[0], images[1])
    assert torch.equal(images[0], images[2])


def test_total_variation_smooths(settings):
    noisy = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    pixels = replace(settings, network=NetworkSpec("pixels"), iterations=200, average=0.0)
    rough, smooth = (
        last(fit(Problem(noisy, Mask(torch.ones(16, 16))), replace(pixels, total_variation=w)))
        for w in (0.0, 1.0)
    )
    assert smooth.image.std() < 0.3 * rough.image.std()


def test_r2r_moves_noise_from_the_target_to_the_input(settings):
    """With all of it moved, an input of pure noise is of no use and the fit stays flat."""
    noisy = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    problem = Problem(noisy, Mask(torch.ones(16, 16)), guide=noisy)
    own = replace(settings, input=InputSpec("image"), iterations=150, input_noise=0.3, average=0.0)
    errors = [
        last(fit(problem, replace(own, r2r=share))).image.sub(noisy[0]).square().mean()
        for share in (0.0, 1.0)
    ]
    assert errors[1] > 1.2 * errors[0]


def test_r2r_needs_the_image_as_input(problem, settings):
    with pytest.raises(ValueError, match="r2r"):
        list(fit(problem, replace(settings, r2r=0.5)))


def test_bfloat16_changes_the_image_a_little(problem, settings):
    final = last(fit(problem, replace(settings, precision="bfloat16", iterations=60)))
    assert final.image.dtype == torch.float32
    assert final.loss < 0.1


# Progress


def test_the_first_and_the_last_iteration_report(problem, settings):
    reports = list(fit(problem, settings, report_every=10))
    assert [r.iteration for r in reports] == [1, 10, 20, 25]
    assert {r.iterations for r in reports} == {25}
    assert [r.stop_reason for r in reports] == [None, None, None, StopReason.BUDGET]
    seconds = [r.seconds for r in reports]
    assert seconds == sorted(seconds)
    assert all(math.isfinite(r.loss) for r in reports)


def test_a_last_iteration_on_the_interval_reports_once(problem, settings):
    reports = list(fit(problem, replace(settings, iterations=20), report_every=10))
    assert [r.iteration for r in reports] == [1, 10, 20]


def test_pitfall_05_images_are_copies(problem, settings):
    clean = [r.image.clone() for r in fit(problem, settings)]
    for kept, report in zip(clean, fit(problem, settings), strict=True):
        assert not report.image.requires_grad
        assert torch.equal(report.image, kept)
        report.image.fill_(7)


@pytest.mark.parametrize("report_every", [1, 7, 1000])
def test_reporting_does_not_change_the_result(problem, settings, report_every):
    often = last(fit(problem, settings, report_every=report_every))
    assert torch.equal(often.image, last(fit(problem, settings)).image)


# Seeds


@pytest.mark.parametrize("fresh", [True, False])
def test_the_seed_decides(problem, settings, fresh):
    settings = replace(settings, fresh_noise=fresh)
    one, same, other = (last(fit(problem, settings, seed=s)).image for s in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_global_generator_is_left_alone(problem, settings):
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    one = last(fit(problem, settings))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one.image, last(fit(problem, settings)).image)


def test_generators_of_gpus_are_left_alone(problem, settings, monkeypatch):
    def forbidden(seed):
        raise AssertionError("seeds all devices")

    monkeypatch.setattr(torch, "manual_seed", forbidden)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", forbidden)
    next(fit(problem, settings))


# Stopping and pausing


@pytest.mark.parametrize("k", [1, 2, 13])
def test_stopping_ends_within_the_iteration(problem, settings, k):
    stop = StopAt(k)
    final = last(fit(problem, settings, should_stop=stop))
    assert final.stop_reason is StopReason.CANCELLED
    assert final.iteration == k
    assert stop.asked == k
    # The image is that of a fit of so many iterations.
    short = replace(settings, iterations=k)
    assert torch.equal(final.image, last(fit(problem, short)).image)


def test_a_should_stop_that_waits_pauses_the_fit(problem, settings):
    go_on, waiting = threading.Event(), threading.Event()
    asked = []

    def wait() -> bool:
        asked.append(None)
        if len(asked) == 12:
            waiting.set()
            assert go_on.wait(30)
        return False

    seen = []
    thread = threading.Thread(
        target=lambda: seen.extend(fit(problem, settings, report_every=1, should_stop=wait))
    )
    thread.start()
    assert waiting.wait(30)
    paused_at = len(seen)
    go_on.set()
    thread.join(30)
    assert paused_at == 12
    assert seen[-1].stop_reason is StopReason.BUDGET
    assert torch.equal(seen[-1].image, last(fit(problem, settings)).image)


class Best(StoppingRule):
    """Remembers the image of one iteration and stops at a later one."""

    def __init__(self, best: int, stop: int) -> None:
        self.best, self.stop = best, stop

    def start(self) -> StoppingMonitor:
        rule = self

        class Judge(StoppingMonitor):
            interval = 5

            def update(self, fit):
                assert fit.residual() == pytest.approx(fit.residual())
                assert not fit.output.requires_grad
                if fit.iteration == rule.best:
                    return StopDecision.BEST
                is_over = fit.iteration == rule.stop
                return StopDecision.STOP if is_over else StopDecision.CONTINUE

        return Judge()


def test_a_rule_stops_and_gives_its_best_image(problem, settings):
    final = last(fit(problem, replace(settings, stopping=Best(15, 20))))
    assert final.stop_reason is StopReason.RULE
    assert final.iteration == 20
    at_15 = last(fit(problem, settings, should_stop=StopAt(15)))
    assert torch.equal(final.image, at_15.image)


def test_the_best_image_counts_when_the_budget_ends_first(problem, settings):
    final = last(fit(problem, replace(settings, stopping=Best(15, 1000))))
    assert final.stop_reason is StopReason.BUDGET
    at_15 = last(fit(problem, settings, should_stop=StopAt(15)))
    assert torch.equal(final.image, at_15.image)


def test_a_fit_that_has_converged_ends(problem, settings):
    rule = Converged(10, change=1.0, patience=2, start_at=20)
    final = last(fit(problem, replace(settings, iterations=100, stopping=rule)))
    assert final.stop_reason is StopReason.RULE
    assert final.iteration == 40
    restless = replace(settings, iterations=60, stopping=replace(rule, change=0.0))
    assert last(fit(problem, restless)).stop_reason is StopReason.BUDGET


def test_discrepancy_stops_at_the_noise(problem, settings):
    longer = replace(settings, iterations=300, average=0.5, stopping=Discrepancy(0.15))
    final = last(fit(problem, longer))
    assert final.stop_reason is StopReason.RULE
    assert squared_error(final.image[None], problem.y).item() <= 0.15**2
    earlier = last(fit(problem, longer, should_stop=StopAt(final.iteration - 10)))
    assert squared_error(earlier.image[None], problem.y).item() > 0.15**2


# Breaking and recovering


@pytest.mark.parametrize("call", [2, 10, 14, 20])
def test_a_loss_that_is_not_a_number_is_recovered_from(problem, settings, call):
    reports = list(fit(replace(problem, fidelity=Broken(call)), settings, report_every=1))
    assert reports[-1].stop_reason is StopReason.BUDGET
    assert all(r.image.isfinite().all() for r in reports)
    assert reports[-1].loss < reports[0].loss


def test_one_failure_costs_one_window(problem, settings, monkeypatch):
    """The broken loss is not counted again with the next ones."""
    restored = []
    original = fit_module.Backtracking.restore

    def counted(self):
        restored.append(None)
        original(self)

    monkeypatch.setattr(fit_module.Backtracking, "restore", counted)
    last(fit(replace(problem, fidelity=Broken(20)), replace(settings, iterations=60)))
    assert len(restored) == 1


def test_after_a_failure_the_learning_rate_is_halved(problem, settings, monkeypatch):
    runs, make = [], fit_module.FitState
    monkeypatch.setattr(fit_module, "FitState", lambda *a: runs.append(make(*a)) or runs[0])
    last(fit(replace(problem, fidelity=Broken(14)), settings))
    (rate,) = (group["lr"] for group in runs[0].optimizer.param_groups)
    assert rate == settings.learning_rate / 2


def test_cancelled_in_the_middle_of_a_failure(problem, settings):
    broken = replace(problem, fidelity=Broken(12))
    final = last(fit(broken, settings, should_stop=StopAt(15)))
    assert final.image.isfinite().all()
    assert torch.equal(final.image, last(fit(problem, settings, should_stop=StopAt(10))).image)


def test_an_objective_without_bounds_never_backtracks(problem, settings, monkeypatch):
    def restore(self):
        pytest.fail("went back")

    monkeypatch.setattr(fit_module.Backtracking, "restore", restore)
    problem = replace(problem, fidelity=lambda x, y: -100 * x.mean(), has_optimum=False)
    first, *_, final = fit(problem, replace(settings, iterations=3 * CHECK_EVERY))
    assert final.loss < first.loss < 0


def test_a_fit_that_keeps_breaking_ends_with_the_last_good_image(problem, settings):
    broken = replace(problem, fidelity=Broken(*range(12, 10**4)))
    final = last(fit(broken, replace(settings, iterations=500)))
    assert final.stop_reason is StopReason.DIVERGED
    assert final.iteration == CHECK_EVERY * (1 + fit_module.MOST_FAILURES + 1)
    assert torch.equal(final.image, last(fit(problem, settings, should_stop=StopAt(10))).image)


def test_a_loss_that_is_never_finite_is_an_error(problem, settings):
    with pytest.raises(UserError, match="learning_rate: the loss is not a finite number"):
        list(fit(replace(problem, fidelity=Broken(*range(1, 100))), settings))


def test_a_rule_is_not_shown_outputs_that_were_taken_back(problem, settings):
    outputs = []

    class Recording(StoppingRule):
        def start(self):
            class Judge(StoppingMonitor):
                def update(self, fit):
                    outputs.append(fit.output.clone())
                    return StopDecision.CONTINUE

            return Judge()

    broken = replace(problem, fidelity=Broken(14))
    last(fit(broken, replace(settings, iterations=40, stopping=Recording())))
    assert len(outputs) == 3
    assert all(output.isfinite().all() for output in outputs)


def test_out_of_memory_names_the_remedy(problem, settings):
    def full(prediction, y):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(OutOfMemory, match="restore a crop"):
        list(fit(replace(problem, fidelity=full), settings))


@pytest.mark.parametrize("shape", [(16, 20), (4, 16, 20)])
def test_the_layout_changes_no_more_than_rounding(settings, shape):
    y = torch.rand(1, 1, *shape)
    # Noise is drawn in memory's order.
    plain = replace(settings, iterations=1, input_noise=0.0)
    images = [
        last(fit(Problem(y, Identity()), replace(plain, layout=layout))).image
        for layout in ("contiguous", "channels-last")
    ]
    assert torch.allclose(*images, atol=1e-4)


# Means of several runs


def test_the_mean_of_runs_is_the_mean_of_their_seeds(problem, settings):
    reports = list(fit_mean(problem, settings, runs=3, seed=5))
    single = [last(fit(problem, settings, seed=5 + i)).image for i in range(3)]
    torch.testing.assert_close(reports[-1].image, torch.stack(single).mean(dim=0))
    assert [r.stop_reason for r in reports] == [None] * (len(reports) - 1) + [StopReason.BUDGET]
    assert [r.iteration for r in reports] == [
        start + i for start in (0, 25, 50) for i in (1, 10, 20, 25)
    ]
    assert {r.iterations for r in reports} == {75}
    seconds = [r.seconds for r in reports]
    assert seconds == sorted(seconds)


def test_one_run_is_a_fit(problem, settings):
    assert torch.equal(
        last(fit_mean(problem, settings, runs=1, seed=2)).image,
        last(fit(problem, settings, seed=2)).image,
    )


def test_the_spread_of_runs_comes_at_their_end(problem, settings):
    *early, final = fit_mean(problem, settings, runs=3, seed=5)
    single = [last(fit(problem, settings, seed=seed)).image for seed in (5, 6, 7)]
    assert torch.allclose(final.spread, torch.stack(single).std(dim=0))
    assert all(report.spread is None for report in early)


def test_one_run_has_no_spread(problem, settings):
    assert last(fit_mean(problem, settings, runs=1)).spread is None


def test_cancelled_in_its_first_run_it_gives_that_runs_image(problem, settings):
    final = last(fit_mean(problem, settings, runs=2, should_stop=StopAt(7)))
    assert (final.stop_reason, final.iteration) == (StopReason.CANCELLED, 7)
    assert torch.equal(final.image, last(fit(problem, settings, should_stop=StopAt(7))).image)


def test_cancelled_later_it_gives_the_mean_of_the_finished_runs(problem, settings):
    # 24 questions in each run: the first iteration is not asked for.
    final = last(fit_mean(problem, settings, runs=3, should_stop=StopAt(24 + 24 + 6)))
    assert (final.stop_reason, final.iteration) == (StopReason.CANCELLED, 25 + 25 + 6)
    two = [last(fit(problem, settings, seed=seed)).image for seed in (0, 1)]
    torch.testing.assert_close(final.image, torch.stack(two).mean(dim=0))


def test_a_rule_ends_each_run(problem, settings):
    reports = list(fit_mean(problem, replace(settings, stopping=Best(10, 15)), runs=2))
    assert (reports[-1].iteration, reports[-1].stop_reason) == (30, StopReason.RULE)
    assert reports[-2].iterations == 15 + 25


def test_a_fit_can_start_from_anothers_weights(problem, settings):
    first = last(fit(problem, settings))
    again = last(fit(problem, settings, weights=first.weights[0]))
    assert again.loss < first.loss
    start = next(fit(problem, settings, weights=first.weights[0]))
    assert not start.weights
    assert start.loss < next(fit(problem, settings)).loss / 2
    # They are copies: the fit that they came from, or go to, leaves them alone.
    repeated = last(fit(problem, settings, weights=first.weights[0]))
    assert torch.equal(again.image, repeated.image)


def test_each_run_starts_from_its_own_weights(problem, settings):
    first = last(fit_mean(problem, settings, runs=2))
    assert len(first.weights) == 2
    assert not all(
        torch.equal(a, b)
        for a, b in zip(first.weights[0].values(), first.weights[1].values(), strict=True)
    )
    again = last(fit_mean(problem, settings, runs=2, weights=first.weights))
    alone = [last(fit(problem, settings, seed=n, weights=first.weights[n])) for n in (0, 1)]
    assert torch.equal(again.image, torch.stack([run.image for run in alone]).mean(dim=0))


# Cycle spinning


class Recorder(nn.Module):
    """A network that gives back what it is shown, and keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = []

    def forward(self, z):
        self.seen.append(z)
        return z


@pytest.mark.parametrize("space", [(8, 10), (3, 8, 10)])
def test_an_image_is_moved_under_the_block_grid_within_its_slices(settings, space):
    y = torch.rand(1, 1, *space)
    spec = replace(settings, input=InputSpec("image"))
    spec = replace(spec, network=replace(spec.network, shuffle=2))
    run = FitState(Problem(y, Identity(), guide=y), spec, 0, torch.device("cpu"))
    run.network = Recorder()
    for iteration in range(8):
        assert torch.equal(run.cycle_spin(y, iteration), y)
    assert {seen.shape[2:] for seen in run.network.seen} == {(*space[:-2], 10, 12)}
    height, width = space[-2:]
    for seen, (left, top) in zip(
        run.network.seen, 2 * list(product(range(2), repeat=2)), strict=True
    ):
        assert torch.equal(seen[..., top : top + height, left : left + width], y)
        # Around it is its own border, not the opposite one.
        assert torch.equal(seen[..., -1, left : left + width], y[..., -1, :])
        assert torch.equal(seen[..., top : top + height, -1], y[..., -1])
