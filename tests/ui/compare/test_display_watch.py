"""Word of another slice, and of other pixels."""

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
def heard(viewer):
    watch = DisplayWatch(viewer)
    watch.told = []
    watch.changed.connect(lambda: watch.told.append(1))
    return watch


def test_another_slice_is_told_and_a_move_within_it_is_not(viewer, heard):
    viewer.dims.set_point(0, 1)
    assert len(heard.told) == 1
    viewer.dims.set_point(2, 5)
    assert len(heard.told) == 1
    viewer.dims.ndisplay = 3
    assert len(heard.told) > 1


def test_only_the_pixels_of_layers_that_are_watched_count(viewer, heard):
    a, b = viewer.layers
    heard.watch([a])
    b.data = np.ones((3, 8, 8))
    assert not heard.told
    a.data = np.ones((3, 8, 8))
    assert heard.told
    heard.told.clear()
    heard.watch([b])
    a.data = np.zeros((3, 8, 8))
    assert not heard.told


def test_at_its_end_it_hears_nothing(viewer, heard):
    heard.watch(viewer.layers)
    heard.end()
    heard.end()
    viewer.layers["a"].data = np.ones((3, 8, 8))
    viewer.dims.set_point(0, 1)
    assert not heard.told
