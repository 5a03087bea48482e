from dataclasses import replace

import pytest

from napari_dip.ui.session import Pace, describe

from .standins import Engine


def update(iteration, seconds, iterations=100):
    engine = Engine(iterations=iterations)
    return replace(engine.update(iteration), seconds=seconds)


def test_the_time_left_forgets_compiling_and_pauses():
    pace = Pace()
    assert pace.seconds_left(update(1, 0.1)) is None
    left = [pace.seconds_left(update(i, 60 + i)) for i in range(2, 20)]
    assert left[0] > 1000  # it has only seen the compilation
    assert left[-1] == pytest.approx(100 - 19)


def test_progress_is_told_in_words():
    assert describe(update(5, 1), None) == "5 / 100"
    assert describe(update(5, 1), 7.4) == "5 / 100 · 7 s left"
    assert describe(update(5, 1), 125) == "5 / 100 · 2 min 05 s left"
