"""The parts of a form that choose layers, a region, a device and a seed."""

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QLabel

from napari_dip.tasks.deblur import Deblur
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.flash import FlashNoFlash
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.ui.run.model import Action, Region, StackScope
from napari_dip.ui.widgets.inputs import DeviceForm, Inputs

from ..find import button, fields, find, is_shown


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
    return [getattr(layer, "name", None) for layer in fields(inputs)[role].choices]


def shown(inputs):
    return {name for name in fields(inputs, "layers") if is_shown(inputs, name)}


def test_each_role_offers_the_layers_of_its_kinds(inputs):
    assert names(inputs, "image") == ["cells"]
    assert [n for n in names(inputs, "mask") if n] == ["cells", "scratch", "drawn"]


def test_combos_follow_layers_that_come_go_and_are_renamed(inputs, viewer):
    image = viewer.layers["cells"]
    other = viewer.add_image(np.zeros((20, 30)), name="other")
    inputs.reset_choices()
    assert names(inputs, "image") == ["cells", "other"]
    assert fields(inputs)["image"].value is image
    other.name = "renamed"
    inputs.reset_choices()
    combo = fields(inputs)["image"].native
    assert [combo.findText(name) >= 0 for name in ("renamed", "other")] == [True, False]
    viewer.layers.remove(image)
    inputs.reset_choices()
    assert fields(inputs)["image"].value is other


def test_a_task_shows_the_layers_that_it_accepts(inputs):
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


def test_choices_are_emitted_as_enums_whatever_qt_makes_of_them(inputs, viewer):
    stack = viewer.add_image(np.zeros((3, 20, 30)))
    inputs.reset_choices()
    inputs.choose("image", stack)
    heard = {}
    inputs.changed.connect(heard.__setitem__)
    fields(inputs)["region"].value = Region.VIEW
    fields(inputs)["scope"].value = StackScope.VOLUME
    assert heard["region"] is Region.VIEW  # PySide6 makes it plain text
    assert heard["scope"] is StackScope.VOLUME


def test_a_rectangle_is_asked_for_only_where_it_is_the_region(inputs):
    assert not is_shown(inputs, "rectangle")
    fields(inputs)["region"].value = Region.RECTANGLE
    assert is_shown(inputs, "rectangle")


def test_a_stack_can_be_restored_as_a_volume(inputs, viewer):
    assert not is_shown(inputs, "scope")
    stack = viewer.add_image(np.zeros((3, 20, 30)))
    inputs.reset_choices()
    inputs.choose("image", stack)
    assert is_shown(inputs, "scope")


@pytest.mark.parametrize(
    ("shape", "count", "with_tiles"),
    [((3, 20, 30), 3, 1), ((2, 3, 20, 30), 4, 1), ((3, 20, 30), 2, 0)],
)
def test_a_stacks_scopes_depend_on_its_axes(qtbot, viewer, shape, count, with_tiles):
    inputs = Inputs(viewer, with_tiles=with_tiles)
    qtbot.addWidget(inputs)
    stack = viewer.add_image(np.zeros(shape))
    inputs.reset_choices()
    inputs.choose("image", stack)
    assert fields(inputs)["scope"].choices == tuple(StackScope)[:count]


def test_a_2d_image_is_no_volume_even_if_the_last_image_was_one(inputs, viewer):
    stack, image = viewer.add_image(np.zeros((3, 20, 30))), viewer.add_image(np.zeros((20, 30)))
    inputs.reset_choices()
    inputs.choose("image", stack)
    fields(inputs)["scope"].value = StackScope.VOLUME
    heard = {}
    inputs.changed.connect(heard.__setitem__)
    inputs.choose("image", image)
    assert heard == {"image": image, "scope": StackScope.SLICE}


def test_a_folder_is_asked_for_tiled_images_and_a_tile_size_for_large_ones(qtbot, viewer):
    inputs = Inputs(viewer, with_tiles=True)
    qtbot.addWidget(inputs)
    small, large = (viewer.add_image(np.zeros(s)) for s in ((20, 30), (20, 600)))
    inputs.reset_choices()
    inputs.choose("image", small)
    inputs.show_partition("", False)
    assert not is_shown(inputs, "tile_size")
    assert not is_shown(inputs, "folder")
    inputs.choose("image", large)
    inputs.show_partition("2 tiles of 512", True)
    assert is_shown(inputs, "tile_size")
    assert is_shown(inputs, "folder")
    assert find(inputs, QLabel, "partition").text() == "2 tiles of 512"


def test_a_mask_can_be_asked_for(inputs):
    heard = []
    inputs.asked.connect(heard.append)
    inputs.show_task(Inpaint())
    button(inputs, "New mask layer").click()
    assert heard == [Action.NEW_MASK]


def test_an_estimate_can_be_a_warning(qtbot):
    form = DeviceForm()
    qtbot.addWidget(form)
    form.show_estimate("cpu: about 1 GB", False)
    assert find(form, QLabel, "estimate").text() == "cpu: about 1 GB"
    form.show_estimate("cpu: about 100 GB", True)
    assert find(form, QLabel, "estimate").text().startswith("⚠")
