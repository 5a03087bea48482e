"""Frames one by one and tiles, live: the real engine, held up by the test; no window."""

import gc
import threading
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel

from napari_dip import Denoise, FlashNoFlash, Inpaint, Upscale
from napari_dip.files.lazy import open_lazily
from napari_dip.tiling.plan import TilingOptions, TilingPlan
from napari_dip.tiling.restore import restore_large
from napari_dip.ui.layers.provenance import KEY, task_of
from napari_dip.ui.restore.controller import RestoreController
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.run.model import Action, Region, StackScope
from napari_dip.ui.run.thread import Phase

from ..arrays import Lazy
from ..fakes import WAIT, FakeView, until

TINY = Denoise(iterations=6, filters=(4, 4), sigma=0.1)
PLACE = {"scale": (2, 0.5, 0.25), "translate": (1, 3, -2), "units": ("s", "um", "um")}
PLACE["axis_labels"] = ("t", "y", "x")


class Dock:
    """Model, view and controller, in which each fit waits for `let`."""

    def __init__(self, viewer, monkeypatch):
        self.viewer = viewer
        self.model, self.view = RestoreModel(device="cpu"), FakeView()
        self.model.task = TINY
        self.now = 0.0
        self.controller = RestoreController(
            self.model, self.view, viewer, clock=lambda: self.now, effort=lambda: 0.0
        )
        self.gate = threading.Semaphore(0)
        job = TilingPlan.job

        def held(plan, *given, **options):
            assert self.gate.acquire(timeout=WAIT), "the test forgot to let it"
            return job(plan, *given, **options)

        monkeypatch.setattr(TilingPlan, "job", held)

    def restore(self, layer, scope=StackScope.SLICES, fits=100):
        self.model.image, self.model.scope = layer, scope
        self.let(fits)
        self.ask(Action.RUN)
        if fits == 100:
            self.until(Phase.FINISHED)
            return self.viewer.layers[f"{layer.name} [{self.model.name}]"]
        until(lambda: len(self.run.image.outcomes) >= fits)
        self.tick()
        return None

    def ask(self, action):
        self.view.asked.emit(action)

    def let(self, fits):
        self.gate.release(fits)

    def tick(self):
        self.now += 1
        self.view.ticked.emit()

    def until(self, phase):
        def reached():
            self.tick()
            assert self.model.phase is not Phase.FAILED or phase is Phase.FAILED, self.message
            return self.model.phase is phase

        until(reached, 60)

    @property
    def run(self):
        return self.controller._session.run

    @property
    def message(self):
        return self.view.last_call["show_message"][0]

    @property
    def progress(self):
        return self.view.last_call["show_progress"][1]


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def dock(viewer, monkeypatch):
    dock = Dock(viewer, monkeypatch)
    yield dock
    dock.let(1000)
    dock.controller.close()


@pytest.fixture
def frames(rng):
    y, x = np.mgrid[:36, :40]
    clean = np.stack([np.sin((y + t) / 4) * np.cos(x / 5) for t in range(4)])
    return (500 + 300 * clean + rng.normal(0, 40, clean.shape)).astype(np.uint16)


def restored(tmp_path, image, task=TINY, **options):
    """What `restore_large` makes of it, on a thread too: what sums are like depends on threads."""
    source, out = tmp_path / "in.zarr", tmp_path / "alike.ome.zarr"
    da.from_array(image, chunks=image.shape).to_zarr(str(source), compute=True)
    how = {"device": "cpu", **options}
    thread = threading.Thread(target=restore_large, args=(source, out, task), kwargs=how)
    thread.start()
    thread.join()
    return open_lazily(out).read()


