"""Images restored tile by tile: as a whole, without seams, resumed, with their metadata."""

import json
import shutil

import numpy as np
import pytest
import tifffile
import zarr
from skimage.data import camera

from napari_dip import Denoise, Inpaint, Upscale, UserError, restore
from napari_dip.data.axes import Axes
from napari_dip.data.grid import Tile, adjacent_grid
from napari_dip.files.atomic import FileError
from napari_dip.files.lazy import open_lazily
from napari_dip.files.ome_zarr import OmeZarrStore
from napari_dip.scheduling.item import Status
from napari_dip.tiling.plan import TilingOptions
from napari_dip.tiling.restore import restore_large

COLD = TilingOptions(warm_start=False)
TINY = Denoise(iterations=3, filters=(8, 8), sigma=0.1)
OPTIONS = {"device": "cpu", "tiling": TilingOptions(tile=32, overlap=8)}


def save(path, image, axes, **about):
    """An OME-Zarr image with a scale and units."""
    letters = axes.replace("S", "C")
    scale = {"T": 2.0, "C": 1.0, "Z": 0.5, "Y": 0.1, "X": 0.1}
    units = {"T": "second", "C": "", **dict.fromkeys("ZYX", "micrometer")}
    told = Axes(
        letters, tuple(scale[a] for a in letters), tuple(units[a] for a in letters), **about
    )
    store = OmeZarrStore(path, told)
    store.create(image.shape, image.dtype, colour=False)
    store.write(Tile((0,) * image.ndim, image.shape), image)
    return path


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.ome.zarr"


@pytest.fixture
def noisy(rng):
    """A large uint16 picture, 75 x 90, which is darker on its left."""
    y, x = np.mgrid[:75, :90]
    image = 1000 + 20 * x + 200 * np.sin(y / 6) * np.cos(x / 9)
    return (image + rng.normal(0, 40, image.shape)).astype(np.uint16)


def test_a_single_tile_is_what_restore_gives(tmp_path, out, noisy):
    path = save(tmp_path / "in.zarr", noisy, "YX")
    assert restore_large(path, out, TINY, device="cpu").is_complete
    alone = restore(noisy, TINY, device="cpu").image
    np.testing.assert_array_equal(open_lazily(out).read(), alone, strict=True)
    assert not out.with_name("out.ome.zarr.parts").exists()


def test_tiles_share_range_and_noise(tmp_path, out, noisy):
    path = save(tmp_path / "in.zarr", noisy, "YX")
    tasks, ranges = [], []

    def look(outcome, mosaic):
        values = np.ones((32, 32), np.uint16)
        for item in mosaic.items.values():
            job = item.plan.job(item.tile, values + item.tile.start[1])
            tasks.append(job.task)
            ranges.append(tuple(job.encoding.black) + tuple(job.encoding.white))

    assert restore_large(
        path, out, TINY.replace(sigma=None), on_outcome=look, **OPTIONS
    ).is_complete
    assert len(set(ranges)) == 1
    assert {task.sigma for task in tasks} == {tasks[0].sigma}
    assert 0 < tasks[0].sigma < 0.01  # a fraction of uint16's range


def test_no_seam_shows(tmp_path, out):
    image = camera()[100:212, 180:292].astype(np.float32) / 255
    rng = np.random.default_rng(0)
    noisy = (image + rng.normal(0, 0.1, image.shape)).astype(np.float32)
    path = save(tmp_path / "in.zarr", noisy, "YX")
    borders = set()

    def note(outcome, mosaic):
        for tile in mosaic.items:
            borders.update(n for n in (tile.start[0], tile.stop[0]) if 0 < n < 112)

    task = Denoise(iterations=50, filters=(16, 16))
    restore_large(
        path, out, task, device="cpu", tiling=TilingOptions(tile=64, overlap=16), on_outcome=note
    )
    result = open_lazily(out).read()
    whole = restore(noisy, task, device="cpu").image
    assert len(borders) >= 2
    at = np.array(sorted(borders)) - 1  # pixel n - 1 to n

    def at_borders(restored, axis):
        """The jumps at the tiles' borders, as a multiple of those elsewhere."""
        jumps = np.abs(np.diff(restored, axis=axis)).mean(axis=1 - axis)
        return jumps[at].mean() / np.delete(jumps, at).mean()

    for axis in (0, 1):
        # The image itself jumps more in some rows than in others.
        assert at_borders(result, axis) <= 1.1 * max(1, at_borders(whole, axis))


