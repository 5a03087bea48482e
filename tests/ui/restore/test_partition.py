"""What is fitted together, and in which tiles."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip import UserError
from napari_dip.ui.layers.source import source_from_layer
from napari_dip.ui.restore.partition import partition_of, tile_shape


def partition(shape, labels=None, *, tile=0, fits=True, volume=False, loop=False, **layer):
    viewer = ViewerModel()
    data = np.broadcast_to(np.uint8(1), shape)  # as large as it likes
    image = viewer.add_image(data, axis_labels=labels, contrast_limits=(0, 1), **layer)
    source = source_from_layer(image, viewer.dims, volume=volume, loop=loop)
    return partition_of(source, tile, fits=fits)


@pytest.mark.parametrize(
    ("shape", "labels", "options", "letters", "words"),
    [
        ((40, 50), None, {}, "YX", ""),
        ((40, 50, 3), None, {"rgb": True}, "YXS", "3 colours jointly"),
        ((5, 40, 50), None, {}, "ZYX", ""),
        ((5, 40, 50), None, {"loop": True}, "ZYX", "5 slices one by one"),
        ((5, 40, 50), "tyx", {"loop": True}, "TYX", "5 frames one by one"),
        ((5, 40, 50), "ryx", {"loop": True}, "RYX", "5 places along R one by one"),
        (
            (2, 5, 40, 50),
            "ezyx",
            {"volume": True, "loop": True},
            "EZYX",
            "2 places along E one by one, 5 slices in 3-D",
        ),
        ((5, 40, 50), None, {"volume": True}, "ZYX", "5 slices in 3-D"),
        ((5, 40, 50), "tyx", {"volume": True}, "TYX", "5 frames in 3-D"),
        (
            (4, 25, 40, 50),
            "tzyx",
            {"volume": True, "loop": True},
            "TZYX",
            "4 frames one by one, 25 slices in 3-D",
        ),
        ((4, 5, 40, 50), None, {"loop": True}, "TZYX", "4 frames one by one, 5 slices one by one"),
        ((2, 5, 40, 50), "ctyx", {"loop": True}, "CTYX", "2 channels one by one, 5 frames one by"),
        ((3000, 2000), None, {}, "YX", "12 tiles of 1024"),
        (
            (2, 3000, 2000),
            "tyx",
            {"loop": True},
            "TYX",
            "2 frames one by one; 12 tiles of",
        ),
        (
            (80, 300, 200),
            None,
            {"volume": True, "tile": 128},
            "ZYX",
            "80 slices in 3-D; 12",
        ),
    ],
)
def test_it_is_said_in_words(shape, labels, options, letters, words):
    found = partition(shape, labels, **options)
    assert found.letters == letters
    assert found.words.startswith(words)
    assert bool(found.words) == bool(words)


def test_tiles_are_decided_on_where_none_are_asked_for():
    assert not partition((2048, 2048)).is_tiled
    assert partition((2049, 100)).tile == 1024
    assert partition((4, 2049, 100), volume=True).tile == 256
    assert partition((900, 900), fits=False).tile == 512
    assert partition((40, 300, 300), fits=False, volume=True).tile == 256
    assert partition((40, 100, 100), fits=False, volume=True).tile == 64


def test_a_tile_that_is_asked_for_counts():
    assert partition((900, 900), tile=300).tile == 300
    assert not partition((900, 900), tile=900).is_tiled
    assert partition((9000, 9000), tile=4000, fits=False).tile == 4000
    with pytest.raises(
        UserError, match="tile: expected 32 pixels or more, or 0 for automatic, got 31"
    ):
        partition((900, 900), tile=31)


def test_the_sides_of_what_is_fitted_at_once():
    assert tile_shape((80, 300, 200), None) == (80, 300, 200)
    assert tile_shape((80, 300, 200), 256) == (64, 256, 200)
    assert tile_shape((300, 200), 256) == (256, 200)


def test_a_place_is_told_from_one_on():
    found = partition((4, 5, 40, 50), loop=True)
    assert found.frame_name((1, 4, 0, 0)) == "frame 2 of 4, slice 5 of 5"


def test_there_are_no_names_for_more_axes():
    shape = (2, 2, 2, 2, 40, 50)
    with pytest.raises(UserError, match="expected at most 3 axes besides space, got 4"):
        partition(shape, loop=True)
