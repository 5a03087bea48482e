"""A study's layers, in a viewer without a window."""

import gc
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.studies.study import StudyPicture
from napari_dip.ui.layers.kwargs import plain_kwargs
from napari_dip.ui.layers.provenance import KEY
from napari_dip.ui.layers.source import source_from_layer
from napari_dip.ui.studies.slice_names import OVERLAY, slice_names
from napari_dip.ui.studies.study_layers import StudyLayers

MADE = {KEY: {"study": "priors"}}


def picture(name, value, **scores):
    return StudyPicture(name, np.full((20, 30), value, np.uint16), scores=scores)


A, B, C = picture("a", 1), picture("b", 2, psnr=20.0), picture("c", 3)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def source(viewer):
    image = np.random.default_rng(0).integers(0, 3000, (20, 30), np.uint16)
    place = {"scale": (0.5, 0.5), "translate": (3, 4), "units": ("um", "um")}
    return viewer.add_image(image, name="cells", contrast_limits=(50, 2500), **place)


@pytest.fixture
def exhibit(viewer, source):
    def make(**options):
        kwargs = source_from_layer(source, viewer.dims).layer_kwargs()
        return StudyLayers(
            viewer, "cells [priors]", kwargs, axis="prior", source_layer=source, **options
        )

    return make


def text(viewer):
    overlay = viewer.canvas.overlays[OVERLAY]
    return overlay.text if overlay.visible else None


def test_pictures_come_as_a_stack_that_lies_over_its_source(viewer, source, exhibit):
    shown = exhibit()
    shown.show((A,), MADE)
    shown.show((A, B), MADE)
    layer = viewer.layers["cells [priors]"]
    assert (layer.data[:, 0, 0] == [1, 2]).all()
    assert layer.metadata[KEY]["slices"] == ["a", "b, 20.00 dB"]
    assert tuple(layer.scale[1:]) == (0.5, 0.5)
    assert tuple(layer.translate[1:]) == (3, 4)
    assert tuple(layer.axis_labels) == ("prior", *source.axis_labels)
    assert tuple(map(str, layer.units)) == ("pixel", "micrometer", "micrometer")
    assert tuple(layer.contrast_limits) == (50, 2500)
    assert len(viewer.layers) == 2


def test_the_newest_picture_is_shown_unless_a_person_looks_at_another(viewer, exhibit):
    shown = exhibit()
    shown.show((A,), MADE)
    shown.show((A, B), MADE)
    assert text(viewer) == "b, 20.00 dB"
    viewer.dims.set_point(0, 0)
    assert text(viewer) == "a"
    shown.show((A, B, C), MADE)
    assert text(viewer) == "a"
    viewer.dims.set_point(0, 2)
    assert text(viewer) == "c"


def test_the_name_goes_with_its_layer(viewer, exhibit):
    exhibit().show((A,), MADE)
    layer = viewer.layers["cells [priors]"]
    layer.visible = False
    assert text(viewer) is None
    layer.visible = True
    assert text(viewer) == "a"
    viewer.dims.order = (1, 0, 2)  # the axis of pictures lies in the picture
    assert text(viewer) is None
    viewer.dims.order = (0, 1, 2)
    viewer.layers.remove(layer)
    assert text(viewer) is None


def test_a_persons_own_text_stays(viewer, exhibit):
    viewer.canvas.overlays.text.text = "mine"
    exhibit().show((A,), MADE)
    assert viewer.canvas.overlays.text.text == "mine"


def test_the_same_pictures_are_not_stacked_again(viewer, exhibit):
    shown = exhibit()
    shown.show((A, B), MADE)
    before = viewer.layers[-1].data
    shown.show((A, B), MADE)
    assert viewer.layers[-1].data is before
    shown.show((A, picture("b", 5)), MADE)
    assert viewer.layers[-1].data[1, 0, 0] == 5


@pytest.mark.parametrize("side_by_side", [False, True])
def test_pitfall_09_deleted_layers_come_back_with_the_last_pictures_only(
    viewer, source, exhibit, side_by_side
):
    shown = exhibit(side_by_side=side_by_side)
    shown.show((A,), MADE)
    viewer.layers.remove(viewer.layers[-1])
    shown.show((picture("a", 7),), MADE)
    assert list(viewer.layers) == [source]
    shown.show((picture("a", 8),), MADE, is_last=True)
    assert viewer.layers[-1].data.max() == 8


def test_side_by_side_each_picture_is_a_named_layer_in_the_grid(viewer, exhibit):
    shown = exhibit(side_by_side=True)
    shown.show((A,), MADE)
    shown.show((picture("a", 9), B), MADE)
    names = [layer.name for layer in viewer.layers]
    assert names == ["cells", "a · cells [priors]", "b · cells [priors]"]
    first, second = viewer.layers[1:]
    assert first.data.max() == 9
    assert second.metadata[KEY] == {"study": "priors", "picture": "b", "psnr": 20.0}
    assert first.name_overlay.visible
    assert viewer.canvas.grid.enabled
    first.name = "mine"
    shown.show((A, B), MADE, is_last=True)
    assert [layer.name for layer in viewer.layers[1:]] == ["mine", "b, 20.00 dB · cells [priors]"]


@pytest.mark.parametrize("side_by_side", [False, True])
def test_discarding_leaves_the_viewer_as_it_was(viewer, source, exhibit, side_by_side):
    shown = exhibit(side_by_side=side_by_side)
    shown.show((A, B), MADE)
    shown.discard()
    assert list(viewer.layers) == [source]
    assert not viewer.canvas.grid.enabled
    assert text(viewer) is None


def test_pictures_made_from_no_layer(viewer):
    shown = StudyLayers(viewer, "Samples", plain_kwargs(rgb=True), axis="sample")
    shown.show((StudyPicture("a", np.zeros((8, 8, 3))),), MADE)
    (layer,) = viewer.layers
    assert (layer.rgb, layer.ndim, layer.data.dtype) == (True, 3, np.float32)


def test_named_slices_keep_no_viewer():
    viewer = ViewerModel()
    assert slice_names(viewer) is slice_names(viewer)
    gone = weakref.ref(viewer)
    del viewer
    gc.collect()
    assert gone() is None
