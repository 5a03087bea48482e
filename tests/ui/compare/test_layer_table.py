"""The table of layers: ticks, letters and figures."""

import math

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtCore import Qt

from napari_dip.ui.compare.layer_table import LayerTable
from napari_dip.ui.compare.scores import Score


@pytest.fixture
def layers():
    return [Image(np.zeros((4, 5)), name=name) for name in ("low", "middle", "high")]


@pytest.fixture
def table(qtbot, layers):
    table = LayerTable()
    qtbot.addWidget(table)
    table.show_layers(layers)
    return table


def texts(table):
    items = [table.topLevelItem(i) for i in range(table.topLevelItemCount())]
    return [[item.text(column) for column in range(table.columnCount())] for item in items]


def letters(table):
    return [row[0] for row in texts(table)]


def tick(table, row, on=True):
    state = Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
    table.topLevelItem(row).setCheckState(0, state)


def test_letters_go_from_the_lowest_layer_up(table, layers):
    heard = []
    table.ticked.connect(heard.append)
    tick(table, 2)
    tick(table, 0)
    assert letters(table) == ["A", "", "B"]
    assert [row[1] for row in texts(table)] == ["low", "middle", "high"]
    assert heard == [(layers[2],), (layers[0], layers[2])]
    tick(table, 0, False)
    assert letters(table) == ["", "", "A"]
    assert table.chosen == (layers[2],)


def test_a_click_on_the_name_ticks_too(table, layers):
    item = table.topLevelItem(1)
    table.itemClicked.emit(item, 1)
    assert table.chosen == (layers[1],)
    table.itemClicked.emit(item, 1)
    assert table.chosen == ()
    table.itemClicked.emit(item, 0)  # there the box itself does it
    assert table.chosen == ()


def test_ticks_stay_with_their_layers(table, layers):
    table.choose(layers[:2])
    heard = []
    table.ticked.connect(heard.append)
    layers[0].name = "renamed"
    table.show_layers([Image(np.zeros((4, 5)), name="new"), *layers])
    assert letters(table) == ["", "A", "B", ""]
    assert texts(table)[1][1] == "renamed"
    assert not heard
    table.show_layers([layers[1], layers[0]])
    assert heard == [(layers[1], layers[0])]
    table.show_layers(layers[1:])
    assert heard[1:] == [(layers[1],)]


def test_figures_stand_beside_their_layers(table, layers):
    table.choose([layers[0], layers[2]])
    table.show_scores([Score(20.123, math.nan, 0.012345), Score(math.inf, None, 3, why="so")])
    assert texts(table) == [
        ["A", "low", "20.12", "–", "0.0123"],
        ["", "middle", "", "", ""],
        ["B", "high", "∞", "–", "3"],
    ]
    assert table.topLevelItem(2).toolTip(2) == "so"
    table.show_scores(())
    assert all(row[2:] == [""] * 3 for row in texts(table))


def test_everything_has_a_tooltip(table, layers):
    assert all(table.headerItem().toolTip(i) for i in range(table.columnCount()))
    assert table.topLevelItem(0).toolTip(1) == "low"
