"""The Batch dock without Qt: its form, its run, its results."""

from unittest.mock import MagicMock

import numpy as np
import pytest
from PIL import Image
from psygnal import Signal

from napari_dip import Denoise, UserError
from napari_dip.batch.items import Outcome, Status
from napari_dip.ui.batch import BatchController, BatchModel, told
from napari_dip.ui.model import Action
from napari_dip.ui.worker import Phase

PATIENCE = 120
"""Seconds: the first item imports torch."""

TINY = Denoise(iterations=2, filters=(4,))


class View(MagicMock):
    asked, ticked, closed = Signal(Action), Signal(), Signal()
    changed, task_edited, chosen = Signal(str, object), Signal(object), Signal(str)


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
    assert (batch.each, batch.block, batch.workers, batch.scheduler) == (None,) * 4
    model.each, model.block_size, model.workers, model.scheduler = "T", 256, 3, "host:8786"
    batch = model.batch()
    assert (batch.each, batch.block, batch.workers, batch.scheduler) == ("T", 256, 3, "host:8786")
    assert batch.resume


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"output": "out"}, "images: there are none; add files or a folder"),
        ({"images": "a.tif"}, "output: choose a folder for the results"),
        ({"form_error": "sigma: 2 is above"}, "sigma: 2 is above"),
    ],
)
def test_what_is_missing_is_said(fields, message):
    with pytest.raises(UserError, match=message):
        BatchModel(**fields).batch()


def test_there_is_no_pause_and_no_taking_back():
    model = BatchModel()
    assert model.allowed == {Action.RUN}
    model.phase = Phase.RUNNING
    assert model.allowed == {Action.STOP}


def test_a_run_fills_the_table_and_its_results_can_be_opened(folder, here):
    view, viewer = View(), MagicMock()
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
    assert model.message == "1.png: there is no result yet"


def test_a_run_that_can_not_begin_says_why(folder, here):
    view = View()
    model = BatchModel(images=str(folder / "nothing.tif"), output=str(folder / "out"))
    model.scheduler = here
    controller = BatchController(model, view, MagicMock())
    view.asked.emit(Action.RUN)
    assert controller._session.run.wait(PATIENCE)
    view.ticked.emit()
    assert model.phase is Phase.FAILED
    assert "no such file" in model.message


def test_items_in_a_few_words():
    report = {"iterations": 40, "seconds": 3.21}
    assert told(Outcome("a", Status.DONE, report=report)) == "40 iterations in 3.2 s"
    assert told(Outcome("a", Status.FAILED, "a: can't be read")) == "a: can't be read"
    assert told(Outcome("a", Status.UNFINISHED)) == ""
