"""The Batch dock, in Qt."""

import pytest
from napari.components import ViewerModel

from napari_dip import Denoise
from napari_dip.batch.items import Outcome, Status
from napari_dip.tasks import TASKS
from napari_dip.ui.views.batch import BatchView


@pytest.fixture
def view(qtbot):
    view = BatchView(ViewerModel())
    qtbot.addWidget(view)
    view.heard = {}
    view.changed.connect(lambda name, value: view.heard.update({name: value}))
    view.show_task(Denoise())
    return view


def test_it_says_what_is_typed(view):
    view._files.add(["a.tif", "", "b"])
    view._files._output.value = "/results"
    view._fields.widgets["each"].value = "T"
    view._fields.widgets["block_size"].value = 512
    view._fields.widgets["keep_finished"].value = False
    view._choice.value = "upscale"
    assert view.heard | {"form_error": ""} == {
        "form_error": "",
        "images": "a.tif\nb",
        "output": "/results",
        "each": "T",
        "block_size": 512,
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
        ["b.tif", "failed", "b.tif: can't be read"],
        ["c.tif", "", ""],
    ]
    chosen = []
    view.chosen.connect(chosen.append)
    table.cellDoubleClicked.emit(1, 2)
    assert chosen == ["b.tif"]
