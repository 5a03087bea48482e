"""Many images: what is written, kept and resumed, with the same bits as one by one."""

import errno
import json
import os

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_dip import Denoise, FlashNoFlash, Inpaint, UserError, restore_many
from napari_dip.batch.restore import Batch
from napari_dip.files import raster
from napari_dip.files.image_file import read_image
from napari_dip.files.lazy import open_lazily
from napari_dip.restoration.files import restore_file
from napari_dip.scheduling.item import Status
from napari_dip.tiling.plan import TilingOptions
from napari_dip.tiling.restore import restore_large

TINY = Denoise(iterations=3, filters=(8, 8))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_two_workers_give_the_same_bits_as_restore_file(make_cluster, pictures, out, tmp_path):
    summary = restore_many([pictures], out, TINY, scheduler=make_cluster(2).address, device="cpu")
    assert str(summary) == "6 done"
    assert len({outcome.worker for outcome in summary.outcomes}) == 2
    for path in sorted(pictures.iterdir()):
        alone = tmp_path / path.name
        restore_file(path, alone, TINY, device="cpu")
        np.testing.assert_array_equal(
            read_image(out / path.name).data, read_image(alone).data, strict=True
        )
        report = json.loads((out / f"{path.name}.json").read_text())
        assert report["iterations"] == 3
        assert report["source"] == str(path)


