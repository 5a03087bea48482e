from typing import Any

import torch

from napari_dip.engine.stopping import Converged, Discrepancy, StopDecision, WindowedVariance

ANYTHING = torch.zeros(1, 1, 4, 4)


def unasked() -> Any:
    raise AssertionError("it costs a pass over the image")


def test_discrepancy_stops_when_the_residual_is_down_to_the_noise():
    watch = Discrepancy(0.1).start()
    verdicts = [
        watch.update(i, ANYTHING, unasked, lambda r=r: r)
        for i, r in enumerate((0.5, 0.011, 0.0099))
    ]
    assert verdicts == [StopDecision.CONTINUE, StopDecision.CONTINUE, StopDecision.STOP]


def test_discrepancy_does_not_stop_on_a_broken_fit():
    assert (
        Discrepancy(0.1).start().update(10, ANYTHING, unasked, lambda: float("nan"))
        is StopDecision.CONTINUE
    )


def swinging(size: float, update: int) -> torch.Tensor:
    """An output that is off by +size or -size in turn: a variance of size ** 2 in any window."""
    return torch.full((1, 1, 4, 4), 0.5 + (size if update % 2 else -size))


def run(rule: WindowedVariance, sizes: list[float]) -> list[StopDecision]:
    watch = rule.start()
    assert watch.interval == rule.interval
    looks = [
        watch.update((i + 1) * rule.interval, swinging(size, i), unasked, unasked)
        for i, size in enumerate(sizes)
    ]
    return looks[: looks.index(StopDecision.STOP) + 1] if StopDecision.STOP in looks else looks


def test_windowed_variance_finds_the_minimum():
    # Calmer and calmer until look 40, then noise is learned.
    sizes = [max(0.01, abs(40 - i) / 100) for i in range(120)]
    looks = run(WindowedVariance(window=4, patience=10, start_at=0), sizes)
    best = len(looks) - 1 - looks[::-1].index(StopDecision.BEST)
    assert best in range(39, 45)  # a window later at most
    assert looks[-1] is StopDecision.STOP
    assert len(looks) == best + 1 + 10 + 1  # patience, and the look that ends it


def test_windowed_variance_waits_for_a_full_window_and_the_start():
    looks = run(WindowedVariance(window=6, patience=50, start_at=0), [0.1] * 8)
    assert looks.index(StopDecision.BEST) == 5
    looks = run(WindowedVariance(window=2, patience=50, start_at=100, interval=5), [0.1] * 30)
    assert looks.index(StopDecision.BEST) == 19


def test_windowed_variance_is_patient():
    ups_and_downs = [0.5, 0.4, 0.45, 0.45, 0.45, 0.3, 0.35, 0.35, 0.35, 0.2] * 1
    rule = WindowedVariance(window=2, patience=5, start_at=0)
    assert StopDecision.STOP not in run(rule, ups_and_downs)


def test_each_fit_is_watched_anew():
    rule = WindowedVariance(window=2, patience=2, start_at=0)
    sizes = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert run(rule, sizes) == run(rule, sizes)


def test_a_large_output_is_sampled():
    watch = WindowedVariance(window=2).start()
    watch.update(1, torch.rand(1, 3, 400, 400), unasked, unasked)
    assert watch.seen[0].numel() <= 2 * watch.SAMPLES


def test_a_broken_output_is_no_minimum():
    watch = WindowedVariance(window=2, patience=3, start_at=0).start()
    broken = torch.full((1, 1, 4, 4), float("nan"))
    verdicts = [watch.update(i, broken, unasked, unasked) for i in range(8)]
    assert verdicts[-1] is StopDecision.STOP
    assert StopDecision.BEST not in verdicts


def converges_at(rule: Converged, changes: list[float]) -> int:
    """The look, from 1, at which an image that changes like this is taken as converged; 0 never."""
    watch = rule.start()
    value = 0.0
    for i, change in enumerate(changes, 1):
        value += change
        image = torch.full((1, 1, 4, 4), value)
        verdict = watch.update(i * rule.interval, ANYTHING, lambda image=image: image, unasked)
        if verdict is StopDecision.STOP:
            return i
    return 0


def test_an_image_that_rests_has_converged():
    changes = [0.1, 0.1, 1e-4, 0.1, 1e-4, 1e-4, 1e-4]
    assert converges_at(Converged(5, change=1e-3, patience=2), changes) == 6
    assert converges_at(Converged(5, change=1e-5, patience=2), changes) == 0


def test_a_fit_that_has_not_begun_has_not_settled():
    assert converges_at(Converged(5, change=1e-3, patience=2, start_at=30), [0.0] * 12) == 8
    # Not even looked at.
    assert (
        Converged(5, start_at=30).start().update(5, ANYTHING, unasked, unasked)
        is StopDecision.CONTINUE
    )


def test_a_broken_image_has_not_settled():
    assert converges_at(Converged(5, change=1e-3), [float("nan")] * 12) == 0