def test_a_killed_run_restores_no_tile_twice_and_gives_the_same_bits(tmp_path, out, noisy):
    path = save(tmp_path / "in.zarr", noisy, "YX")
    seen = []
    options = {"on_outcome": lambda outcome, mosaic: seen.append(outcome), **OPTIONS}
    done = restore_large(path, out, TINY, should_stop=lambda: len(seen) >= 4, **options)
    assert not done.is_complete
    assert (done.done, done.stop_reason) == (4, "cancelled")
    assert [o.status for o in seen[:4]] == [Status.DONE] * 4
    assert {o.status for o in seen[4:]} == {Status.UNFINISHED}
    # What a kill could have left.
    (out.with_name("out.ome.zarr.parts") / ".napari-dip-0.npy").write_bytes(b"half")
    filled = (open_lazily(out).read() > 0).mean()
    with pytest.raises(UserError, match=r"output: .* exists already; go on with --resume"):
        restore_large(path, out, TINY, **OPTIONS)
    seen.clear()
    assert restore_large(path, out, TINY, resume=True, **options).is_complete
    assert [o.status for o in seen].count(Status.KEPT) == 4
    assert [o.status for o in seen].count(Status.DONE) == len(seen) - 4
    resumed = open_lazily(out).read()
    assert (resumed > 0).mean() >= filled
    seen.clear()
    assert restore_large(path, out, TINY, resume=True, **options).is_complete
    assert not seen  # it is finished
    shutil.rmtree(out)
    restore_large(path, out, TINY, **OPTIONS)
    np.testing.assert_array_equal(open_lazily(out).read(), resumed)


def test_other_settings_are_not_resumed(tmp_path, out, noisy):
    path = save(tmp_path / "in.zarr", noisy, "YX")
    restore_large(path, out, TINY, **OPTIONS)
    with pytest.raises(UserError, match="settings must be the same"):
        restore_large(path, out, TINY.replace(iterations=2), resume=True, **OPTIONS)
    assert restore_large(
        path, out, TINY.replace(iterations=2), overwrite=True, **OPTIONS
    ).is_complete


FORMER = {
    "loop_axes": "each",
    "tile": "block",
    "inputs": "sides",
    "warm_start": "warm",
    "intensity_range": "extent",
    "r2r": "recorrupt",
}


def with_former_keys(record):
    """A record as the first version wrote it."""
    if isinstance(record, dict):
        return {FORMER.get(k, k): with_former_keys(v) for k, v in record.items()}
    return record


def test_a_run_of_the_first_version_is_resumed(tmp_path, out, noisy):
    path = save(tmp_path / "in.zarr", noisy, "YX")
    seen = []
    options = {"on_outcome": lambda outcome, mosaic: seen.append(outcome), **OPTIONS}
    restore_large(path, out, TINY, should_stop=lambda: len(seen) >= 4, **options)
    plan = out.with_name("out.ome.zarr.parts") / "plan.json"
    former = with_former_keys(json.loads(plan.read_text()))
    assert (former["request"]["each"], former["request"]["block"]) == ("", 32)
    assert "extent" in former["decided"]["groups"][""]
    plan.write_text(json.dumps(former))
    seen.clear()
    assert restore_large(path, out, TINY, resume=True, **options).is_complete
    assert [o.status for o in seen].count(Status.KEPT) == 4


def test_a_result_of_the_first_version_is_kept(tmp_path, out, noisy):
    path = save(tmp_path / "in.zarr", noisy, "YX")
    count = restore_large(path, out, TINY, **OPTIONS).count
    metadata = json.loads((out / "zarr.json").read_text())
    former = with_former_keys(metadata["attributes"]["napari-dip"])
    metadata["attributes"]["napari-dip"] = former
    (out / "zarr.json").write_text(json.dumps(metadata))
    again = restore_large(path, out, TINY, resume=True, **OPTIONS)
    assert (again.done, again.count, again.iterations) == (count, count, 0)


@pytest.mark.parametrize("axes", ["TCZYX", "CYX", "TYX", "ZYX"])
def test_metadata_makes_the_round_trip(tmp_path, out, axes, rng):
    lengths = {"T": 2, "C": 2, "Z": 4, "Y": 33, "X": 40}
    image = rng.integers(0, 4000, [lengths[a] for a in axes]).astype(np.uint16)
    names = ("DAPI", "GFP") if "C" in axes else ()
    path = save(tmp_path / "in.zarr", image, axes, channels=names, name="cells")
    told = []
    restore_large(path, out, TINY, device="cpu", on_start=told.append)
    before, after = open_lazily(path), open_lazily(out)
    assert after.axes == before.axes
    assert (after.shape, after.dtype) == (before.shape, before.dtype)
    assert after.read().std() > 0
    assert ("2 frames one by one" in told[0]) == ("T" in axes)


