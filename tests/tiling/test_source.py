"""Tiles get their part of the guide, scaled by the range of the whole guide."""

import numpy as np
import pytest
import tifffile
import zarr

from napari_dip import Denoise, FlashNoFlash, UserError, restore
from napari_dip.data.axes import Axes, AxisPlan
from napari_dip.data.encoding import encode, guide_tensor
from napari_dip.data.grid import Tile
from napari_dip.files.inputs import InputFiles
from napari_dip.files.lazy import LazyImage, open_lazily
from napari_dip.tiling.plan import TilingOptions, TilingPlan
from napari_dip.tiling.restore import restore_large
from napari_dip.tiling.source import TiledSource

FLASH = FlashNoFlash(iterations=3, filters=(8, 8), skips=(4,))
SIDES = (75, 90)


@pytest.fixture
def ambient(rng):
    """A large uint16 picture, which is darker on its left."""
    ramp = 1000 + 20 * np.arange(SIDES[1])
    return (ramp + rng.normal(0, 40, SIDES)).astype(np.uint16)


@pytest.fixture
def guided(tmp_path, ambient):
    """Restores it with a guide, an array or a file."""
    zarr.save_array(tmp_path / "in.zarr", ambient)

    def restored(guide, task=FLASH, **options):
        if isinstance(guide, np.ndarray):
            zarr.create_array(tmp_path / "flash.zarr", data=guide, overwrite=True)
            guide = tmp_path / "flash.zarr"
        out = tmp_path / "out.ome.zarr"
        given = {"guide": guide, "device": "cpu", "overwrite": True, **options}
        assert restore_large(tmp_path / "in.zarr", out, task, **given).is_complete
        return open_lazily(out).read()

    return restored


def test_a_single_tile_is_what_restore_gives(tmp_path, ambient, guided, rng):
    flash = rng.integers(0, 4000, (*SIDES, 3)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "flash.tif", flash, photometric="rgb")
    alone = restore(ambient, FLASH, guide=flash, device="cpu").image
    np.testing.assert_array_equal(guided(tmp_path / "flash.tif"), alone, strict=True)


def test_a_guides_colours_may_be_channels_of_five_axes(ambient, guided, rng):
    flash = rng.integers(0, 60000, (*SIDES, 3)).astype(np.uint16)  # all channels fill their range
    alone = restore(ambient, FLASH, guide=flash, device="cpu").image
    np.testing.assert_array_equal(guided(np.moveaxis(flash, -1, 0)[None, :, None]), alone)


def test_tiles_are_scaled_by_the_whole_guide(ambient, guided):
    flash = (np.arange(SIDES[1]) * 40 + np.zeros((SIDES[0], 1))).astype(np.uint16)
    whole = guide_tensor(flash, encode(ambient)[2])[0, 0].numpy()
    seen = []

    def look(outcome, mosaic):
        plan = TilingPlan.from_dict(mosaic.plan.to_dict(), mosaic.request)
        assert plan == mosaic.plan
        tile = next(item.tile for item in mosaic.items.values() if item.name == outcome.name)
        seen.append(tile)
        guide = plan.job(tile, ambient[tile.slices]).measurement.guide
        np.testing.assert_array_equal(guide[0, 0].numpy(), whole[tile.slices])

    guided(flash, tiling=TilingOptions(tile=32), on_outcome=look)
    assert len(seen) > 4