def test_a_few_small_images_start_no_workers(pictures, out, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_dip.batch.restore.connect", None)
    links = []
    summary = restore_many([pictures], out, TINY, device="cpu", on_start=links.append)
    assert str(summary) == "6 done"
    assert links == [""]
    alone = tmp_path / "alone.png"
    restore_file(pictures / "3.png", alone, TINY, device="cpu")
    np.testing.assert_array_equal(read_image(out / "3.png").data, read_image(alone).data)


@pytest.mark.parametrize("options", [{"workers": 1}, {"scheduler": "tcp://nowhere:1"}])
def test_workers_that_are_asked_for_are_started(pictures, out, monkeypatch, options):
    class AskedForError(Exception):
        pass

    def connect(*_, **__):
        raise AskedForError

    monkeypatch.setattr("napari_dip.batch.restore.connect", connect)
    with pytest.raises(AskedForError):
        restore_many([pictures], out, TINY, device="cpu", **options)
    monkeypatch.setattr("napari_dip.batch.restore._FEW_PIXELS", 100)
    with pytest.raises(AskedForError):
        restore_many([pictures], out, TINY, device="cpu")


def test_a_batch_in_this_process_can_be_paused_and_ended(pictures, out):
    batch = Batch(images=[pictures], output=out, task=TINY, device="cpu")
    asked = []

    def is_paused():
        asked.append(True)
        return len(asked) == 1

    *_, last = batch.run(lambda: len(asked) > 2, is_paused)
    assert str(last.result) == "1 done, 5 unfinished"


def test_an_unreadable_file_is_in_the_summary_and_stops_nothing(here, pictures, out):
    (pictures / "3.png").write_bytes(b"no picture")
    summary = restore_many([pictures], out, TINY, scheduler=here, device="cpu")
    assert [o.name for o in summary.all_outcomes() if o.status is Status.FAILED] == ["3.png"]
    table = json.loads((out / "summary.json").read_text())
    assert table["counts"] == "5 done, 1 failed"
    assert "3.png: can't be read" in table["items"][3]["error"]
    rows = (out / "summary.csv").read_text().splitlines()
    assert rows[0].startswith("name,status,error,source,output")
    assert len(rows) == 7
    assert "3.png" not in names(out)


def test_a_full_disk_fails_items_and_leaves_nothing_half_written(here, pictures, out, monkeypatch):
    def write(path, data, axes, metadata):
        path.write_bytes(b"half of it")
        if len(data) == 30:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole(path, data, axes, metadata)

    large = np.random.default_rng(0).integers(0, 255, (30, 24), dtype=np.uint8)
    Image.fromarray(large).save(pictures / "large.png")
    whole = raster.write
    monkeypatch.setattr(raster, "write", write)
    summary = restore_many([pictures], out, TINY, scheduler=here, device="cpu")
    failed = [o for o in summary.all_outcomes() if o.status is Status.FAILED]
    assert [o.name for o in failed] == ["large.png"]
    assert "No space left on device" in failed[0].error
    assert not [name for name in names(out) if "large" in name or name.startswith(".")]


def test_resuming_keeps_results_of_the_same_file_and_settings(here, pictures, out):
    options = {"scheduler": here, "device": "cpu"}
    restore_many([pictures], out, TINY, **options)
    with pytest.raises(UserError, match=r"output: .*0\.png exists already; go on with --resume"):
        restore_many([pictures], out, TINY, **options)
    (out / "1.png").unlink()
    (out / "2.png.json").write_text("{ cut sh")
    (out / ".napari-dip-0123.png").write_bytes(b"left by a kill")
    (pictures / "4.png").write_bytes((pictures / "5.png").read_bytes())
    before = (out / "0.png").stat().st_mtime_ns
    summary = restore_many([pictures], out, TINY, resume=True, **options)
    done = {o.name for o in summary.all_outcomes() if o.status is Status.DONE}
    assert done == {"1.png", "2.png", "4.png"}
    assert (out / "0.png").stat().st_mtime_ns == before
    assert not [name for name in names(out) if name.startswith(".")]
    other = restore_many([pictures], out, TINY.replace(iterations=2), resume=True, **options)
    assert str(other) == "6 done"
    again = restore_many([pictures], out, TINY, overwrite=True, **options)
    assert str(again) == "6 done"


def test_each_image_gets_the_mask_of_its_name(here, pictures, out, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    for number in range(5):
        mask = np.zeros((20, 24), np.uint8)
        mask[number : number + 3, 4:9] = 255
        Image.fromarray(mask).save(masks / f"{number}.png")
    task = Inpaint(iterations=2, filters=(4,))
    with pytest.raises(UserError, match="guide: flash needs one"):
        restore_many([pictures], out, FlashNoFlash(), scheduler=here)
    summary = restore_many([pictures], out, task, mask=masks, scheduler=here)
    assert str(summary) == "5 done, 1 failed"
    assert "masks/5.png: no such file" in summary.all_outcomes()[5].error
    changed = read_image(out / "2.png").data != read_image(pictures / "2.png").data
    assert changed[2:5, 4:9].any()
    assert not changed[5:].any()


def test_a_run_that_is_ended_keeps_finished_results(here, pictures, out):
    options = {"scheduler": here, "device": "cpu"}
    seen = []
    summary = restore_many(
        [pictures],
        out,
        TINY,
        on_outcome=lambda outcome, summary: seen.append(outcome),
        should_stop=lambda: len(seen) >= 2,
        **options,
    )
    done = summary.count(Status.DONE)
    assert 2 <= done < 6
    assert str(summary) == f"{done} done, {6 - done} unfinished"
    assert len([name for name in names(out) if name.endswith("png")]) == done
    again = restore_many([pictures], out, TINY, resume=True, **options)
    assert str(again) == f"{6 - done} done, {done} kept"


def test_frames_and_tiles_are_items_too(here, pictures, out, rng):
    movie = rng.integers(0, 255, (3, 40, 40), dtype=np.uint8)
    tifffile.imwrite(pictures / "movie.tif", movie, imagej=True, metadata={"axes": "TYX"})
    zarr.save_array(pictures / "slide.zarr", movie[0])
    (pictures / "broken.zarr").mkdir()
    options = {"scheduler": here, "device": "cpu", "tiling": TilingOptions(tile=32, overlap=4)}
    summary = restore_many([pictures], out, TINY, **options)
    assert str(summary) == f"{6 + 12 + 4} done, 1 failed"
    assert [o.name for o in summary.all_outcomes() if o.status is Status.FAILED] == [
        "broken.ome.zarr"
    ]
    assert names(out.parent / "out" / "movie.ome.zarr")
    assert not list(out.glob("*.parts"))
    assert open_lazily(out / "movie.ome.zarr").axes.letters == "TYX"
    frame = restore_many([pictures / "slide.zarr"], out.with_name("b"), TINY, **options)
    assert str(frame) == "4 done"
    np.testing.assert_array_equal(
        open_lazily(out / "slide.ome.zarr").read(),
        open_lazily(out.with_name("b") / "slide.ome.zarr").read(),
    )
    with pytest.raises(UserError, match="exists already"):
        restore_many([pictures / "slide.zarr"], out, TINY, **options)
    again = restore_many([pictures], out, TINY, resume=True, **options)
    assert str(again) == "8 kept, 1 failed"


def test_a_guide_goes_along_with_frames_and_tiles(here, out, tmp_path, rng):
    for folder in ("dark", "flash"):
        (tmp_path / folder).mkdir()
        frames = rng.integers(0, 255, (2, 40, 44), dtype=np.uint8)
        tifffile.imwrite(tmp_path / folder / "movie.tif", frames, imagej=True)
    one = tmp_path / "flash.zarr"
    zarr.save_array(one, frames)
    task = FlashNoFlash(iterations=2, filters=(4,), skips=(4,))
    options = {"scheduler": here, "device": "cpu", "tiling": TilingOptions(tile=32), "axes": "TYX"}
    dark = tmp_path / "dark"
    summary = restore_many([dark], out, task, guide=tmp_path / "flash", **options)
    assert str(summary) == "8 done"
    again = restore_many([dark], out.with_name("b"), task, guide=one, **options)
    assert str(again) == "8 done"
    first, second = (open_lazily(o / "movie.ome.zarr").read() for o in (out, out.with_name("b")))
    np.testing.assert_array_equal(first, second)


def test_frames_wait_for_the_one_before(here, out, tmp_path, rng):
    frames = (rng.random((4, 32, 32)) / 4 + np.linspace(0, 1, 32)).astype(np.float32)
    tifffile.imwrite(tmp_path / "in.tif", frames, imagej=True, metadata={"axes": "TYX"})
    done = []
    restore_many(
        [tmp_path / "in.tif"],
        out,
        TINY,
        tiling=TilingOptions(loop_axes="T"),
        on_outcome=lambda outcome, _: done.append((outcome.name, outcome.report["iterations"])),
        scheduler=here,
        device="cpu",
    )
    assert done == [(f"in.ome.zarr t{t}-y0-x0", 1 if t else 3) for t in range(4)]
    alone = out / "alone.ome.zarr"
    restore_large(tmp_path / "in.tif", alone, TINY, device="cpu")
    np.testing.assert_array_equal(
        open_lazily(out / "in.ome.zarr").read(), open_lazily(alone).read()
    )
