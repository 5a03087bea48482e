from typing import Any

import torch

from napari_dip.engine.stopping import Discrepancy, Settled, Verdict, WindowedVariance

ANYTHING = torch.zeros(1, 1, 4, 4)


def unasked() -> Any:
    raise AssertionError("it costs a pass over the image")


def test_discrepancy_stops_when_the_residual_is_down_to_the_noise():
    watch = Discrepancy(0.1).start()
    verdicts = [
        watch.look(i, ANYTHING, unasked, lambda r=r: r) for i, r in enumerate((0.5, 0.011, 0.0099))
    ]
    assert verdicts == [Verdict.CONTINUE, Verdict.CONTINUE, Verdict.STOP]


def test_discrepancy_does_not_stop_on_a_broken_fit():
    assert (
        Discrepancy(0.1).start().look(10, ANYTHING, unasked, lambda: float("nan"))
        is Verdict.CONTINUE
    )


def swinging(size: float, look: int) -> torch.Tensor:
    """An output that is off by +size or -size in turn: a variance of size ** 2 in any window."""
    return torch.full((1, 1, 4, 4), 0.5 + (size if look % 2 else -size))


def run(rule: WindowedVariance, sizes: list[float]) -> list[Verdict]:
    watch = rule.start()
    assert watch.interval == rule.interval
    looks = [
        watch.look((i + 1) * rule.interval, swinging(size, i), unasked, unasked)
        for i, size in enumerate(sizes)
    ]
    return looks[: looks.index(Verdict.STOP) + 1] if Verdict.STOP in looks else looks


def test_windowed_variance_finds_the_minimum():
    # Calmer and calmer until look 40, then noise is learned.
    sizes = [max(0.01, abs(40 - i) / 100) for i in range(120)]
    looks = run(WindowedVariance(window=4, patience=10, start_at=0), sizes)
    best = len(looks) - 1 - looks[::-1].index(Verdict.BEST)
    assert best in range(39, 45)  # a window later at most
    assert looks[-1] is Verdict.STOP
    assert len(looks) == best + 1 + 10 + 1  # patience, and the look that ends it


def test_windowed_variance_waits_for_a_full_window_and_the_start():
    looks = run(WindowedVariance(window=6, patience=50, start_at=0), [0.1] * 8)
    assert looks.index(Verdict.BEST) == 5
    looks = run(WindowedVariance(window=2, patience=50, start_at=100, interval=5), [0.1] * 30)
    assert looks.index(Verdict.BEST) == 19


def test_windowed_variance_is_patient():
    ups_and_downs = [0.5, 0.4, 0.45, 0.45, 0.45, 0.3, 0.35, 0.35, 0.35, 0.2] * 1
    rule = WindowedVariance(window=2, patience=5, start_at=0)
    assert Verdict.STOP not in run(rule, ups_and_downs)


def test_each_fit_is_watched_anew():
    rule = WindowedVariance(window=2, patience=2, start_at=0)
    sizes = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert run(rule, sizes) == run(rule, sizes)


def test_a_large_output_is_sampled():
    watch = WindowedVariance(window=2).start()
    watch.look(1, torch.rand(1, 3, 400, 400), unasked, unasked)
    assert watch.seen[0].numel() <= 2 * watch.SAMPLES


def test_a_broken_output_is_no_minimum():
    watch = WindowedVariance(window=2, patience=3, start_at=0).start()
    broken = torch.full((1, 1, 4, 4), float("nan"))
    verdicts = [watch.look(i, broken, unasked, unasked) for i in range(8)]
    assert verdicts[-1] is Verdict.STOP
    assert Verdict.BEST not in verdicts


def settling(rule: Settled, changes: list[float]) -> int:
    """The look, from 1, at which an image that changes like this is taken as settled; 0 never."""
    watch = rule.start()
    value = 0.0
    for i, change in enumerate(changes, 1):
        value += change
        image = torch.full((1, 1, 4, 4), value)
        verdict = watch.look(i * rule.interval, ANYTHING, lambda image=image: image, unasked)
        if verdict is Verdict.STOP:
            return i
    return 0


def test_an_image_that_rests_has_settled():
    changes = [0.1, 0.1, 1e-4, 0.1, 1e-4, 1e-4, 1e-4]
    assert settling(Settled(5, change=1e-3, patience=2), changes) == 6
    assert settling(Settled(5, change=1e-5, patience=2), changes) == 0


def test_a_fit_that_has_not_begun_has_not_settled():
    assert settling(Settled(5, change=1e-3, patience=2, start_at=30), [0.0] * 12) == 8
    # Not even looked at.
    assert Settled(5, start_at=30).start().look(5, ANYTHING, unasked, unasked) is Verdict.CONTINUE


def test_a_broken_image_has_not_settled():
    assert settling(Settled(5, change=1e-3), [float("nan")] * 12) == 0
