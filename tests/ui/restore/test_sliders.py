"""Sliders go along with a run until a person moves them."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.ui.layers.source import source_from_layer
from napari_dip.ui.restore.partition import partition_of
from napari_dip.ui.restore.sliders import Sliders


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def movie(viewer):
    scale, labels = (2, 1, 0.5, 0.5), ("t", "z", "y", "x")
    return viewer.add_image(np.zeros((5, 3, 16, 20)), axis_labels=labels, scale=scale)


@pytest.fixture
def sliders(viewer, movie):
    partition = partition_of(
        source_from_layer(movie, viewer.dims, volume=True, loop=True), 0, fits=True
    )
    assert partition.loop_axes == (0,)
    return Sliders(viewer.dims, partition)


def test_they_go_along_with_frames_of_any_scale(viewer, movie, sliders):
    viewer.dims.set_point(1, 2)
    sliders.lead(movie, (3, 0, 8, 0))  # a tile in the frame
    assert viewer.dims.point[:2] == (6, 2)
    assert sliders.shown(movie) == (3, 0, 0, 0)


def test_they_stay_where_a_person_puts_them(viewer, movie, sliders):
    sliders.lead(movie, (1, 0, 0, 0))
    viewer.dims.set_point(0, 8)
    sliders.lead(movie, (2, 0, 0, 0))
    assert sliders.shown(movie) == (4, 0, 0, 0)


def test_they_stay_while_a_person_looks(movie, sliders):
    sliders.lead(movie, (1, 0, 0, 0))
    sliders.stay()
    sliders.lead(movie, (2, 0, 0, 0))
    assert sliders.shown(movie) == (1, 0, 0, 0)


def test_beyond_the_end_the_last_frame_is_on_display(viewer, movie, sliders):
    viewer.add_image(np.zeros((50, 3, 16, 20)))
    viewer.dims.set_point(0, 40)
    assert sliders.shown(movie) == (4, 0, 0, 0)