def test_ome_tiff_in_and_its_scale_units_and_channels_out(tmp_path, out, rng):
    image = rng.integers(0, 255, (2, 36, 40), dtype=np.uint8)
    about = {"axes": "CYX", "PhysicalSizeX": 0.2, "PhysicalSizeXUnit": "µm"}
    about |= {"PhysicalSizeY": 0.3, "PhysicalSizeYUnit": "µm", "Channel": {"Name": ["a", "b"]}}
    path = tmp_path / "in.ome.tif"
    tifffile.imwrite(path, image, metadata=about, photometric="minisblack")
    restore_large(path, out, TINY, **OPTIONS)
    axes = open_lazily(out).axes
    assert (axes.letters, axes.channels) == ("CYX", ("a", "b"))
    assert axes.scale == (1, 0.3, 0.2)
    assert axes.units == ("", "micrometer", "micrometer")


def test_colour_becomes_channels_named_red_green_blue(tmp_path, out, rng):
    image = rng.integers(0, 255, (40, 36, 3), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "in.tif", image, photometric="rgb")
    restore_large(tmp_path / "in.tif", out, TINY, **OPTIONS)
    after = open_lazily(out)
    assert (after.axes.letters, after.shape) == ("CYX", (3, 40, 36))
    assert after.axes.channels == ("red", "green", "blue")


