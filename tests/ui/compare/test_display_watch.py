"""Another slice, and other pixels."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.ui.compare.display_watch import DisplayWatch


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    for name in "ab":
        viewer.add_image(np.zeros((3, 8, 8)), name=name)
    viewer.dims.set_point(0, 0)
    return viewer


@pytest.fixture
def watch(viewer):
    watch = DisplayWatch(viewer)
    watch.changes = []
    watch.changed.connect(lambda: watch.changes.append(1))
    return watch


def test_another_slice_is_a_change_and_a_move_within_it_is_not(viewer, watch):
    viewer.dims.set_point(0, 1)
    assert len(watch.changes) == 1
    viewer.dims.set_point(2, 5)
    assert len(watch.changes) == 1
    viewer.dims.ndisplay = 3
    assert len(watch.changes) > 1


def test_only_pixels_of_watched_layers_are_a_change(viewer, watch):
    a, b = viewer.layers
    watch.watch([a])
    b.data = np.ones((3, 8, 8))
    assert not watch.changes
    a.data = np.ones((3, 8, 8))
    assert watch.changes
    watch.changes.clear()
    watch.watch([b])
    a.data = np.zeros((3, 8, 8))
    assert not watch.changes


def test_nothing_is_a_change_after_the_end(viewer, watch):
    watch.watch(viewer.layers)
    watch.end()
    watch.end()
    viewer.layers["a"].data = np.ones((3, 8, 8))
    viewer.dims.set_point(0, 1)
    assert not watch.changes
