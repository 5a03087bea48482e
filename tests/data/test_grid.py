"""Blocks cover everything, and joined again they are what they were."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_dip import UserError
from napari_dip.data.grid import Tile, adjacent_grid, overlapping_grid
from napari_dip.tiling.blend import blend


@st.composite
def cuts(draw):
    """A shape of one to three axes, blocks' sides and overlaps."""
    axes = draw(st.integers(1, 3))
    most = {1: 60, 2: 24, 3: 10}[axes]
    shape = tuple(draw(st.integers(1, most)) for _ in range(axes))
    sides = tuple(draw(st.integers(1, most + 3)) for _ in range(axes))
    return shape, sides, tuple(draw(st.integers(0, side - 1)) for side in sides)


def joined(image, blocks, overlaps, region=None, change=lambda part, block: part):
    region = region or Tile((0,) * image.ndim, image.shape)
    parts = [(block, change(image[block.slices], block)) for block in blocks]
    return blend(region, parts, image.shape, overlaps)


@given(cuts())
def test_blocks_cover_and_overlap(case):
    shape, sides, overlaps = case
    blocks = overlapping_grid(shape, sides, overlaps).tiles()
    covered = np.zeros(shape, int)
    for block in blocks:
        covered[block.slices] += 1
        assert block.shape == tuple(map(min, sides, shape))
    assert covered.min() >= 1
    for axis in range(len(shape)):
        spans = sorted({(b.start[axis], b.stop[axis]) for b in blocks})
        for (_, stop), (start, _) in pairwise(spans):
            assert stop - start >= overlaps[axis]


def test_cores_end_in_the_middle_of_overlaps():
    first, second = overlapping_grid((20, 9), (12, 9), (4, 3)).tiles()
    assert first.core((20, 9), (4, 3)) == Tile((0, 0), (10, 9))
    assert second.core((20, 9), (4, 3)) == Tile((10, 0), (20, 9))


@given(cuts(), st.floats(-1e6, 1e6), st.sampled_from(["float32", "float64", "uint8", "int16"]))
def test_constant_images_come_back_exactly(case, value, dtype):
    shape, _, overlaps = case
    image = np.full(shape, np.clip(value, 0, 255)).astype(dtype)
    out = joined(image, overlapping_grid(*case).tiles(), overlaps)
    np.testing.assert_array_equal(out, image, strict=True)


@given(cuts(), st.lists(st.integers(-1000, 1000), min_size=3, max_size=3))
def test_linear_images_come_back_exactly(case, slopes):
    shape, _, overlaps = case
    image = sum(k * grid for k, grid in zip(slopes, np.indices(shape), strict=False)) / 3.0
    np.testing.assert_array_equal(joined(image, overlapping_grid(*case).tiles(), overlaps), image, strict=True)


@given(cuts(), st.data())
def test_any_region_is_that_part_of_the_whole(case, data):
    shape, _, overlaps = case
    image = np.random.default_rng(0).random(shape)
    blocks = overlapping_grid(*case).tiles()

    def noisy(part, block):
        return part + np.random.default_rng(hash(block.start) % 1000).normal(0, 1, part.shape)

    start = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True))
    whole = joined(image, blocks, overlaps, change=noisy)
    region = Tile(start, stop)
    part = joined(image, blocks, overlaps, region, change=noisy)
    np.testing.assert_array_equal(part, whole[region.slices])


def test_blocks_that_differ_fade_into_each_other():
    image = np.zeros(100)
    blocks = overlapping_grid(image.shape, (55,), (10,)).tiles()
    assert blocks == [Tile((0,), (55,)), Tile((45,), (100,))]
    out = joined(image, blocks, (10,), change=lambda part, block: part + (block.start[0] > 0))
    assert (out[:45] == 0).all()
    assert (out[55:] == 1).all()
    steps = np.diff(out[44:56])
    assert (steps > 0).all()
    assert steps[0] < 0.03
    np.testing.assert_allclose(steps, steps[::-1], atol=1e-12)


def test_missing_pixels_stay_missing():
    image = np.ones((20, 20))
    image[4:16, 7] = np.nan
    out = joined(image, overlapping_grid(image.shape, (12, 12), (4, 4)).tiles(), (4, 4))
    np.testing.assert_array_equal(out, image)


def test_an_overlap_that_leaves_no_room_is_refused():
    with pytest.raises(UserError, match="overlap: expected less than the tile's 8 pixels, got 8"):
        overlapping_grid((20,), (8,), (8,))


def test_finer_grids():
    assert Tile((0, 3), (2, 5)).scaled((1, 4)) == Tile((0, 12), (2, 20))
    assert Tile((0,), (4,)).intersection(Tile((4,), (8,))) is None


@given(cuts(), st.data())
def test_what_touches_a_box(case, data):
    shape, _, _ = case
    grid = overlapping_grid(*case)
    start = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True))
    box = Tile(start, stop)
    assert grid.touching(box) == [b for b in grid.tiles() if b.intersection(box)]
    assert grid.shape == shape


def test_tiles_do_not_overlap():
    tiles = adjacent_grid((5, 4), (2, 4)).tiles()
    assert [t.shape for t in tiles] == [(2, 4), (2, 4), (1, 4)]
