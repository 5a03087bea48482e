"""Combos that follow the layers."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.tasks.deblur import Deblur
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.flash import FlashNoFlash
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.ui.run.model import Action, Region, StackScope
from napari_dip.ui.widgets.inputs import Computing, Inputs


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((20, 30)), name="cells")
    viewer.add_labels(np.zeros((20, 30), int), name="scratch")
    viewer.add_shapes(name="drawn")
    return viewer


@pytest.fixture
def inputs(qtbot, viewer):
    inputs = Inputs(viewer)
    qtbot.addWidget(inputs)
    inputs.show_task(Denoise())
    return inputs


def names(inputs, role):
    return [getattr(layer, "name", None) for layer in inputs._layers[role].choices]


def shown(inputs):
    return {name for name, label in inputs._rows._labels.items() if not label.isHidden()}


def test_each_role_offers_the_layers_that_can_play_it(inputs):
    assert names(inputs, "image") == ["cells"]
    assert [n for n in names(inputs, "mask") if n] == ["scratch", "drawn"]


def test_combos_follow_layers_that_come_go_and_are_renamed(inputs, viewer):
    image = viewer.layers["cells"]
    other = viewer.add_image(np.zeros((20, 30)), name="other")
    inputs.reset_choices()
    assert names(inputs, "image") == ["cells", "other"]
    assert inputs._layers["image"].value is image
    other.name = "renamed"
    inputs.reset_choices()
    combo = inputs._layers["image"].native
    assert [combo.findText(name) >= 0 for name in ("renamed", "other")] == [True, False]
    viewer.layers.remove(image)
    inputs.reset_choices()
    assert inputs._layers["image"].value is other


def test_a_task_shows_the_layers_that_it_has_a_use_for(inputs):
    assert shown(inputs) == {"image", "mask", "reference"}
    inputs.show_task(FlashNoFlash())
    assert "guide" in shown(inputs)
    inputs.show_task(Deblur())
    assert {"psf"} == shown(inputs) - {"image", "mask", "reference"}


def test_choices_are_emitted(inputs, viewer):
    heard = []
    inputs.changed.connect(lambda *args: heard.append(args))
    inputs.choose("mask", viewer.layers["scratch"])
    assert heard == [("mask", viewer.layers["scratch"])]
    heard.clear()
    inputs.emit_all()
    assert dict(heard) == {
        "image": viewer.layers["cells"],
        "mask": viewer.layers["scratch"],
        "guide": None,
        "psf": None,
        "reference": None,
        "region": Region.WHOLE,
        "rectangle": None,
        "scope": StackScope.SLICE,
    }


def is_hidden(inputs, name):
    return inputs._parts._rows._labels[name].isHidden()


def test_whatever_qt_makes_of_a_choice_it_arrives_as_what_it_was(inputs, viewer):
    stack = viewer.add_image(np.zeros((3, 20, 30)))
    inputs.reset_choices()
    inputs.choose("image", stack)
    heard = {}
    inputs.changed.connect(heard.__setitem__)
    inputs._parts.widgets["region"].value = Region.VIEW
    inputs._parts.widgets["scope"].value = StackScope.VOLUME
    assert heard["region"] is Region.VIEW  # PySide6 makes it plain text
    assert heard["scope"] is StackScope.VOLUME


def test_a_rectangle_is_asked_for_only_where_it_is_the_region(inputs):
    assert is_hidden(inputs, "rectangle")
    inputs._parts.widgets["region"].value = Region.RECTANGLE
    assert not is_hidden(inputs, "rectangle")


def test_a_stack_can_be_restored_as_a_volume(inputs, viewer):
    assert is_hidden(inputs, "scope")
    stack = viewer.add_image(np.zeros((3, 20, 30)))
    inputs.reset_choices()
    inputs.choose("image", stack)
    assert not is_hidden(inputs, "scope")


@pytest.mark.parametrize(
    ("shape", "count", "divides"),
    [((3, 20, 30), 3, 1), ((2, 3, 20, 30), 4, 1), ((3, 20, 30), 2, 0)],
)
def test_a_stack_can_be_divided_as_it_has_axes(qtbot, viewer, shape, count, divides):
    inputs = Inputs(viewer, divides=divides)
    qtbot.addWidget(inputs)
    stack = viewer.add_image(np.zeros(shape))
    inputs.reset_choices()
    inputs.choose("image", stack)
    assert inputs._parts.widgets["scope"].choices == tuple(StackScope)[:count]


def test_a_picture_is_no_volume_even_if_the_last_image_was_one(inputs, viewer):
    stack, picture = viewer.add_image(np.zeros((3, 20, 30))), viewer.add_image(np.zeros((20, 30)))
    inputs.reset_choices()
    inputs.choose("image", stack)
    inputs._parts.widgets["scope"].value = StackScope.VOLUME
    heard = {}
    inputs.changed.connect(heard.__setitem__)
    inputs.choose("image", picture)
    assert heard == {"image": picture, "scope": StackScope.SLICE}


def test_what_is_divided_needs_a_folder_and_large_pictures_a_block(qtbot, viewer):
    inputs = Inputs(viewer, divides=True)
    qtbot.addWidget(inputs)
    small, large = (viewer.add_image(np.zeros(s)) for s in ((20, 30), (20, 600)))
    inputs.reset_choices()
    inputs.choose("image", small)
    inputs.show_partition("", False)
    assert is_hidden(inputs, "tile_size")
    assert is_hidden(inputs, "folder")
    inputs.choose("image", large)
    inputs.show_partition("2 blocks of 512", True)
    assert not is_hidden(inputs, "tile_size")
    assert not is_hidden(inputs, "folder")
    assert inputs._parts._words.text() == "2 blocks of 512"


def test_a_mask_can_be_asked_for(inputs):
    heard = []
    inputs.asked.connect(heard.append)
    inputs.show_task(Inpaint())
    inputs._new_mask.click()
    assert heard == [Action.NEW_MASK]


def test_the_estimate_warns_where_it_should(qtbot):
    computing = Computing()
    qtbot.addWidget(computing)
    computing.show_estimate("cpu: about 1 GB", False)
    assert computing._estimate.text() == "cpu: about 1 GB"
    computing.show_estimate("cpu: about 100 GB", True)
    assert computing._estimate.text().startswith("⚠")
