"""An array that grows: what is there, what is under way, and what is not there yet."""

import numpy as np
import pytest

from napari_dip.data.axes import Axes
from napari_dip.data.grid import Tile
from napari_dip.files.ome_zarr import OmeZarrStore
from napari_dip.tiling.mosaic import MosaicState, WaitingTile
from napari_dip.ui.restore.partial_pyramid import PartialPyramid

LEFT, RIGHT = Tile((0, 0), (700, 512)), Tile((0, 512), (700, 600))


def stored(path, letters, image, boxes=()):
    """A store that has some boxes, given in its own order of axes."""
    store = OmeZarrStore(path, Axes(letters))
    store.create(image.shape, image.dtype, colour=False)
    for box in boxes:
        store.write(box, image[box.slices])
    return store


@pytest.fixture
def image(rng):
    return rng.integers(1, 200, (700, 600)).astype(np.uint16)


def test_what_is_not_there_is_transparent(tmp_path, image):
    growing = PartialPyramid(stored(tmp_path / "x.zarr", "YX", image, [LEFT]), (0, 1), False)
    fine, coarse = growing.levels(pyramid=True)
    assert np.isnan(fine[...]).all()
    growing.state = MosaicState((LEFT,))
    assert (fine.shape, fine.dtype, fine.ndim, fine.size) == ((700, 600), np.float32, 2, 420_000)
    np.testing.assert_array_equal(fine[LEFT.slices], image[LEFT.slices])
    assert np.isnan(fine[RIGHT.slices]).all()
    assert coarse.shape == (350, 300)
    assert np.isfinite(coarse[:, :256]).all()
    assert np.isnan(coarse[:, 256:]).all()


def test_tiles_under_way_are_seen_where_nothing_is_written(tmp_path, image):
    growing = PartialPyramid(stored(tmp_path / "x.zarr", "YX", image, [LEFT]), (0, 1), False)
    done, live = Tile((0, 400), (300, 560)), Tile((200, 400), (700, 600))
    np.save(tmp_path / "done.npy", np.full(done.shape, 1000, np.uint16))
    core = Tile((0, 420), (280, 540))
    gone = WaitingTile(RIGHT, RIGHT, tmp_path / "written just now.npy")
    growing.state = MosaicState((LEFT,), (WaitingTile(done, core, tmp_path / "done.npy"), gone))
    growing.live = live, np.full(live.shape, 2000, np.uint16)
    fine, coarse = growing.levels(pyramid=True)
    for level, half in ((fine, 1), (coarse, 2)):
        values = level[...]
        assert (values[: 280 // half, 512 // half : 540 // half] == 1000).all()
        assert (values[280 // half :, 512 // half :] == 2000).all()
        assert np.isnan(values[: 200 // half, 540 // half :]).all()
        assert (values[:, : 512 // half] < 200).all()
    growing.chosen = ((done, np.full(done.shape, 7, np.uint16)),)
    assert (fine[done.slices] == 7).all()


def test_all_of_it_is_what_was_written(tmp_path, image):
    boxes = [LEFT, RIGHT]
    growing = PartialPyramid(stored(tmp_path / "x.zarr", "YX", image, boxes), (0, 1), False)
    (whole,) = growing.whole().levels(pyramid=False)
    assert whole.dtype == np.uint16
    np.testing.assert_array_equal(np.asarray(whole), image)


@pytest.mark.parametrize(
    "index",
    [
        (1,),
        (slice(None), 3, slice(2, 5)),
        (..., slice(None, None, 2)),
        (slice(4, 1, -1), ..., 0),
        (slice(5, None, -2),),
        (np.int64(-1), slice(1, 1)),
        (np.array([3, 0, 3]), slice(None), -2),
        np.array([[1], [2]]),
    ],
)
def test_it_is_indexed_as_arrays_are(tmp_path, rng, index):
    image = rng.random((4, 5, 6)).astype(np.float32)  # the store's z, y, x; shown as x, z, y
    whole = Tile((0, 0, 0), image.shape)
    growing = PartialPyramid(stored(tmp_path / "x.zarr", "ZYX", image, [whole]), (1, 2, 0), False)
    shown = image.transpose(2, 0, 1)
    (level,) = growing.whole().levels(pyramid=False)
    assert level.shape == (6, 4, 5)
    np.testing.assert_array_equal(level[index], shown[index])
    with pytest.raises(IndexError):
        level[9]


@pytest.mark.parametrize("samples", [3, 4])
def test_a_colour_is_transparent_by_its_alpha(tmp_path, rng, samples):
    image = rng.integers(1, 255, (samples, 20, 30), np.uint8)  # the store's channels
    left = Tile((0, 0, 0), (samples, 20, 30))
    store = stored(tmp_path / "x.zarr", "CYX", image, [left])
    growing = PartialPyramid(store, (2, 0, 1), True)
    (level,) = growing.levels(pyramid=False)
    assert (level.shape, level.dtype) == ((20, 30, 4), np.uint8)
    assert (level[...] == 0).all()
    box = Tile((5, 5, 0), (10, 10, samples))
    growing.live = box, np.full(box.shape, 9, np.uint8)
    alpha = 255 if samples == 3 else 9
    assert level[6, 7].tolist() == [9, 9, 9, alpha]
    assert level[..., 3].sum() == 25 * alpha
    np.testing.assert_array_equal(
        growing.whole().levels(pyramid=False)[0][...], image.transpose(1, 2, 0)
    )
