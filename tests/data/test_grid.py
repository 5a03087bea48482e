"""Grids of tiles cover an array as they should."""

from itertools import pairwise

import numpy as np
import pytest
from grids import grids
from hypothesis import given
from hypothesis import strategies as st

from napari_dip import UserError
from napari_dip.data.grid import Tile, adjacent_grid, overlapping_grid


@given(grids())
def test_tiles_cover_the_array_and_overlap_by_what_was_asked(case):
    shape, sides, overlaps = case
    tiles = overlapping_grid(shape, sides, overlaps).tiles()
    covered = np.zeros(shape, int)
    for tile in tiles:
        covered[tile.slices] += 1
        assert tile.shape == tuple(map(min, sides, shape))
    assert covered.min() >= 1
    for axis in range(len(shape)):
        spans = sorted({(b.start[axis], b.stop[axis]) for b in tiles})
        for (_, stop), (start, _) in pairwise(spans):
            assert stop - start >= overlaps[axis]


def test_cores_end_in_the_middle_of_overlaps():
    first, second = overlapping_grid((20, 9), (12, 9), (4, 3)).tiles()
    assert first.core((20, 9), (4, 3)) == Tile((0, 0), (10, 9))
    assert second.core((20, 9), (4, 3)) == Tile((10, 0), (20, 9))


def test_an_overlap_as_large_as_the_tile_is_refused():
    with pytest.raises(UserError, match="overlap: expected less than the tile's 8 pixels, got 8"):
        overlapping_grid((20,), (8,), (8,))


def test_tiles_scale_and_intersect():
    assert Tile((0, 3), (2, 5)).scaled((1, 4)) == Tile((0, 12), (2, 20))
    assert Tile((0,), (4,)).intersection(Tile((4,), (8,))) is None


@given(grids(), st.data())
def test_the_tiles_that_touch_a_box_are_found(case, data):
    shape, _, _ = case
    grid = overlapping_grid(*case)
    start = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True))
    box = Tile(start, stop)
    assert grid.touching(box) == [b for b in grid.tiles() if b.intersection(box)]
    assert grid.shape == shape


def test_adjacent_tiles_do_not_overlap():
    tiles = adjacent_grid((5, 4), (2, 4)).tiles()
    assert [t.shape for t in tiles] == [(2, 4), (2, 4), (1, 4)]
