"""What is fitted together, and in which blocks."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip import UserError
from napari_dip.ui.layers.source import source_from_layer
from napari_dip.ui.restore.partition import block_sides, divide


def divided(shape, labels=None, *, block=0, fits=True, volume=False, each=False, **layer):
    viewer = ViewerModel()
    data = np.broadcast_to(np.uint8(1), shape)  # as large as it likes
    image = viewer.add_image(data, axis_labels=labels, contrast_limits=(0, 1), **layer)
    source = source_from_layer(image, viewer.dims, volume=volume, each=each)
    return divide(source, block, fits=fits)


@pytest.mark.parametrize(
    ("shape", "labels", "options", "letters", "words"),
    [
        ((40, 50), None, {}, "YX", ""),
        ((40, 50, 3), None, {"rgb": True}, "YXS", "3 colours jointly"),
        ((5, 40, 50), None, {}, "ZYX", ""),
        ((5, 40, 50), None, {"each": True}, "ZYX", "5 slices one by one"),
        ((5, 40, 50), "tyx", {"each": True}, "TYX", "5 frames one by one"),
        ((5, 40, 50), None, {"volume": True}, "ZYX", "5 slices in 3-D"),
        ((5, 40, 50), "tyx", {"volume": True}, "TYX", "5 frames in 3-D"),
        (
            (4, 25, 40, 50),
            "tzyx",
            {"volume": True, "each": True},
            "TZYX",
            "4 frames one by one, 25 slices in 3-D",
        ),
        ((4, 5, 40, 50), None, {"each": True}, "TZYX", "4 frames one by one, 5 slices one by one"),
        ((2, 5, 40, 50), "ctyx", {"each": True}, "CTYX", "2 channels one by one, 5 frames one by"),
        ((3000, 2000), None, {}, "YX", "12 blocks of 1024"),
        (
            (2, 3000, 2000),
            "tyx",
            {"each": True},
            "TYX",
            "2 frames one by one; 12 blocks of",
        ),
        (
            (80, 300, 200),
            None,
            {"volume": True, "block": 128},
            "ZYX",
            "80 slices in 3-D; 12",
        ),
    ],
)
def test_it_is_said_in_words(shape, labels, options, letters, words):
    division = divided(shape, labels, **options)
    assert division.letters == letters
    assert division.words.startswith(words)
    assert bool(division.words) == bool(words)


def test_blocks_are_decided_on_where_none_are_asked_for():
    assert not divided((2048, 2048)).is_divided
    assert divided((2049, 100)).block == 1024
    assert divided((4, 2049, 100), volume=True).block == 256
    assert divided((900, 900), fits=False).block == 512
    assert divided((40, 300, 300), fits=False, volume=True).block == 256
    assert divided((40, 100, 100), fits=False, volume=True).block == 64


def test_a_block_that_is_asked_for_counts():
    assert divided((900, 900), block=300).block == 300
    assert not divided((900, 900), block=900).is_divided
    assert divided((9000, 9000), block=4000, fits=False).block == 4000
    with pytest.raises(UserError, match="block: 31 pixels are too few"):
        divided((900, 900), block=31)


def test_the_sides_of_what_is_fitted_at_once():
    assert block_sides((80, 300, 200), None) == (80, 300, 200)
    assert block_sides((80, 300, 200), 256) == (64, 256, 200)
    assert block_sides((300, 200), 256) == (256, 200)


def test_a_place_is_told_from_one_on():
    division = divided((4, 5, 40, 50), each=True)
    assert division.place((1, 4, 0, 0)) == "frame 2 of 4, slice 5 of 5"


def test_there_are_no_names_for_more_axes():
    shape = (2, 2, 2, 2, 40, 50)
    with pytest.raises(UserError, match="more axes than can be gone through"):
        divided(shape, each=True)
