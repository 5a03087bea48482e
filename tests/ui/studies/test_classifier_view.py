"""The Qt view of the dock that visualizes a classifier."""

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QLabel, QLineEdit, QListWidget
from torch import nn

from napari_dip import Classifier, Invert, Maximize, Preprocessing
from napari_dip.ui.run.model import Action
from napari_dip.ui.studies.classifier_controller import ClassifierChoice
from napari_dip.ui.studies.classifier_view import QtVisualizationView
from napari_dip.ui.widgets.checklist import CheckList

from ..find import button, fields, find

SHARKS = ("white", "tiger", "bull", "nurse", "lemon", "reef", "sand", "blue", "angel")
CLASSES = tuple(f"{word} shark" for word in SHARKS)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def view(qtbot, viewer):
    viewer.add_image(np.zeros((20, 20)), name="cells")
    viewer.add_labels(np.zeros((20, 20), int))
    view = QtVisualizationView(viewer)
    qtbot.addWidget(view)
    view.heard = {}
    view.changed.connect(lambda name, value: view.heard.update({name: value}))
    view.show_visualization(Invert())
    view.emit_all()
    return view


def items(view, name):
    """The texts of a list's items that are not hidden."""
    found = find(find(view, CheckList, name), QListWidget)
    rows = [found.item(row) for row in range(found.count())]
    return [item.text() for item in rows if not item.isHidden()]


def is_hidden(view, name):
    """Whether the list, or the row, of this name is hidden."""
    rows = fields(view)
    widget = rows[name].native if name in rows else find(view, CheckList, name)
    return not widget.isVisibleTo(view)


@pytest.fixture
def classifier():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(200, 9))
    return Classifier(module, Preprocessing(12, (0.0,), (1.0,)), "fish", CLASSES)


def test_what_is_chosen_is_emitted(view):
    assert view.heard["image"].name == "cells"
    assert view.heard["choice"] == ClassifierChoice("alexnet")
    view.choose("invert", model="vgg16", weights="w.pth", size="64", mean="0.5", std="0.2")
    assert view.heard["choice"] == ClassifierChoice("vgg16", "w.pth", "64", "0.5", "0.2")


def test_it_asks_for_a_classifier(view, qtbot):
    heard = []
    view.asked.connect(heard.append)
    button(view, "Load").click()
    assert heard == [Action.LOAD]


def test_layers_can_be_ticked_once_the_classifier_is_loaded(view, classifier):
    view.show_classifier(classifier, "fish: 5 layers", False)
    assert find(view, QLabel, "classifier").text() == "fish: 5 layers"
    assert items(view, "layers") == [
        "0   2 × 10 × 10",
        "1   2 × 10 × 10",
        "2   200",
        "3   9",
        "output   9",
    ]
    view.tick("0", "output")
    assert view.heard["layers"] == ("0", "output")
    view.show_classifier(None, "gone", True)
    assert find(view, QLabel, "classifier").text() == "⚠ gone"
    assert view.heard["layers"] == ()


def test_ticked_layers_stay_ticked_when_it_is_loaded_again(view, classifier):
    view.show_classifier(classifier, "", False)
    view.tick("0")
    view.show_classifier(classifier, "", False)
    assert view.heard["layers"] == ("0",)


def test_classes_are_searched_by_name(view, classifier):
    view.show_visualization(Maximize())
    view.show_classifier(classifier, "", False)
    view.tick("2")
    assert view.heard["units"] == ("2",)
    find(find(view, CheckList, "units"), QLineEdit).setText("ti sh")
    assert items(view, "units") == ["1   tiger shark", "2   bull shark"]  # found, and ticked


def test_channels_of_a_layer_take_the_place_of_classes(view, classifier):
    view.show_visualization(Maximize())
    view.show_classifier(classifier, "", False)
    fields(view)["name"].value = "maximize"
    view.tick("1", place="0")
    assert (view.heard["place"], view.heard["units"]) == ("0", ("1",))
    assert items(view, "units") == ["0", "1"]


def test_each_visualization_shows_its_own_rows(view):
    for visualization, shown, hidden in (
        (Invert(), ("layers", "image"), ("place", "units")),
        (Maximize(), ("place", "units"), ("layers", "image")),
    ):
        view.show_visualization(visualization)
        assert not any(is_hidden(view, name) for name in shown)
        assert all(is_hidden(view, name) for name in hidden)
        assert set(fields(view, "everyday")) == {"preset", "iterations"}


def test_settings_and_priors_are_emitted(view):
    heard = []
    view.visualization_edited.connect(heard.append)
    fields(view, "everyday")["iterations"].value = "12"
    assert heard == [Invert(iterations=12)]
    fields(view, "everyday")["iterations"].value = "0"
    assert "iterations" in view.heard["form_error"]
    fields(view)["prior"].value = ("deep", "tv")
    assert view.heard["prior"] == ("deep", "tv")


def test_it_follows_the_layers(view, viewer):
    viewer.add_image(np.zeros((20, 20)), name="more")
    view.reset_choices()
    assert [layer.name for layer in fields(view)["image"].choices] == ["cells", "more"]


def test_a_short_list_has_nothing_to_search(qtbot):
    check_list = CheckList("Layers", "tip")
    qtbot.addWidget(check_list)
    check_list.show_items([("a", "a"), ("b", "b")])
    search = find(check_list, QLineEdit)
    assert search.isHidden()
    check_list.show_items((str(i), str(i)) for i in range(20))
    assert not search.isHidden()
    check_list.tick("3", "7")
    assert find(check_list, QLabel, "title").text() == "Layers (2 ticked)"
