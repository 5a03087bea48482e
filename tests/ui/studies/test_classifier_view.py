"""The dock that looks inside a classifier, in Qt."""

import numpy as np
import pytest
from napari.components import ViewerModel
from torch import nn

from napari_dip import Classifier, Invert, Maximize, Preprocessing
from napari_dip.ui.run.model import Action
from napari_dip.ui.studies.classifier import Wanted
from napari_dip.ui.studies.classifier_view import QtVisualizationView
from napari_dip.ui.widgets.checklist import CheckList

SHARKS = ("white", "tiger", "bull", "nurse", "lemon", "reef", "sand", "blue", "angel")
CLASSES = tuple(f"{word} shark" for word in SHARKS)


@pytest.fixture
def view(qtbot):
    viewer = ViewerModel()
    viewer.add_image(np.zeros((20, 20)), name="cells")
    viewer.add_labels(np.zeros((20, 20), int))
    view = QtVisualizationView(viewer)
    qtbot.addWidget(view)
    view.heard = {}
    view.changed.connect(lambda name, value: view.heard.update({name: value}))
    view.show_look(Invert())
    view.emit_all()
    return view


@pytest.fixture
def classifier():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(200, 9))
    return Classifier(module, Preprocessing(12, (0.0,), (1.0,)), "fish", CLASSES)


def test_it_says_what_is_chosen(view):
    assert view.heard["image"].name == "cells"
    assert view.heard["wanted"] == Wanted("alexnet")
    view.choose("invert", model="vgg16", weights="w.pth", size="64", mean="0.5", std="0.2")
    assert view.heard["wanted"] == Wanted("vgg16", "w.pth", "64", "0.5", "0.2")


def test_it_asks_for_a_classifier(view, qtbot):
    heard = []
    view.asked.connect(heard.append)
    view._picker._load.click()
    assert heard == [Action.LOAD]


def test_its_layers_can_be_ticked_when_it_is_there(view, classifier):
    view.show_classifier(classifier, "fish: 5 layers", False)
    assert view._picker._status.text() == "fish: 5 layers"
    texts = [view._layers._list.item(row).text() for row in range(5)]
    assert texts == ["0   2 × 10 × 10", "1   2 × 10 × 10", "2   200", "3   9", "output   9"]
    view.tick("0", "output")
    assert view.heard["layers"] == ("0", "output")
    view.show_classifier(None, "gone", True)
    assert view._picker._status.text() == "⚠ gone"
    assert view.heard["layers"] == ()


def test_ticked_layers_stay_ticked_when_it_is_loaded_again(view, classifier):
    view.show_classifier(classifier, "", False)
    view.tick("0")
    view.show_classifier(classifier, "", False)
    assert view.heard["layers"] == ("0",)


def test_classes_are_searched_by_name(view, classifier):
    view.show_look(Maximize())
    view.show_classifier(classifier, "", False)
    view.tick("2")
    assert view.heard["units"] == ("2",)
    view._units._search.setText("ti sh")
    shown = [i.text() for i in view._units._items() if not i.isHidden()]
    assert shown == ["1   tiger shark", "2   bull shark"]  # found, and ticked


def test_channels_of_a_layer_take_the_place_of_classes(view, classifier):
    view.show_look(Maximize())
    view.show_classifier(classifier, "", False)
    view._name.value = "maximize"
    view.tick("1", place="0")
    assert (view.heard["place"], view.heard["units"]) == ("0", ("1",))
    assert [i.text() for i in view._units._items()] == ["0", "1"]


def test_each_look_shows_what_it_takes(view):
    for look, shown, hidden in (
        (Invert(), (view._layers, view._image.native), (view._where, view._units)),
        (Maximize(), (view._where, view._units), (view._layers, view._image.native)),
    ):
        view.show_look(look)
        assert not any(widget.isHidden() for widget in shown)
        assert all(widget.isHidden() for widget in hidden)
        assert set(view._form._everyday.widgets) == {"preset", "iterations"}


def test_settings_and_priors_are_told(view):
    heard = []
    view.look_edited.connect(heard.append)
    view._form._everyday.widgets["iterations"].value = "12"
    assert heard == [Invert(iterations=12)]
    view._form._everyday.widgets["iterations"].value = "0"
    assert "iterations" in view.heard["form_error"]
    view._prior.value = ("deep", "tv")
    assert view.heard["prior"] == ("deep", "tv")


def test_it_follows_the_layers(view):
    view._viewer.add_image(np.zeros((20, 20)), name="more")
    view.reset_choices()
    assert [layer.name for layer in view._image.choices] == ["cells", "more"]


def test_a_short_list_has_nothing_to_search(qtbot):
    ticks = CheckList("Layers", "tip")
    qtbot.addWidget(ticks)
    ticks.show_items([("a", "a"), ("b", "b")])
    assert ticks._search.isHidden()
    ticks.show_items((str(i), str(i)) for i in range(20))
    assert not ticks._search.isHidden()
    ticks.tick("3", "7")
    assert ticks._label.text() == "Layers (2 ticked)"
