"""The Batch dock, in Qt."""

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QMimeData, QUrl
from qtpy.QtWidgets import QPushButton

from napari_dip import Denoise
from napari_dip.scheduling.item import Outcome, Status
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.batch.paths import InputPaths, PathList
from napari_dip.ui.batch.view import OutcomeTable, QtBatchView

from ..find import fields, find


@pytest.fixture
def view(qtbot):
    view = QtBatchView(ViewerModel())
    qtbot.addWidget(view)
    view.heard = {}
    view.changed.connect(lambda name, value: view.heard.update({name: value}))
    view.show_task(Denoise())
    return view


def test_what_is_typed_is_emitted(view):
    view.add_images(["a.tif", "", "b"])
    fields(view)["output"].value = "/results"
    fields(view)["output"].value = None
    fields(view)["mask_path"].value = "/masks"
    fields(view)["loop_axes"].value = "T"
    fields(view)["tile_size"].value = 512
    fields(view)["keep_finished"].value = False
    fields(view)["name"].value = "upscale"
    assert view.heard | {"form_error": ""} == {
        "form_error": "",
        "images": "a.tif\nb",
        "output": "",
        "mask_path": "/masks",
        "loop_axes": "T",
        "tile_size": 512,
        "keep_finished": False,
        "name": "upscale",
    }


@pytest.mark.parametrize("name", TASKS)
def test_each_task_has_a_form(view, name):
    edited = []
    view.task_edited.connect(edited.append)
    view.show_task(TASKS[name]())
    fields(view, "everyday")["iterations"].value = "12"
    assert (edited[-1].name, edited[-1].iterations) == (name, 12)


@pytest.mark.parametrize(("name", "inputs"), [("denoise", {"mask"}), ("deblur", {"mask", "psf"})])
def test_the_inputs_of_a_task_are_asked_for(view, name, inputs):
    view.show_task(TASKS[name]())
    rows = find(view, InputPaths).widgets
    shown = {row.partition("_")[0] for row, widget in rows.items() if not widget.native.isHidden()}
    assert shown == inputs


def test_files_are_dropped_on_the_list(view, tmp_path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in ("a b.tif", "c")])
    assert find(view, PathList).canInsertFromMimeData(data)
    find(view, PathList).insertFromMimeData(data)
    assert view.heard["images"] == f"{tmp_path / 'a b.tif'}\n{tmp_path / 'c'}"


def test_there_is_no_cancel_button(view):
    names = {button.objectName() for button in view.findChildren(QPushButton)}
    assert {action.name.lower() for action in view.tips} <= names
    assert "cancel" not in names


def test_the_table_shows_items_and_opens_them(view):
    outcomes = [
        Outcome("a.tif", Status.DONE, report={"iterations": 40, "seconds": 3.0}),
        Outcome("b.tif", Status.FAILED, "b.tif: can't be read"),
        Outcome("c.tif", Status.UNFINISHED),
    ]
    view.show_outcomes(outcomes)
    table = find(view, OutcomeTable)
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