def test_a_movie_is_what_restore_large_makes_of_it_in_its_place(dock, viewer, frames, tmp_path):
    layer = viewer.add_image(frames, name="cells", contrast_limits=(100, 900), **PLACE)
    dock.model.folder = tmp_path
    result = dock.restore(layer)
    out = tmp_path / "cells_denoise.ome.zarr"
    alike = restored(tmp_path, frames, axes="TYX")
    np.testing.assert_array_equal(np.asarray(result.data), alike, strict=True)
    np.testing.assert_array_equal(open_lazily(out).read(), np.asarray(result.data))
    # pitfalls 10 and 13: it lies and looks as its source
    for name in ("scale", "translate", "units", "axis_labels", "contrast_limits"):
        np.testing.assert_array_equal(getattr(result, name), getattr(layer, name))
    assert open_lazily(out).axes.units == ("second", "micrometer", "micrometer")
    assert open_lazily(out).axes.origin == (1, 3, -2)
    made = result.metadata[KEY]
    assert made["partition"] == "4 frames one by one"
    assert (made["tiles"], made["stop_reason"]) == ([4, 4], "budget")
    assert task_of(result).replace(stop="auto").iterations == 6
    assert str(out) in dock.progress


def test_pitfall_11_a_frame_is_shown_as_soon_as_it_is_done(dock, viewer, frames):
    layer = viewer.add_image(frames, name="cells", axis_labels=("t", "y", "x"))
    dock.restore(layer, fits=2)
    growing = viewer.layers["cells [denoise]"]
    heard = []
    growing.events.data.connect(lambda event: heard.append(event))
    assert np.isfinite(growing.data[:2]).all()
    assert np.isnan(growing.data[2:]).all()
    assert growing.data.dtype == np.float32  # NaN is transparent: the source is seen below
    assert dock.progress == "2 of 4 done"
    dock.let(1)
    until(lambda: 2 in [start[0] for start in dock.run.curves])
    dock.tick()
    assert heard  # whoever looks at the layer is told
    assert np.isfinite(growing.data[2]).all()
    dock.let(1)
    dock.until(Phase.FINISHED)
    assert growing.data.dtype == np.uint16


def test_the_sliders_go_along_until_they_are_moved(dock, viewer, frames):
    layer = viewer.add_image(frames, name="cells", **PLACE)
    viewer.dims.set_point(0, 5)
    dock.restore(layer, fits=2)
    assert dock.controller._session._frame_on_display()[0] == 1
    assert viewer.dims.point[0] == 3  # the second frame, in seconds
    viewer.dims.set_point(0, 1)
    dock.let(10)
    dock.until(Phase.FINISHED)
    assert viewer.dims.point[0] == 1


def test_the_timeline_is_that_of_the_frame_on_display(dock, viewer, frames):
    layer = viewer.add_image(frames, name="cells", **PLACE)
    result = dock.restore(layer)
    viewer.dims.set_point(0, PLACE["translate"][0])
    assert dock.view.last_call["show_timeline"] == ((0, 1, 2, 3, 4, 5, 6), None)
    assert len(dock.view.last_call["show_curve"][0]) == 6
    last, others = result.data[0], result.data[1:]
    dock.view.iteration_chosen.emit(1)
    first = result.data[0]
    assert not np.array_equal(first, last)
    np.testing.assert_array_equal(result.data[1:], others)
    dock.ask(Action.KEEP)
    kept = viewer.layers["cells [denoise] frame 1 of 4 1"]
    np.testing.assert_array_equal(kept.data[0], first)
    np.testing.assert_array_equal(kept.extent.world[0], result.extent.world[0])
    assert kept.metadata[KEY]["iterations"] == 1
    dock.ask(Action.STACK)
    stack = viewer.layers["cells [denoise] frame 1 of 4 iterations"]
    assert stack.data.shape == (7, 1, 36, 40)
    dock.view.iteration_chosen.emit(None)
    np.testing.assert_array_equal(result.data[0], last)
    viewer.dims.set_point(1, 5)  # the third frame, which follows: a sixth of the iterations
    assert dock.view.last_call["show_timeline"] == ((0, 1), None)


def test_a_reference_tells_each_frames_psnr(dock, viewer, frames):
    truth = frames + np.uint16(10)
    dock.model.reference = viewer.add_image(truth, name="truth")
    layer = viewer.add_image(frames, name="cells")
    result = dock.restore(layer)
    viewer.dims.set_point(0, 2)
    report = dock.view.last_call["show_curve"][0][-1]
    error = np.mean((result.data[2].astype(float) - truth[2]) ** 2)
    data_range = dock.run.image.mosaic.plan.data_range
    assert report.psnr == pytest.approx(10 * np.log10(data_range**2 / error))


