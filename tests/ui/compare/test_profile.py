"""A line over the image, and the values along it."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from skimage.measure import profile_line

from napari_dip.ui.compare import profile
from napari_dip.ui.compare.displayed_slice import displayed_slice
from napari_dip.ui.compare.profile import Cut, ProfileLine, read_profiles
from napari_dip.ui.layers.source import source_from_layer

from ..arrays import Lazy

rng = np.random.default_rng(0)


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(rng.random((20, 30)), name="a", scale=(0.5, 0.5), translate=(3, 4), units="um")
    return viewer


@pytest.fixture
def line(viewer):
    return ProfileLine(viewer, viewer.layers["a"])


def cut(data, ends, **kwargs):
    viewer = ViewerModel()
    layer = viewer.add_layer(Image(data, **kwargs))
    return Cut(displayed_slice(layer, viewer.dims), np.array(ends, float), 10.0)


def put(line, *ends):
    """Move the line's ends, in the pixels of its layer."""
    line.layer.data = [np.array(ends, float)]
    line.layer.refresh()


@pytest.mark.parametrize("piece", [4, 256])
def test_values_are_scikit_images(monkeypatch, piece):
    monkeypatch.setattr(profile, "SAMPLES_PER_BOX", piece)
    data, ends = rng.integers(0, 9, (20, 30), np.uint8), [(2.3, 4.5), (17.9, 22.1)]
    distances, values = cut(data, ends).read()
    assert np.allclose(values, profile_line(data.astype(float), *ends))
    assert (distances[0], distances[-1]) == (0, 10)
    assert len(distances) == len(values)


def test_a_colour_has_its_luminance():
    colours = np.zeros((20, 30, 4), np.uint8)
    colours[..., :3] = 77
    assert np.allclose(cut(colours, [(2, 3), (10, 20)], rgb=True).read()[1], 77)


def test_outside_of_the_image_nothing_is_known():
    _, values = cut(np.ones((20, 30)), [(5, -10), (5, 39)]).read()
    known = np.isfinite(values)
    assert (values[known] == 1).all()
    assert np.array_equal(np.flatnonzero(known), range(10, 40))
    assert np.isnan(cut(np.ones((20, 30)), [(-9, -9), (-3, -3)]).read()[1]).all()


def test_missing_pixels_are_gaps():
    holes = np.ones((20, 30))
    holes[5, 10] = np.nan
    _, values = cut(holes, [(5, 0), (5, 29)]).read()
    gaps = set(np.flatnonzero(np.isnan(values)))
    assert 10 in gaps
    assert gaps <= {9, 10, 11}  # those that are interpolated with it


def test_only_what_is_near_the_line_is_read(monkeypatch):
    lazy = Lazy(rng.random((3, 200, 300)))
    kwargs = {"contrast_limits": (0, 1), "visible": False}
    cut(lazy, [(5, 10), (5, 20)], **kwargs).read()
    assert sum(pixels for _, pixels in lazy.reads) == 11
    lazy.reads.clear()
    monkeypatch.setattr(profile, "SAMPLES_PER_BOX", 16)
    cut(lazy, [(0, 0), (199, 199)], **kwargs).read()
    assert sum(pixels for _, pixels in lazy.reads) < 200 * 200 / 4


def test_the_line_lies_over_the_middle_of_its_layer(viewer, line):
    (ends,) = line.layer.data
    assert np.allclose(ends, [(10, 3), (10, 27)])
    assert line.layer.units == viewer.layers["a"].units
    assert np.allclose(line.layer.data_to_world(ends[0]), viewer.layers["a"].data_to_world((10, 3)))
    assert line.layer.mode == "direct"


def test_the_length_is_physical(viewer, line):
    (one,) = line.cuts(viewer.layers[:1])
    assert one.length == pytest.approx(12)
    assert line.unit == "µm"


def test_axes_of_different_units_have_no_common_one():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((20, 30)), units=("um", "s"))
    assert ProfileLine(viewer, layer).unit == ""


def test_layers_of_other_scales_and_units_are_cut_at_the_same_place(viewer, line):
    a = viewer.layers["a"]
    fine = viewer.add_image(
        np.kron(a.data, np.ones((4, 4))), **source_from_layer(a, viewer.dims).layer_kwargs(4)
    )
    small = viewer.add_image(
        a.data, scale=(500, 500), translate=(3000, 4000), units="nm", name="nm"
    )
    first, second, third = line.cuts([a, fine, small])
    assert np.allclose(third.ends, first.ends)
    assert np.allclose(second.ends, first.ends * 4 + 1.5)
    assert first.length == second.length == third.length
    profiles = read_profiles([first, second], "µm")
    assert len(profiles.lines[1][0]) == pytest.approx(4 * len(profiles.lines[0][0]), abs=4)
    assert profiles.lines[0][0][-1] == profiles.lines[1][0][-1]


def test_it_tells_when_it_moves_and_only_then(viewer, line):
    heard = []
    line.moved.connect(lambda: heard.append(True))
    viewer.scene.camera.zoom *= 2
    line.layer.refresh()
    assert not heard
    put(line, (5, 5), (15, 20))
    assert heard == [True]
    assert np.allclose(line.cuts(viewer.layers[:1])[0].ends, [(5, 5), (15, 20)])


def test_it_is_as_thick_on_the_screen_at_any_zoom(viewer, line):
    (before,) = line.layer.edge_width
    viewer.scene.camera.zoom *= 4
    assert line.layer.edge_width == pytest.approx([before / 4])


def test_it_follows_the_slice_on_display():
    viewer = ViewerModel()
    stack = viewer.add_image(rng.random((5, 20, 30)), scale=(3, 1, 1))
    line = ProfileLine(viewer, stack)
    viewer.dims.set_point(0, 12)
    line.follow(stack)
    assert line.layer.translate[0] == 12
    (one,) = line.cuts([stack])
    assert np.allclose(one.read()[1], stack.data[4, 10, 3:28])


def test_removed_it_leaves_nothing(viewer, line):
    viewer.scene.camera.zoom *= 2
    line.remove()
    assert [layer.name for layer in viewer.layers] == ["a"]
    assert not line.is_there
    width = line.layer.edge_width
    viewer.scene.camera.zoom *= 2
    assert line.layer.edge_width == width
    line = ProfileLine(viewer, viewer.layers["a"])
    line.layer.data = []
    assert not line.is_there
    viewer.layers.remove(line.layer)
    line.remove()