def test_levels_are_means_of_the_finer_ones(tmp_path, out):
    image = np.random.default_rng(0).integers(0, 60000, (1030, 1040)).astype(np.uint16)
    store = OmeZarrStore(out, Axes("YX", (0.5, 0.5), ("micrometer",) * 2))
    store.create(image.shape, image.dtype, colour=False)
    chunks = adjacent_grid(image.shape, store.chunks(image.shape)).tiles()
    for chunk in reversed(chunks):
        store.write(chunk, image[chunk.slices])
    group = zarr.open_group(out, mode="r")
    assert [group[str(n)].shape for n in range(3)] == [(1030, 1040), (515, 520), (258, 260)]
    half = image.reshape(515, 2, 520, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(group["1"][...], half, atol=0.51)
    told = group.attrs["ome"]["multiscales"][0]["datasets"][2]["coordinateTransformations"]
    assert told[0] == {"type": "scale", "scale": [2.0, 2.0]}
    assert told[1] == {"type": "translation", "translation": [0.75, 0.75]}


def test_upscaling_keeps_size_and_place_in_micrometers(tmp_path, out, noisy):
    path = save(tmp_path / "in.zarr", noisy, "YX")
    task = Upscale(factor=2, iterations=2, filters=(4,))
    restore_large(path, out, task, **OPTIONS)
    after = open_lazily(out)
    assert after.shape == (150, 180)
    assert after.axes.scale == (0.05, 0.05)
    np.testing.assert_allclose(after.axes.origin, (-0.025, -0.025))


def test_masks_are_read_by_tile_and_cover_frames(tmp_path, out, rng):
    frames = rng.integers(50, 200, (2, 60, 60)).astype(np.uint8)
    mask = np.zeros((60, 60), np.uint8)
    mask[8:20, 5:9] = 1
    frames[:, 8:20, 5:9] = 0
    path = save(tmp_path / "in.zarr", frames, "TYX")
    zarr.save_array(tmp_path / "mask.zarr", mask)
    task = Inpaint(iterations=2, filters=(4,))
    nothing = []
    result = restore_large(
        path,
        out,
        task,
        mask=tmp_path / "mask.zarr",
        on_outcome=lambda outcome, _: nothing.append(outcome.report["stop_reason"]),
        **OPTIONS,
    )
    assert result.is_complete
    after = open_lazily(out).read()
    assert (after[:, 8:20, 5:9] > 0).mean() > 0.9
    np.testing.assert_array_equal(after[:, mask == 0], frames[:, mask == 0])
    assert "nothing to do" in nothing


def test_tiles_without_finite_pixels_stay_empty(tmp_path, out, noisy):
    image = noisy.astype(np.float32)
    image[:, 50:] = np.nan
    path = save(tmp_path / "in.zarr", image, "YX")
    assert restore_large(
        path, out, TINY, device="cpu", tiling=TilingOptions(tile=32, overlap=4)
    ).is_complete
    after = open_lazily(out).read()
    assert np.isfinite(after[:, :50]).all()
    assert np.isnan(after[:, 70:]).all()


def test_a_tile_that_fails_leaves_the_others_and_is_restored_on_resume(
    tmp_path, out, noisy, monkeypatch
):
    from napari_dip.tiling import item

    path = save(tmp_path / "in.zarr", noisy, "YX")
    run, outcomes = item.uninterrupted, []

    def fail_at_times(job, should_stop, on_update, **how):
        if len(outcomes) == 3:
            raise OSError(28, "No space left on device")
        return run(job, should_stop, on_update, **how)

    monkeypatch.setattr(item, "uninterrupted", fail_at_times)
    keep = {"on_outcome": lambda outcome, _: outcomes.append(outcome)}
    assert not restore_large(path, out, TINY, **keep, **OPTIONS).is_complete
    assert [o.status for o in outcomes].count(Status.FAILED) == 1
    assert "No space left" in outcomes[3].error
    monkeypatch.setattr(item, "uninterrupted", run)
    assert restore_large(path, out, TINY, resume=True, **OPTIONS).is_complete


def test_each_slice_is_written_as_soon_as_it_is_restored(tmp_path, out, rng):
    stack = rng.random((3, 36, 80)).astype(np.float32)
    path = save(tmp_path / "in.zarr", stack, "ZYX")
    counts = []

    def note(outcome, mosaic):
        counts.append(len(mosaic.state.written))

    tiling = TilingOptions(loop_axes="Z", tile=48, overlap=8)
    restore_large(path, out, TINY, tiling=tiling, on_outcome=note, device="cpu")
    assert counts == [0, 1, 1, 2, 2, 3]  # two tiles a slice


def test_files_of_tiles_are_removed_once_they_are_written(tmp_path, out, noisy, monkeypatch):
    path = save(tmp_path / "in.zarr", noisy, "YX")
    monkeypatch.setattr("napari_dip.files.ome_zarr.CHUNK_SIDES", {"Y": 16, "X": 16})
    parts = out.with_name("out.ome.zarr.parts")
    most, done = 0, 0

    def note(outcome, mosaic):
        nonlocal most, done
        most = max(most, len(list(parts.glob("*.npy"))))
        done += outcome.status is Status.DONE

    assert restore_large(path, out, TINY, on_outcome=note, **OPTIONS).is_complete
    assert most < done - 2  # two rows of tiles at most, and the newest one
    before, tiles, done = open_lazily(out).read(), done, 0
    stop = {"should_stop": lambda: done == tiles - 2, "overwrite": True}
    assert not restore_large(path, out, TINY, on_outcome=note, **stop, **OPTIONS).is_complete
    assert len(list(parts.glob("*.npy"))) < tiles - 2 == len(list(parts.glob("y*.json")))
    done = 0
    assert restore_large(path, out, TINY, resume=True, on_outcome=note, **OPTIONS).is_complete
    assert done == 2
    np.testing.assert_array_equal(open_lazily(out).read(), before)


def test_a_chunk_that_could_not_be_written_is_written_on_resume(tmp_path, out, noisy, monkeypatch):
    path = save(tmp_path / "in.zarr", noisy, "YX")
    monkeypatch.setattr("napari_dip.files.ome_zarr.CHUNK_SIDES", {"Y": 32, "X": 32})
    write, calls, outcomes = OmeZarrStore.write, [], []

    def full_once(self, tile, values):
        calls.append(tile)
        if len(calls) == 3:
            raise FileError("No space left on device")
        write(self, tile, values)

    monkeypatch.setattr(OmeZarrStore, "write", full_once)
    keep = {"on_outcome": lambda outcome, _: outcomes.append(outcome)}
    assert not restore_large(path, out, TINY, **keep, **OPTIONS).is_complete
    assert [o.status for o in outcomes].count(Status.FAILED) == 1
    monkeypatch.setattr(OmeZarrStore, "write", write)
    outcomes.clear()
    assert restore_large(path, out, TINY, resume=True, **keep, **OPTIONS).is_complete
    assert {o.status for o in outcomes} == {Status.KEPT}
    mended = open_lazily(out).read()
    restore_large(path, out, TINY, overwrite=True, **OPTIONS)
    np.testing.assert_array_equal(open_lazily(out).read(), mended)


def test_a_full_disk_is_reported_in_the_systems_words(tmp_path, out, noisy):
    resource = pytest.importorskip("resource")
    path = save(tmp_path / "in.zarr", noisy, "YX")
    outcomes = []
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, limits[1]))
    try:
        keep = {"on_outcome": lambda outcome, _: outcomes.append(outcome)}
        assert not restore_large(
            path, out, TINY, device="cpu", tiling=TilingOptions(tile=64, overlap=8), **keep
        ).is_complete
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert all(o.error.endswith("can't be written (File too large)") for o in outcomes)
    assert not list(out.with_name("out.ome.zarr.parts").glob("*.npy"))


