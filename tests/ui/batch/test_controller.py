"""The Batch dock without Qt: its form, its run, its results."""

import re
import threading
import time
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
import zarr
from PIL import Image
from psygnal import Signal

from napari_dip import Denoise, UserError, restore_many
from napari_dip.batch.files import FileItem
from napari_dip.files.image_file import read_image
from napari_dip.files.inputs import InputFiles
from napari_dip.restoration.files import restore_file
from napari_dip.scheduling import worker
from napari_dip.scheduling.item import Outcome, Status, Stopped
from napari_dip.tiling.plan import TilingOptions
from napari_dip.ui.batch.controller import BatchController, BatchModel, outcome_text
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase

PATIENCE = 120
"""Seconds: the first item imports torch."""

TINY = Denoise(iterations=2, filters=(4,))


class FakeBatchView(MagicMock):
    asked, ticked, closed = Signal(Action), Signal(), Signal()
    changed, task_edited, chosen = Signal(str, object), Signal(object), Signal(str)
    layers_asked = Signal()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(3):
        image = np.random.default_rng(number).integers(0, 255, (18, 20), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / "in" / f"{number}.png")
    (tmp_path / "in" / "1.png").write_bytes(b"no picture")
    return tmp_path


def test_the_form_becomes_a_batch():
    model = BatchModel(images=" a.tif\n\nb/*.png \n", output=" out ", tasks={"denoise": TINY})
    batch = model.batch()
    assert (batch.images, batch.output, batch.task) == (["a.tif", "b/*.png"], "out", TINY)
    assert (batch.tiling, batch.workers, batch.scheduler) == (TilingOptions(), None, None)
    model.loop_axes, model.tile_size, model.workers, model.scheduler = "T", 256, 3, "host:8786"
    batch = model.batch()
    assert batch.tiling == TilingOptions("T", 256)
    assert (batch.workers, batch.scheduler) == (3, "host:8786")
    assert (batch.resume, batch.overwrite) == (True, False)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"output": "out"}, "images: none are given; add files or a folder"),
        ({"images": "a.tif"}, "output: choose a folder for the results"),
        ({"form_error": "sigma: 2 is above"}, "sigma: 2 is above"),
    ],
)
def test_a_form_with_something_missing_gives_no_batch(fields, message):
    with pytest.raises(UserError, match=message):
        BatchModel(**fields).batch()


def test_a_batch_can_not_be_cancelled():
    model = BatchModel()
    assert model.allowed == {Action.RUN}
    model.phase = Phase.RUNNING
    assert model.allowed == {Action.PAUSE, Action.STOP}


@pytest.fixture
def begun(monkeypatch):
    """The names of items that have begun; each waits to be let go (`begun.go`), or stopped."""

    class Begun(list):
        go = threading.Event()

    def run(picture, should_stop):
        begun.append(picture.name)
        while not begun.go.wait(0.01):
            if should_stop():
                raise Stopped
        return {"iterations": 1, "seconds": 0.1}

    begun = Begun()
    monkeypatch.setattr(FileItem, "run", run)
    monkeypatch.setattr(worker, "_SECONDS_BETWEEN_CHECKS", 0.02)
    return begun


