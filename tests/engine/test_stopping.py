from typing import Any

import torch

from napari_dip.engine.stopping import (
    Converged,
    Discrepancy,
    FitSnapshot,
    StopDecision,
    WindowedVariance,
)

ANYTHING = torch.zeros(1, 1, 4, 4)


def unasked() -> Any:
    raise AssertionError("it costs a pass over the image")


def test_discrepancy_stops_when_the_residual_is_down_to_the_noise():
    monitor = Discrepancy(0.1).start()
    decisions = [
        monitor.update(FitSnapshot(i, ANYTHING, unasked, lambda r=r: r))
        for i, r in enumerate((0.5, 0.011, 0.0099))
    ]
    assert decisions == [StopDecision.CONTINUE, StopDecision.CONTINUE, StopDecision.STOP]


def test_discrepancy_does_not_stop_on_a_broken_fit():
    assert (
        Discrepancy(0.1).start().update(FitSnapshot(10, ANYTHING, unasked, lambda: float("nan")))
        is StopDecision.CONTINUE
    )


def swinging(size: float, update: int) -> torch.Tensor:
    """An output that is off by +size or -size in turn: a variance of size ** 2 in any window."""
    return torch.full((1, 1, 4, 4), 0.5 + (size if update % 2 else -size))


def run(rule: WindowedVariance, sizes: list[float]) -> list[StopDecision]:
    monitor = rule.start()
    assert monitor.interval == rule.interval
    updates = [
        monitor.update(FitSnapshot((i + 1) * rule.interval, swinging(size, i), unasked, unasked))
        for i, size in enumerate(sizes)
    ]
    return (
        updates[: updates.index(StopDecision.STOP) + 1] if StopDecision.STOP in updates else updates
    )


def test_windowed_variance_finds_the_minimum():
    # Calmer and calmer until update 40, then noise is learned.
    sizes = [max(0.01, abs(40 - i) / 100) for i in range(120)]
    updates = run(WindowedVariance(window=4, patience=10, start_at=0), sizes)
    best = len(updates) - 1 - updates[::-1].index(StopDecision.BEST)
    assert best in range(39, 45)  # a window later at most
    assert updates[-1] is StopDecision.STOP
    assert len(updates) == best + 1 + 10 + 1  # patience, and the update that ends it


def test_windowed_variance_waits_for_a_full_window_and_the_start():
    updates = run(WindowedVariance(window=6, patience=50, start_at=0), [0.1] * 8)
    assert updates.index(StopDecision.BEST) == 5
    updates = run(WindowedVariance(window=2, patience=50, start_at=100, interval=5), [0.1] * 30)
    assert updates.index(StopDecision.BEST) == 19


def test_windowed_variance_is_patient():
    ups_and_downs = [0.5, 0.4, 0.45, 0.45, 0.45, 0.3, 0.35, 0.35, 0.35, 0.2] * 1
    rule = WindowedVariance(window=2, patience=5, start_at=0)
    assert StopDecision.STOP not in run(rule, ups_and_downs)


def test_each_fit_has_a_monitor_of_its_own():
    rule = WindowedVariance(window=2, patience=2, start_at=0)
    sizes = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert run(rule, sizes) == run(rule, sizes)


def test_a_large_output_is_sampled():
    monitor = WindowedVariance(window=2).start()
    monitor.update(FitSnapshot(1, torch.rand(1, 3, 400, 400), unasked, unasked))
    assert monitor.seen[0].numel() <= 2 * monitor.SAMPLES


def test_a_broken_output_is_no_minimum():
    monitor = WindowedVariance(window=2, patience=3, start_at=0).start()
    broken = torch.full((1, 1, 4, 4), float("nan"))
    decisions = [monitor.update(FitSnapshot(i, broken, unasked, unasked)) for i in range(8)]
    assert decisions[-1] is StopDecision.STOP
    assert StopDecision.BEST not in decisions


def converges_at(rule: Converged, changes: list[float]) -> int:
    """The number of the update at which the rule stops on these changes; 0 for never."""
    monitor = rule.start()
    value = 0.0
    for i, change in enumerate(changes, 1):
        value += change
        image = torch.full((1, 1, 4, 4), value)
        decision = monitor.update(
            FitSnapshot(i * rule.interval, ANYTHING, lambda image=image: image, unasked)
        )
        if decision is StopDecision.STOP:
            return i
    return 0


def test_an_image_that_no_longer_changes_has_converged():
    changes = [0.1, 0.1, 1e-4, 0.1, 1e-4, 1e-4, 1e-4]
    assert converges_at(Converged(5, change=1e-3, patience=2), changes) == 6
    assert converges_at(Converged(5, change=1e-5, patience=2), changes) == 0


def test_convergence_does_not_count_before_the_start():
    assert converges_at(Converged(5, change=1e-3, patience=2, start_at=30), [0.0] * 12) == 8
    # The image is not even computed.
    assert (
        Converged(5, start_at=30).start().update(FitSnapshot(5, ANYTHING, unasked, unasked))
        is StopDecision.CONTINUE
    )


def test_an_image_that_is_not_finite_has_not_converged():
    assert converges_at(Converged(5, change=1e-3), [float("nan")] * 12) == 0