def test_tiles_are_what_restore_large_makes_of_them(dock, viewer, rng, tmp_path):
    image = rng.random((90, 75)).astype(np.float32)
    dock.model.tile_size = 48
    result = dock.restore(viewer.add_image(image, name="cells"), StackScope.SLICE)
    alike = restored(tmp_path, image, axes="YX", tiling=TilingOptions(tile=48))
    np.testing.assert_array_equal(np.asarray(result.data), alike, strict=True)
    assert result.metadata[KEY]["partition"] == "4 tiles of 48"
    dock.ask(Action.KEEP)
    assert "in tiles have none" in dock.message


@pytest.mark.parametrize("kind", ["dask", "lazy", "pyramid"])
def test_pitfall_15_a_large_layer_is_never_read_whole(dock, viewer, rng, kind):
    values = rng.random((3, 90, 75)).astype(np.float32)
    reads = []

    def note(chunk):
        reads.append(chunk.size)
        return chunk

    lazy = Lazy(values)
    data = {
        "dask": da.from_array(values, chunks=(1, 30, 30)).map_blocks(note, dtype=values.dtype),
        "lazy": lazy,
        "pyramid": [lazy, values[:, ::2, ::2]],
    }[kind]
    layer = viewer.add_image(data, contrast_limits=(0, 1), multiscale=kind == "pyramid", name="x")
    reads.clear()
    lazy.reads.clear()
    dock.model.tile_size = 40
    result = dock.restore(layer)
    assert np.isfinite(np.asarray(result.data)).all()
    if kind != "dask":
        reads = [size for thread, size in lazy.reads if thread is dock.run._thread]
    assert len(reads) > 10
    assert max(reads) <= 90 * 75  # the survey's boxes are of a thousand pixels a side


def test_stop_keeps_what_is_done_and_run_goes_on_with_it(dock, viewer, frames, tmp_path):
    layer = viewer.add_image(frames, name="cells")
    dock.model.folder = tmp_path
    dock.restore(layer, fits=2)
    dock.ask(Action.STOP)
    dock.let(1)
    dock.until(Phase.FINISHED)
    assert dock.progress.startswith("Stopped: 3 of 4 slices are done; Run goes on with them")
    stopped = viewer.layers["cells [denoise]"]
    assert np.isfinite(stopped.data[:2]).all()
    assert stopped.metadata[KEY]["stop_reason"] == "cancelled"
    before = np.array(stopped.data[:2])
    dock.gate = threading.Semaphore(1)  # the others are not done again
    dock.ask(Action.RUN)
    dock.until(Phase.FINISHED)
    assert dock.progress.startswith("Done")
    whole = viewer.layers[-1].data
    np.testing.assert_array_equal(whole[:2], before)
    dock.ask(Action.RUN)
    dock.until(Phase.FINISHED)
    assert "it was there already" in dock.progress
    np.testing.assert_array_equal(np.asarray(viewer.layers[-1].data), np.asarray(whole))
    dock.model.task = TINY.replace(iterations=5)
    dock.ask(Action.RUN)
    dock.until(Phase.FAILED)
    assert "exists already and was made in another way; choose another folder" in dock.message
    layer.data = frames[::-1]  # other pixels are another picture
    dock.model.task = TINY
    dock.ask(Action.RUN)
    dock.until(Phase.FAILED)
    assert "another way" in dock.message


def test_stop_before_there_was_anything_to_see(dock, viewer, frames, tmp_path):
    layer = viewer.add_image(frames, name="cells")
    dock.model.folder = tmp_path
    dock.model.image, dock.model.scope = layer, StackScope.SLICES
    dock.ask(Action.RUN)
    until(lambda: dock.run.image.mosaic is not None)
    dock.run.stop()
    dock.let(1)
    assert dock.run.wait(WAIT)
    dock.until(Phase.FINISHED)
    assert dock.progress == "Stopped: nothing is done yet"
    assert np.isnan(viewer.layers["cells [denoise]"].data[1:]).all()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_temporary", [True, False])