def until(condition, view):
    """Let the dock's timer tick until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        view.ticked.emit()
        time.sleep(0.01)


def paused_during_the_first(folder, here, begun):
    view = FakeBatchView()
    model = BatchModel(images=str(folder / "in"), output=str(folder / "out"), scheduler=here)
    controller = BatchController(model, view, MagicMock())
    view.asked.emit(Action.RUN)
    until(lambda: begun, view)
    view.asked.emit(Action.PAUSE)
    until(lambda: model.phase is Phase.PAUSED, view)
    return controller


def test_a_pause_lets_what_is_under_way_end_and_nothing_else_begin(folder, here, begun):
    controller = paused_during_the_first(folder, here, begun)
    view, model = controller.view, controller.model
    assert model.allowed == {Action.RESUME, Action.STOP}
    begun.go.set()
    until(lambda: view.show_progress.call_args.args[1].startswith("Paused. 1 of 3"), view)
    time.sleep(0.5)  # in which others would have begun
    assert len(begun) == 1
    view.asked.emit(Action.RESUME)
    until(lambda: not model.phase.is_active, view)
    assert str(controller._session.run.result) == "3 done"


def test_resume_shows_the_progress_at_once(folder, here, begun):
    controller = paused_during_the_first(folder, here, begun)
    controller.view.show_progress.reset_mock()
    controller.view.asked.emit(Action.RESUME)
    assert controller.view.show_progress.call_args.args[1].startswith("0 of 3.")


def test_a_paused_run_can_be_ended(folder, here, begun):
    controller = paused_during_the_first(folder, here, begun)
    controller.view.asked.emit(Action.STOP)
    until(lambda: not controller.model.phase.is_active, controller.view)
    assert str(controller._session.run.result) == "3 unfinished"
    assert len(begun) == 1


def test_the_same_bits_as_from_python_and_as_alone(folder, here):
    """One run of the dock, one of `restore_many`, and a single one of each picture."""
    (folder / "in" / "1.png").unlink()
    task = TINY.replace(iterations=3)
    view = FakeBatchView()
    model = BatchModel(images=str(folder / "in"), output=str(folder / "dock"), seed=7)
    model.scheduler, model.device, model.tasks = here, "cpu", {"denoise": task}
    controller = BatchController(model, view, MagicMock())
    view.asked.emit(Action.RUN)
    until(lambda: not model.phase.is_active, view)
    assert str(controller._session.run.result) == "2 done"
    places = {"images": [folder / "in"], "output": folder / "many"}
    restore_many(**places, task=task, scheduler=here, device="cpu", seed=7)
    for name in ("0.png", "2.png"):
        alone = folder / name
        restore_file(folder / "in" / name, alone, task, device="cpu", seed=7)
        for place in ("dock", "many"):
            np.testing.assert_array_equal(
                read_image(folder / place / name).data, read_image(alone).data, strict=True
            )


def test_what_is_beside_the_pictures_and_how_they_are_divided():
    model = BatchModel(images="a.tif", output="out", mask_path="masks", psf_path=" psf.tif ")
    assert model.batch().inputs == InputFiles(mask="masks")  # denoising has no use for the other
    assert not model.batch().inputs.mask_keeps
    model.name, model.mask_keeps, model.axes, model.loop_axes = "deblur", True, "TYX", "none"
    model.overlap, model.warm_start = 16, False
    batch = model.batch()
    assert (batch.inputs.mask, batch.inputs.psf) == ("masks", "psf.tif")
    assert (batch.inputs.mask_keeps, batch.axes, batch.tiling.loop_axes) == (True, "TYX", "")
    assert (batch.tiling.overlap, batch.tiling.warm_start) == (16, False)


def test_what_was_made_with_other_settings_is_replaced_on_request(folder, here):
    zarr.save_array(folder / "slide.zarr", np.random.default_rng(0).random((40, 40)))
    view = FakeBatchView()
    model = BatchModel(images=str(folder / "slide.zarr"), output=str(folder / "out"))
    model.scheduler, model.device, model.tasks = here, "cpu", {"denoise": TINY}
    controller = BatchController(model, view, MagicMock())
    for iterations, keep, said in (
        (2, True, "1 done"),
        (3, True, "output: .* exists already, made with other settings; untick Keep finished"),
        (3, False, "1 done"),
    ):
        model.tasks, model.keep_finished = {"denoise": TINY.replace(iterations=iterations)}, keep
        view.asked.emit(Action.RUN)
        until(lambda: not model.phase.is_active, view)
        assert re.match(said, model.message or str(controller._session.run.result))


def test_the_selected_layers_files_are_added():
    paths = ("/data/b.tif", "/data/b.tif", None, "/data/a.tif")  # channels share a file
    layers = [SimpleNamespace(source=SimpleNamespace(path=path)) for path in paths]
    viewer = MagicMock()
    viewer.layers.__iter__.side_effect = lambda: iter(layers)
    viewer.layers.selection = layers[2:3]
    view = FakeBatchView()
    controller = BatchController(BatchModel(), view, viewer)
    view.layers_asked.emit()
    view.add_images.assert_called_with([])
    assert (
        controller.model.message
        == "layers: no selected layer was opened from a file; save it first"
    )
    viewer.layers.selection = layers[:3]
    view.layers_asked.emit()
    view.add_images.assert_called_with(["/data/b.tif"])


@pytest.mark.parametrize("name", ["my cells.png", "in.ome.zarr t0-y0-x0"])
def test_an_items_result_is_found_by_its_name(tmp_path, name):
    viewer = MagicMock()
    controller = BatchController(BatchModel(), FakeBatchView(), viewer)
    controller._folder = tmp_path
    result = tmp_path / ("in.ome.zarr" if "zarr" in name else name)
    result.mkdir()
    controller.open(name)
    viewer.open.assert_called_once()
    assert viewer.open.call_args.args == (result,)


def test_a_run_fills_the_table_and_its_results_can_be_opened(folder, here):
    view, viewer = FakeBatchView(), MagicMock()
    model = BatchModel(device="cpu", scheduler=here, tasks={"denoise": TINY})
    controller = BatchController(model, view, viewer)
    view.changed.emit("images", str(folder / "in"))
    view.changed.emit("output", str(folder / "out"))
    view.asked.emit(Action.RUN)
    assert model.phase is Phase.STARTING
    assert controller._session.run.wait(PATIENCE)
    view.ticked.emit()
    assert model.phase is Phase.FINISHED
    shown = view.show_outcomes.call_args.args[0]
    assert [outcome.status for outcome in shown] == [Status.DONE, Status.FAILED, Status.DONE]
    view.show_progress.assert_called_with(1.0, "2 done, 1 failed; see summary.csv")
    view.chosen.emit("0.png")
    viewer.open.assert_called_once_with(folder / "out" / "0.png", plugin="napari")
    view.chosen.emit("1.png")
    assert model.message == "1.png: has no result yet"


def test_a_run_without_images_fails_with_a_message(folder, here):
    view = FakeBatchView()
    model = BatchModel(images=str(folder / "nothing.tif"), output=str(folder / "out"))
    model.scheduler = here
    controller = BatchController(model, view, MagicMock())
    view.asked.emit(Action.RUN)
    assert controller._session.run.wait(PATIENCE)
    view.ticked.emit()
    assert model.phase is Phase.FAILED
    assert "no such file" in model.message


def test_texts_of_outcomes():
    report = {"iterations": 40, "seconds": 3.21}
    assert outcome_text(Outcome("a", Status.DONE, report=report)) == "40 iterations in 3.2 s"
    assert outcome_text(Outcome("a", Status.FAILED, "in/a: can't be read")) == "can't be read"
    assert outcome_text(Outcome("a", Status.FAILED, "sigma: too much")) == "sigma: too much"
    assert outcome_text(Outcome("a", Status.UNFINISHED)) == ""
