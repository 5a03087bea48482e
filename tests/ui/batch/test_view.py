"""The Batch dock, in Qt."""

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QMimeData, QUrl

from napari_dip import Denoise
from napari_dip.scheduling.item import Outcome, Status
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.batch.view import QtBatchView
from napari_dip.ui.run.model import Action


@pytest.fixture
def view(qtbot):
    view = QtBatchView(ViewerModel())
    qtbot.addWidget(view)
    view.heard = {}
    view.changed.connect(lambda name, value: view.heard.update({name: value}))
    view.show_task(Denoise())
    return view


def test_it_says_what_is_typed(view):
    view._files.add(["a.tif", "", "b"])
    view._files._output.value = "/results"
    view._files._output.value = None
    view._sides.widgets["mask_path"].value = "/masks"
    view._division.widgets["each"].value = "T"
    view._division.widgets["tile_size"].value = 512
    view._run.widgets["keep_finished"].value = False
    view._choice.value = "upscale"
    assert view.heard | {"form_error": ""} == {
        "form_error": "",
        "images": "a.tif\nb",
        "output": "",
        "mask_path": "/masks",
        "each": "T",
        "tile_size": 512,
        "keep_finished": False,
        "name": "upscale",
    }


@pytest.mark.parametrize("name", TASKS)
def test_it_shows_each_tasks_form(view, name):
    edited = []
    view.task_edited.connect(edited.append)
    view.show_task(TASKS[name]())
    view._form._everyday.widgets["iterations"].value = "12"
    assert (edited[-1].name, edited[-1].iterations) == (name, 12)


@pytest.mark.parametrize(("name", "sides"), [("denoise", {"mask"}), ("deblur", {"mask", "psf"})])
def test_it_asks_for_the_files_that_a_task_takes(view, name, sides):
    view.show_task(TASKS[name]())
    rows = view._sides.widgets
    shown = {row.partition("_")[0] for row, widget in rows.items() if not widget.native.isHidden()}
    assert shown == sides


def test_files_are_dropped_on_the_list(view, tmp_path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in ("a b.tif", "c")])
    assert view._files._text.canInsertFromMimeData(data)
    view._files._text.insertFromMimeData(data)
    assert view.heard["images"] == f"{tmp_path / 'a b.tif'}\n{tmp_path / 'c'}"


def test_what_has_no_meaning_here_has_no_button(view):
    assert set(view._run_bar._buttons) == set(Action) & set(view.tips)
    assert Action.CANCEL not in view._run_bar._buttons


def test_its_table_shows_items_and_opens_them(view):
    outcomes = [
        Outcome("a.tif", Status.DONE, report={"iterations": 40, "seconds": 3.0}),
        Outcome("b.tif", Status.FAILED, "b.tif: can't be read"),
        Outcome("c.tif", Status.UNFINISHED),
    ]
    view.show_outcomes(outcomes)
    table = view._outcomes
    texts = [[table.item(r, c).text() for c in range(3)] for r in range(table.rowCount())]
    assert texts == [
        ["a.tif", "done", "40 iterations in 3.0 s"],
        ["b.tif", "failed", "can't be read"],
        ["c.tif", "", ""],
    ]
    assert table.item(1, 2).toolTip() == "b.tif: can't be read"
    chosen = []
    view.chosen.connect(chosen.append)
    table.cellDoubleClicked.emit(1, 2)
    assert chosen == ["b.tif"]