def test_messages_of_what_can_not_be_restored(tmp_path, out, noisy):
    path = save(tmp_path / "in.zarr", noisy, "YX")
    with pytest.raises(UserError, match=r"output: out\.tif is no OME-Zarr"):
        restore_large(path, tmp_path / "out.tif", TINY)
    with pytest.raises(UserError, match="tile: expected 32 pixels or more, got 8"):
        restore_large(path, out, TINY, tiling=TilingOptions(tile=8))
    with pytest.raises(UserError, match="every pixel is 3"):
        restore_large(save(tmp_path / "flat.zarr", noisy * 0 + 3, "YX"), out, TINY)
    (tmp_path / "broken.zarr").mkdir()
    (tmp_path / "broken.zarr" / "zarr.json").write_text(json.dumps({"node_type": "nothing"}))
    with pytest.raises(UserError, match=r"broken\.zarr: can't be read"):
        restore_large(tmp_path / "broken.zarr", out, TINY)
    assert not out.exists()


def test_weights_are_kept_until_the_next_frame_is_recorded(tmp_path, out, rng, monkeypatch):
    from napari_dip.tiling import item

    frames = (rng.random((2, 36, 36)) / 4 + np.linspace(0, 1, 36)).astype(np.float32)
    path = save(tmp_path / "in.zarr", frames, "TYX")
    written = item.np.save

    def full(file, values):
        if full.calls:
            raise OSError(28, "No space left on device")
        full.calls += 1
        written(file, values)

    full.calls = 0
    monkeypatch.setattr(item.np, "save", full)
    assert not restore_large(path, out, TINY, device="cpu").is_complete
    assert out.with_name("out.ome.zarr.parts").joinpath("t0-y0-x0.pt").exists()
    monkeypatch.setattr(item.np, "save", written)
    counts = []
    note = lambda outcome, _: counts.append(outcome.report["iterations"])  # noqa: E731
    assert restore_large(path, out, TINY, resume=True, on_outcome=note, device="cpu").is_complete
    assert counts == [3, 1]


def test_frames_start_from_the_last_frames_weights_until_a_cut(tmp_path, out, rng):
    y, x = np.mgrid[:40, :44]
    clean = [np.sin((y + t) / 4) * np.cos(x / 5) for t in range(3)] + [np.sin(x / 7)] * 2
    frames = (0.5 + 0.3 * np.stack(clean) + rng.normal(0, 0.05, (5, 40, 44))).astype(np.float32)
    path = save(tmp_path / "in.zarr", frames, "TYX")
    task = TINY.replace(iterations=20)
    counts = {}

    def note(outcome, mosaic):
        if outcome.report:
            counts[outcome.name] = outcome.report["iterations"]

    restore_large(path, out, task, on_outcome=note, device="cpu")
    assert list(counts.values()) == [20, 3, 3, 20, 3]
    whole = open_lazily(out).read()
    # The same when it was killed between frames: their weights are kept until they are used.
    shutil.rmtree(out)
    enough = lambda: len(counts) >= 2  # noqa: E731
    counts.clear()
    restore_large(path, out, task, on_outcome=note, should_stop=enough, device="cpu")
    weights = [p.name for p in out.with_name("out.ome.zarr.parts").glob("*.pt")]
    assert weights == ["t1-y0-x0.pt"]
    restore_large(path, out, task, on_outcome=note, resume=True, device="cpu")
    np.testing.assert_array_equal(open_lazily(out).read(), whole)
    restore_large(path, out, task, on_outcome=note, tiling=COLD, overwrite=True, device="cpu")
    assert list(counts.values()) == [20] * 5