@pytest.mark.parametrize(
    ("shape", "axes", "guide_shape", "guide_axes", "loop_axes"),
    [
        ((3, 20, 24), "TYX", (3, 20, 24), "ZYX", "T"),
        ((3, 20, 24), "TYX", (20, 24), "YX", "T"),
        ((3, 20, 24), "TYX", (20, 24), "YX", ""),
        ((3, 20, 24), "TYX", (3, 20, 24), "TYX", ""),
        ((2, 20, 24), "CYX", (3, 20, 24), "CYX", "C"),
        ((2, 4, 20, 24), "CZYX", (1, 20, 24, 3), "ZYXS", "C"),
        ((2, 2, 20, 24), "TZYX", (2, 20, 24), "TYX", "T"),
        ((2, 2, 20, 24), "TZYX", (2, 3, 1, 20, 24), "TCZYX", "TZ"),
    ],
)
def test_each_tile_gets_its_part_of_the_guide(
    tmp_path, shape, axes, guide_shape, guide_axes, loop_axes
):
    own = dict(zip(axes if shape == guide_shape else guide_axes, guide_shape, strict=True))
    digits = dict(zip("TCZYXS", 100 ** np.arange(6), strict=True))
    guide = sum(n * digits[a] for n, a in zip(np.indices(guide_shape), own, strict=True))
    picture = LazyImage(np.zeros(shape), Axes(axes), tmp_path)
    guide_file = LazyImage(guide, Axes(guide_axes), tmp_path)
    source = TiledSource(picture, axes, AxisPlan(axes, loop_axes), InputFiles(guide=guide_file))
    start = {
        a: 1 if a in loop_axes or a in "YX" else 0 for a in axes
    }  # one entry, or up to the end
    stop = [2 if a in loop_axes else n for a, n in zip(axes, shape, strict=True)]
    given = source.inputs_of(Tile(tuple(start.values()), tuple(stop)))
    sides = dict(zip(axes, np.subtract(stop, list(start.values())), strict=True))
    space = [a for a in axes if a not in loop_axes + "C"]
    assert given["guide"].shape[: len(space)] == tuple(sides[a] for a in space)
    channels = "".join(a for a in own if a in "CS")
    assert given["guide_axes"] == "".join(space).replace("T", "Z") + channels
    place = np.indices(given["guide"].shape)
    expected = 0
    for letter, length in own.items():
        if letter in loop_axes and letter != "C" and length > 1:
            expected = expected + digits[letter]
        elif length > 1:
            at = given["guide_axes"].index(letter.replace("T", "Z"))
            expected = expected + (place[at] + (letter in "YX")) * digits[letter]
    np.testing.assert_array_equal(given["guide"], expected)


def test_a_frame_starts_afresh_where_the_guide_has_a_cut(tmp_path, ambient, rng):
    flash = np.clip(ambient + rng.normal(0, 9, (3, *SIDES)), 0, 4000).astype(np.uint16)
    flash[2] = 4000 - flash[2]
    zarr.save_array(tmp_path / "in.zarr", np.stack([ambient] * 3))
    zarr.save_array(tmp_path / "flash.zarr", flash)
    zarr.save_array(tmp_path / "still.zarr", flash[0])

    def iterations(guide):
        counts = []
        restore_large(
            tmp_path / "in.zarr",
            tmp_path / "out.ome.zarr",
            FLASH.replace(iterations=10),
            axes="TYX",
            guide=tmp_path / guide,
            on_outcome=lambda outcome, _: counts.append(outcome.report["iterations"]),
            device="cpu",
            overwrite=True,
        )
        return counts

    assert iterations("flash.zarr") == [10, 2, 10]
    assert iterations("still.zarr") == [10, 2, 2]


def test_messages_of_guides_that_can_not_be_used(tmp_path, ambient, guided):
    with pytest.raises(UserError, match=r"^guide: its shape \(77, 92\) \(YX\) does not .*$"):
        guided(np.pad(ambient, 1))
    with pytest.raises(UserError, match=r"^guide: its shape \(2, 75, 90\) \(ZYX\) does not"):
        guided(np.stack([ambient] * 2))
    with pytest.raises(UserError, match=r"^guide: every pixel is 3; there is nothing to follow"):
        guided(ambient * 0 + 3)
    with pytest.raises(UserError, match=r"^guide: denoise takes none"):
        guided(ambient, Denoise(iterations=1))
    with pytest.raises(UserError, match=r"^guide: flash needs one"):
        restore_large(tmp_path / "in.zarr", tmp_path / "out.ome.zarr", FLASH)
    assert not (tmp_path / "out.ome.zarr").exists()