def test_cancel_leaves_nothing_but_what_is_in_a_persons_folder(
    dock, viewer, frames, tmp_path, is_temporary
):
    dock.model.folder = None if is_temporary else tmp_path
    dock.restore(viewer.add_image(frames, name="cells"), fits=2)
    output = dock.run.image.mosaic.output
    assert output.exists()
    dock.ask(Action.CANCEL)
    dock.let(1)
    dock.until(Phase.DISCARDED)
    assert [layer.name for layer in viewer.layers] == ["cells"]
    assert output.exists() == (not is_temporary)
    assert dock.view.last_call["show_timeline"] == ((), None)


def test_a_temporary_result_lives_as_long_as_its_layer(dock, viewer, frames):
    result = dock.restore(viewer.add_image(frames, name="cells"))
    path = Path(result.metadata[KEY]["output"])
    assert path.exists()
    assert "save the layer" in dock.progress
    dock.controller._session = None
    gc.collect()
    assert path.exists()
    viewer.layers.clear()
    viewer.add_points(name="another")  # napari holds the one that was selected last
    del result
    gc.collect()
    assert not path.exists()


def test_a_dock_that_is_closed_leaves_what_is_done(dock, viewer, frames):
    dock.restore(viewer.add_image(frames, name="cells"), fits=2)
    layer, run = viewer.layers["cells [denoise]"], dock.run
    before = layer.data[:2]
    dock.let(1)
    dock.view.closed.emit()
    assert run.wait(WAIT)
    np.testing.assert_array_equal(layer.data[:2], before)
    assert layer.metadata[KEY]["stop_reason"] == "interrupted"


def test_a_deleted_layer_comes_back_at_the_end_only(dock, viewer, frames):
    layer = viewer.add_image(frames, name="cells")
    dock.restore(layer, fits=2)
    viewer.layers.remove("cells [denoise]")
    dock.let(1)
    until(lambda: len(dock.run.image.outcomes) == 3)
    dock.tick()
    assert list(viewer.layers) == [layer]
    dock.let(1)
    dock.until(Phase.FINISHED)
    assert viewer.layers["cells [denoise]"].data.dtype == np.uint16


def test_a_rectangle_of_all_frames(dock, viewer, frames):
    layer = viewer.add_image(frames, name="cells", **PLACE)
    corners = [[0, 8, 4], [0, 8, 33], [0, 30, 33], [0, 30, 4]]
    drawn = viewer.add_shapes([[layer.data_to_world(corner)[1:] for corner in corners]])
    dock.model.region, dock.model.rectangle = Region.RECTANGLE, drawn
    result = dock.restore(layer)
    assert result.data.shape == (4, 23, 30)
    np.testing.assert_allclose(result.translate, layer.data_to_world([0, 8, 4]))


def test_what_is_missing_is_filled_in_all_frames(dock, viewer, frames):
    frames[:, 10:14, 20:30] = 0
    layer = viewer.add_image(frames, name="cells", scale=(1, 0.5, 0.5))
    labels = np.zeros(frames.shape[1:], np.uint8)
    labels[10:14, 20:30] = 1
    dock.model.mask = viewer.add_labels(labels, scale=(0.5, 0.5))
    dock.model.task = Inpaint(iterations=3, filters=(4,))
    result = np.asarray(dock.restore(layer).data)
    assert (result[:, 10:14, 20:30] > 0).all()
    np.testing.assert_array_equal(result[:, labels == 0], frames[:, labels == 0])


def test_a_finer_result_lies_over_its_source(dock, viewer, frames):
    layer = viewer.add_image(frames[:2], name="cells", **PLACE)
    dock.model.task = Upscale(factor=2, iterations=2, filters=(4,))
    result = dock.restore(layer)
    assert result.data.shape == (2, 72, 80)
    assert result.scale.tolist() == [2, 0.25, 0.125]
    assert result.translate.tolist() == [1, 2.875, -2.0625]


def test_colours_and_an_order_of_axes_of_its_own(dock, viewer, rng):
    image = rng.integers(0, 30, (20, 3, 36, 3)).astype(np.uint8)
    image += np.arange(36, dtype=np.uint8)[:, None] * 6
    layer = viewer.add_image(image, name="cells", rgb=True)
    viewer.dims.order = (1, 0, 2)
    result = dock.restore(layer)
    assert (result.rgb, result.data.shape) == (True, image.shape)
    assert dock.run.request.partition.words == "3 slices one by one, 3 colours jointly"
    truth = np.broadcast_to(np.arange(36)[:, None] * 6, image.shape)
    assert np.corrcoef(np.asarray(result.data).ravel(), truth.ravel())[0, 1] > 0.3


