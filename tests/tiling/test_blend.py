"""Tiles that are blended give the image that they were cut from, without a seam."""

import numpy as np
from grids import grids
from hypothesis import given
from hypothesis import strategies as st

from napari_dip.data.grid import Tile, overlapping_grid
from napari_dip.tiling.blend import blend


def joined(image, tiles, overlaps, region=None, change=lambda part, tile: part):
    region = region or Tile((0,) * image.ndim, image.shape)
    parts = [(tile, change(image[tile.slices], tile)) for tile in tiles]
    return blend(region, parts, image.shape, overlaps)


@given(grids(), st.floats(-1e6, 1e6), st.sampled_from(["float32", "float64", "uint8", "int16"]))
def test_constant_images_come_back_exactly(case, value, dtype):
    shape, _, overlaps = case
    image = np.full(shape, np.clip(value, 0, 255)).astype(dtype)
    out = joined(image, overlapping_grid(*case).tiles(), overlaps)
    np.testing.assert_array_equal(out, image, strict=True)


@given(grids(), st.lists(st.integers(-1000, 1000), min_size=3, max_size=3))
def test_linear_images_come_back_exactly(case, slopes):
    shape, _, overlaps = case
    image = sum(k * grid for k, grid in zip(slopes, np.indices(shape), strict=False)) / 3.0
    np.testing.assert_array_equal(
        joined(image, overlapping_grid(*case).tiles(), overlaps), image, strict=True
    )


@given(grids(), st.data())
def test_any_region_is_that_part_of_the_whole(case, data):
    shape, _, overlaps = case
    image = np.random.default_rng(0).random(shape)
    tiles = overlapping_grid(*case).tiles()

    def noisy(part, tile):
        return part + np.random.default_rng(hash(tile.start) % 1000).normal(0, 1, part.shape)

    start = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True))
    whole = joined(image, tiles, overlaps, change=noisy)
    region = Tile(start, stop)
    part = joined(image, tiles, overlaps, region, change=noisy)
    np.testing.assert_array_equal(part, whole[region.slices])


def test_tiles_that_differ_fade_into_each_other():
    image = np.zeros(100)
    tiles = overlapping_grid(image.shape, (55,), (10,)).tiles()
    assert tiles == [Tile((0,), (55,)), Tile((45,), (100,))]
    out = joined(image, tiles, (10,), change=lambda part, tile: part + (tile.start[0] > 0))
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
