"""Pictures of layers: where their pixels lie."""

import threading

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_dip.ui.compare.displayed_slice import (
    displayed_slice,
    luminance,
    range_clash,
    screen_pixel,
)

from ..arrays import Lazy

rng = np.random.default_rng(0)


def shown(*layers):
    """A viewer with layers, and their images."""
    viewer = ViewerModel()
    for layer in layers:
        viewer.add_layer(layer)
    return viewer, *(displayed_slice(layer, viewer.dims) for layer in layers)


def test_a_image_is_the_slice_on_display_without_transparency():
    colours = rng.random((3, 20, 30, 4))
    viewer, image = shown(Image(colours, rgb=True))
    viewer.dims.set_point(0, 2)
    image = displayed_slice(viewer.layers[0], viewer.dims)
    assert image.shape == (20, 30)
    assert np.array_equal(image.read(), colours[2, ..., :3])


def test_what_is_flattened_is_stacked_again():
    _, image = shown(Image(rng.random((3, 20, 30))))
    assert image.stacked(image.read()).shape == (1, 20, 30)


def test_pixels_lie_where_napari_has_them():
    layer = Image(
        rng.random((4, 20, 30)), scale=(3, 2, 0.5), translate=(7, 8, 9), rotate=20, units="um"
    )
    layer.affine = np.diag([1, 2, 2, 1])
    viewer, image = shown(layer)
    viewer.dims.set_point(0, 13)
    image = displayed_slice(layer, viewer.dims)
    plane = image.source.start[0]
    pixels = np.array([(0, 0), (3.5, 20), (19, 29)])
    world = image.to_world(pixels)
    assert np.allclose(world, [layer.data_to_world((plane, *pixel)) for pixel in pixels])
    assert np.allclose(image.to_pixels(world, layer.units), pixels)


def test_pixels_are_found_from_other_units():
    _, image = shown(Image(np.zeros((20, 30)), scale=(0.5, 0.5), units="um"))
    other = Image(np.zeros((20, 30)), units="nm")
    assert np.allclose(image.to_pixels(np.array([(500.0, 5000.0)]), other.units), [(1, 10)])


def test_a_pixel_of_the_screen_shrinks_as_the_camera_zooms_in():
    viewer, image = shown(Image(np.zeros((20, 30)), scale=(2, 0.5)))
    viewer.scene.camera.zoom = 4
    assert np.allclose(screen_pixel(viewer, image), (1 / 8, 1 / 2))


def test_luminance_keeps_the_range_of_a_colour():
    grey = np.full((4, 5, 3), 200, np.uint8)
    assert np.allclose(luminance(grey), 200)
    green, blue = np.zeros((2, 4, 5, 3), np.uint8)
    green[..., 1] = blue[..., 2] = 200
    assert luminance(green).mean() > luminance(blue).mean() > 0


def test_ranges_that_clash_are_told():
    large, unit = np.full((4, 5), 99, np.uint8), np.full((4, 5), 0.5)
    _, a, b = shown(Image(large, name="whole"), Image(unit, name="unit"))
    for one, other in ((a, b), (b, a)):
        assert range_clash(one, one.read(), other, other.read()) == (
            "'whole' has values up to 99, 'unit' from 0 to 1; bring them to one range"
        )


@pytest.mark.parametrize("others", [np.full((4, 5), 70.5), np.full((4, 5), 7, np.uint16)])
def test_ranges_that_may_be_one_do_not_clash(others):
    _, a, b = shown(Image(np.full((4, 5), 99, np.uint8)), Image(others))
    assert range_clash(a, a.read(), b, b.read()) == ""


def test_only_reading_reads():
    lazy = Lazy(rng.random((3, 20, 30)))
    layer = Image(lazy, contrast_limits=(0, 1), visible=False)
    _, image = shown(layer)
    assert not lazy.reads
    image.read()
    assert lazy.reads == [(threading.current_thread(), 600)]
