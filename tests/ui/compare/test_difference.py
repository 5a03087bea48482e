"""B - A, on the finer of two grids."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_dip.errors import UserError
from napari_dip.ui.compare.difference import difference
from napari_dip.ui.compare.displayed_slice import displayed_slice
from napari_dip.ui.layers.source import source_from_layer


def images(*layers):
    """Of layers in one viewer."""
    viewer = ViewerModel()
    for layer in layers:
        viewer.add_layer(layer)
    return [displayed_slice(layer, viewer.dims) for layer in layers]


def finer(layer, factor, values):
    """A layer that lies exactly over another, with smaller pixels."""
    viewer = ViewerModel()
    viewer.add_layer(layer)
    return Image(values, name="fine", **source_from_layer(layer, viewer.dims).layer_kwargs(factor))


def test_the_difference_is_b_minus_a_and_not_wrapped():
    a, b = np.full((4, 5), 200, np.uint8), np.full((4, 5), 50, np.uint8)
    first, second = images(Image(a), Image(b))
    made = difference(first, second)
    assert (made.values == -150).all()
    assert (made.grid, made.note) == (second, "")


def test_a_coarser_image_is_interpolated_onto_the_finer():
    row = np.arange(30.0)
    coarse = Image(np.tile(row, (20, 1)), name="coarse", scale=(0.5, 2), translate=(9, -4))
    # The same ramp at the finer pixels' centres.
    ramp = (np.arange(60) - 0.5) / 2
    fine = finer(coarse, 2, np.tile(ramp, (40, 1)) + 5)
    first, second = images(coarse, fine)
    made = difference(first, second)
    assert made.values.shape == (40, 60)
    inner = made.values[:, 1:-1]  # beyond the outer centres there is no ramp
    assert np.allclose(inner, 5, atol=1e-5)
    assert made.grid is second
    assert made.note == "'coarse' was interpolated linearly onto the pixels of 'fine'."
    other = difference(second, first)
    assert np.allclose(other.values, -made.values)
    assert other.grid is second


def test_images_of_another_area_are_not_subtracted():
    part = Image(np.zeros((10, 15)), name="part")
    first, second = images(Image(np.zeros((20, 30)), name="whole"), part)
    with pytest.raises(UserError, match=r"'part' \(10, 15\) and 'whole' \(20, 30\) don't show"):
        difference(first, second)


def test_a_colour_and_a_grey_image_are_compared_by_luminance():
    grey, colour = images(Image(np.full((4, 5), 0.5)), Image(np.full((4, 5, 3), 0.75), rgb=True))
    assert np.allclose(difference(grey, colour).values, 0.25)


def test_missing_pixels_stay_missing():
    holes = np.ones((4, 5))
    holes[1, 2] = np.nan
    a, b = images(Image(np.zeros((4, 5))), Image(holes))
    assert np.array_equal(np.isnan(difference(a, b).values), np.isnan(holes))


def test_ranges_that_clash_are_refused():
    large, unit = np.full((4, 5), 99, np.uint8), np.full((4, 5), 0.5)
    a, b = images(Image(large, name="whole"), Image(unit, name="unit"))
    for one, other in ((a, b), (b, a)):
        with pytest.raises(UserError, match=r"^difference: 'whole' has"):
            difference(one, other)
