"""Options of a division into tiles, and the layout that comes of them."""

import pytest

from napari_dip import TilingOptions, UserError
from napari_dip.data.axes import plan_axes
from napari_dip.tiling.plan import tile_layout


def test_defaults_depend_on_the_number_of_dimensions():
    options = TilingOptions()
    assert options.tile_side(is_volume=False) == 1024
    assert options.tile_side(is_volume=True) == 256
    assert options.overlap_of(256) == 32
    assert TilingOptions(tile=100).tile_side(is_volume=True) == 100
    assert TilingOptions(overlap=7).overlap_of(256) == 7


@pytest.mark.parametrize("given", [{"loop_axes": ""}, {"tile": 64}, {"overlap": 0}])
def test_any_of_three_options_divides(given):
    assert TilingOptions(**given).is_divided
    assert not TilingOptions(warm_start=False).is_divided


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tile": 31}, "tile: expected 32 pixels or more, got 31"),
        ({"overlap": -1}, "overlap: expected 0 pixels or more, got -1"),
    ],
)
def test_messages_of_options_that_can_not_be(given, message):
    with pytest.raises(UserError, match=message):
        TilingOptions(**given)


def test_a_tile_of_a_volume_is_64_slices_deep_and_loop_axes_are_cut_everywhere():
    shape = (3, 100, 300, 200)
    layout = tile_layout(plan_axes("TZYX", shape), shape, 128, 16)
    assert [max(b - a for a, b in spans) for spans in layout.grid.spans] == [1, 64, 128, 128]
    assert layout.overlaps == (0, 16, 16, 16)
    whole = tile_layout(plan_axes("TZYX", shape), shape, None, 0)
    assert [len(spans) for spans in whole.grid.spans] == [3, 1, 1, 1]
