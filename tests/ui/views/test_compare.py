"""The Compare dock without a window around it."""

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QPushButton

from napari_dip.ui.views.compare import CompareView


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        viewer.add_image(rng.random((20, 30)), name=name)
    return viewer


@pytest.fixture
def view(qtbot, viewer):
    view = CompareView(viewer)
    qtbot.addWidget(view)
    for name in ("a", "b"):
        view._rows.widgets[name].value = viewer.layers[name]
    return view


def press(view, text):
    next(b for b in view.findChildren(QPushButton) if b.text() == text).click()


def test_buttons_compare_and_put_back(view, viewer):
    press(view, "Side by side")
    assert viewer.canvas.grid.enabled
    press(view, "Curtain")
    assert "Curtain" in viewer.layers
    before = viewer.layers["Curtain"].data
    view._slider.setValue(10)
    assert not np.array_equal(viewer.layers["Curtain"].data, before)
    press(view, "Difference")
    press(view, "As before")
    assert not viewer.canvas.grid.enabled
    assert [layer.name for layer in viewer.layers] == ["a", "b", "b - a"]


def test_scores_fill_the_table(view, viewer, qtbot):
    view._rows.widgets["reference"].value = viewer.layers["a"]
    press(view, "Scores")
    qtbot.waitUntil(lambda: view._table.item(1, 2) is not None, timeout=20_000)
    texts = [[view._table.item(row, column).text() for column in (0, 1)] for row in (0, 1)]
    assert texts[0] == ["inf", "1.000"]
    assert float(texts[1][0]) < 20


def test_messages_say_what_to_choose(view, viewer):
    view._rows.widgets["b"].value = None
    press(view, "Flicker")
    assert "two different" in view._message.text()


def test_another_pair_begins_from_how_things_were(view, viewer):
    press(view, "Flicker")
    assert not viewer.layers["a"].visible
    view._rows.widgets["b"].value = None
    assert viewer.layers["a"].visible


def test_a_key_flickers(view, viewer):
    (callback,) = viewer.keymap.values()
    callback(viewer)
    assert not viewer.layers["a"].visible