def test_a_part_that_fails_is_told_and_the_others_are_kept(dock, viewer, frames, monkeypatch):
    layer = viewer.add_image(frames, name="cells")
    dock.restore(layer, fits=1)

    def broken(*given, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TilingPlan, "job", broken)
    dock.let(1)
    dock.until(Phase.FINISHED)
    assert "failed: OSError" in dock.progress
    assert np.isfinite(viewer.layers["cells [denoise]"].data[0]).all()
    dock.ask(Action.RUN)
    dock.until(Phase.FAILED)  # where nothing can be done, there is no result
    assert "No space left" in dock.message


@pytest.mark.parametrize(("axes", "shape"), [("TYX", (4, 36, 40)), ("YXS", (36, 40, 3))])
def test_a_guide_goes_along_with_the_frames(dock, viewer, frames, tmp_path, rng, axes, shape):
    flash = rng.integers(0, 200, shape).astype(np.uint8)
    layer = viewer.add_image(frames, name="cells", **PLACE)
    dock.model.guide = viewer.add_image(Lazy(flash), name="flash", rgb="S" in axes)
    dock.model.task = task = FlashNoFlash(iterations=6, filters=(4, 4))
    result = dock.restore(layer)
    path = tmp_path / "flash.ome.tif"
    kind = "rgb" if "S" in axes else "minisblack"
    tifffile.imwrite(path, flash, metadata={"axes": axes}, photometric=kind)
    alike = restored(tmp_path, frames, task, axes="TYX", guide=path)
    np.testing.assert_array_equal(np.asarray(result.data), alike, strict=True)


def test_a_guide_of_another_shape_is_told(dock, viewer, frames):
    layer = viewer.add_image(frames, name="cells")
    dock.model.task = FlashNoFlash()
    dock.model.guide = viewer.add_image(frames[:2], name="flash")
    dock.model.image, dock.model.scope = layer, StackScope.SLICES
    dock.ask(Action.RUN)
    assert "guide: 'flash' has the shape (2, 36, 40)" in dock.message
    assert dock.model.phase is Phase.IDLE


def test_the_dock_says_what_is_fitted_together(dock, viewer, frames):
    layer = viewer.add_image(frames, name="cells", axis_labels=("t", "y", "x"))
    dock.view.changed.emit("image", layer)
    assert dock.view.last_call["show_partition"] == ("", False)
    dock.view.changed.emit("scope", StackScope.SLICES)
    assert dock.view.last_call["show_partition"] == ("4 frames one by one", True)
    dock.view.changed.emit("tile_size", 32)
    told = ("4 frames one by one; 4 tiles of 32 each", True)
    assert dock.view.last_call["show_partition"] == told
    dock.view.changed.emit("tile_size", 3)
    assert dock.view.last_call["show_partition"] == ("", False)


def test_what_memory_does_not_hold_is_cut(dock, viewer, monkeypatch):
    from napari_dip.engine import memory

    monkeypatch.setattr(memory, "total_memory", lambda device: 20_000_000)
    layer = viewer.add_image(np.zeros((700, 600), np.uint8), name="cells")
    dock.view.changed.emit("image", layer)

    def answered():
        dock.tick()
        return dock.view.last_call.get("show_estimate", ("",))[0]

    until(answered, 60)
    assert dock.view.last_call["show_partition"] == ("4 tiles of 512", True)


def test_tiles_that_wait_are_shown_without_their_borders(dock, viewer, rng):
    image = rng.random((90, 75)).astype(np.float32)
    dock.model.tile_size = 48
    layer = viewer.add_image(image, name="cells")
    dock.restore(layer, StackScope.SLICE, fits=2)
    shown = viewer.layers["cells [denoise]"].data
    first, second = dock.run.image.mosaic.state.waiting
    assert (first.tile.stop, first.core.stop) == ((48, 48), (45, 45))
    assert (second.tile.start, second.core.start) == ((0, 27), (0, 30))
    assert np.isfinite(shown[: first.core.stop[0]]).all()
    assert np.isnan(shown[max(first.tile.stop[0], 50) :]).all()
