"""The live layer, in a viewer without a window."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.ui.layers.source import source_from_layer
from napari_dip.ui.run.preview import Preview


def preview_over(viewer, layer):
    kwargs = source_from_layer(layer, viewer.dims).layer_kwargs()
    return Preview(viewer.layers, layer, f"{layer.name} [denoise]", kwargs)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def source(viewer):
    image = np.random.default_rng(0).integers(0, 3000, (20, 30), np.uint16)
    return viewer.add_image(image, name="cells", contrast_limits=(50, 2500), units=("um", "um"))


@pytest.fixture
def preview(viewer, source):
    return preview_over(viewer, source)


def flat(value):
    return np.full((20, 30), value, np.uint16)


def test_there_is_no_layer_before_there_is_an_image(viewer, preview):
    assert len(viewer.layers) == 1


def test_pitfall_09_a_layer_of_the_same_name_is_left_alone(viewer, preview):
    other = viewer.add_image(flat(7), name="cells [denoise]")
    preview.show(flat(1), {})
    preview.show(flat(2), {})
    assert preview.layer is not other
    assert (other.data == 7).all()
    assert len(viewer.layers) == 3


def test_the_preview_lies_directly_over_its_source(viewer, source, preview):
    viewer.add_image(flat(7), name="above")
    preview.show(flat(1), {})
    assert [layer.name for layer in viewer.layers] == ["cells", "cells [denoise]", "above"]


def test_a_second_run_lies_over_the_first_result_which_is_hidden(viewer, source, preview):
    preview.finish(flat(1), {})
    first = preview.layer
    first.name = "renamed"
    viewer.add_image(flat(7), name="above")
    second = preview_over(viewer, source)
    second.show(flat(2), {})
    assert [layer.name for layer in viewer.layers] == [
        "cells",
        "renamed",
        "cells [denoise]",
        "above",
    ]
    assert (first.visible, second.layer.visible, source.visible) == (False, True, True)
    second.discard()
    assert first.visible


def test_a_layer_that_is_added_below_does_not_hide_the_preview(viewer, preview):
    preview.show(flat(1), {})
    preview.add(flat(2), {}, below=True, name="kept")
    preview.add(flat(3), {}, name="all")
    assert [layer.name for layer in viewer.layers] == ["cells", "kept", "cells [denoise]", "all"]


def test_results_of_other_sources_stay_as_they_are(viewer, source, preview):
    other = viewer.add_image(flat(5), name="other")
    theirs = preview_over(viewer, other)
    theirs.finish(flat(1), {})
    preview.show(flat(2), {})
    assert theirs.layer.visible


def test_pitfall_09_a_deleted_preview_does_not_come_back_before_the_end(viewer, preview):
    preview.show(flat(1), {})
    viewer.layers.remove(preview.layer)
    preview.show(flat(2), {})
    assert len(viewer.layers) == 1
    preview.finish(flat(3), {"napari-dip": {}})
    assert (viewer.layers["cells [denoise]"].data == 3).all()


def test_pitfall_09_a_renamed_preview_is_still_the_one(viewer, preview):
    preview.show(flat(1), {})
    preview.layer.name = "mine"
    preview.finish(flat(2), {})
    assert (viewer.layers["mine"].data == 2).all()
    assert len(viewer.layers) == 2


def test_a_removed_source_does_not_matter(viewer, source, preview):
    viewer.layers.remove(source)
    preview.show(flat(1), {})
    assert len(viewer.layers) == 1


def test_pitfall_10_a_constant_first_preview_has_its_sources_limits(preview, source):
    for image in (flat(0), flat(1), flat(2000)):
        preview.show(image, {})
        assert preview.layer.contrast_limits == source.contrast_limits
        assert preview.layer.dtype == source.dtype


def test_pitfall_11_an_image_is_assigned_not_written_into(preview):
    first = flat(1)
    preview.show(first, {})
    heard = []
    preview.layer.events.set_data.connect(heard.append)
    preview.show(flat(2), {})
    assert (first == 1).all()
    assert heard


def test_pitfall_13_the_units_of_all_layers_survive(viewer, source, preview):
    preview.show(flat(1), {})
    assert viewer.layers.extent.units == source.units


def test_discarding_removes_the_layer_and_no_other(viewer, preview):
    preview.discard()
    preview.show(flat(1), {})
    preview.discard()
    preview.discard()
    assert [layer.name for layer in viewer.layers] == ["cells"]


def test_further_images_are_hidden_layers_in_the_same_place(viewer, source, preview):
    preview.show(flat(1), {})
    spread = np.linspace(0, 9, 600, dtype=np.float32).reshape(20, 30)
    uncertainty = preview.add_further("uncertainty", spread, {})
    coarse = preview.add_further("coarse", flat(2), {})
    assert [uncertainty.name, coarse.name] == [
        "cells [denoise] uncertainty",
        "cells [denoise] coarse",
    ]
    assert not uncertainty.visible
    assert uncertainty.contrast_limits == [0, 9]
    assert coarse.contrast_limits == source.contrast_limits
    assert uncertainty.units == source.units


def test_a_difference_in_colour_is_shown_in_grey(viewer):
    colour = viewer.add_image(np.zeros((20, 30, 3), np.uint8), rgb=True)
    preview = preview_over(viewer, colour)
    layer = preview.add_further("detail", np.full((20, 30, 3), -4, np.float32), {})
    assert not layer.rgb
    assert layer.data.shape == (20, 30)
    assert layer.contrast_limits == [-4, -3]
