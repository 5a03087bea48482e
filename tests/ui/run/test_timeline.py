import numpy as np
import pytest

from napari_dip.ui.run.timeline import Snapshot, Timeline


def filled(budget, count, step=1):
    timeline = Timeline(budget)
    for i in range(1, count + 1):
        timeline.add(Snapshot(i * step, np.zeros(10, np.uint8)))
    return timeline


def iterations(timeline):
    return [s.iteration for s in timeline.snapshots]


def test_all_are_kept_while_there_is_room():
    assert iterations(filled(100, 10)) == list(range(1, 11))


def test_thinning_is_geometric_and_keeps_both_ends():
    kept = iterations(filled(100, 1000))
    assert len(kept) == 10
    assert (kept[0], kept[-1]) == (1, 1000)
    ratios = np.divide(kept[1:], kept[:-1])
    assert ratios.max() < 3  # 1000 ** (1 / 9) is 2.2


@pytest.mark.parametrize("budget", [0, 20])
def test_the_first_and_the_last_are_always_kept(budget):
    assert iterations(filled(budget, 50)) == [1, 50]


def test_the_last_report_of_a_fit_replaces_its_iteration():
    timeline = filled(100, 3)
    timeline.add(Snapshot(3, np.ones(10, np.uint8)))
    assert iterations(timeline) == [1, 2, 3]
    assert timeline.snapshots[-1].image.all()


def test_the_nearest_snapshot_is_found():
    assert filled(100, 5, step=10).at(24).iteration == 20


def test_what_was_read_does_not_change():
    timeline = filled(100, 3)
    read = timeline.snapshots
    timeline.add(Snapshot(4, np.zeros(10, np.uint8)))
    assert len(read) == 3
