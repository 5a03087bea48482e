"""Masks, rectangles and views, with real layers and no window."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes

from napari_dip.errors import UserError
from napari_dip.ui.layers.regions import mask_of, new_mask, rectangle_of, view_of
from napari_dip.ui.layers.source import cropped, source_from_layer

PLACE = {"scale": (0.5, 0.25), "translate": (3, -2), "rotate": 30, "units": ("um", "um")}
SQUARE = np.array([(4, 6), (4, 12), (9, 12), (9, 6)])


def source_of(layer, **options):
    viewer = ViewerModel()
    viewer.add_layer(layer)
    return source_from_layer(layer, viewer.dims, **options)


@pytest.fixture
def image():
    return Image(np.random.default_rng(0).random((20, 30)), name="cells", **PLACE)


def through(image, vertices):
    """Pixels of an image as a person who draws in the world's coordinates would have them."""
    return np.array([image.data_to_world(vertex) for vertex in vertices])


def test_a_new_mask_lies_over_its_image_and_is_accepted(image):
    mask = new_mask(image)
    assert mask.data.shape == (20, 30)
    assert not mask.data.any()
    mask.data[3:5, 7] = 1
    crop = mask_of(mask, image, cropped(source_of(image), (2, 5), (10, 15)))
    assert np.array_equal(crop.read() != 0, mask.data[2:10, 5:15] != 0)


def test_labels_may_be_wide_integers(image):
    mask = new_mask(image)
    mask.data = mask.data.astype(np.int64)
    mask.data[3, 4] = 2**40
    marked = mask_of(mask, image, source_of(image)).read()
    assert marked.dtype == bool
    assert np.argwhere(marked).tolist() == [[3, 4]]


def test_a_mask_of_another_shape_is_refused(image):
    with pytest.raises(UserError, match=r"mask: 'small' .*\(19, 30\).*\(20, 30\)"):
        mask_of(Labels(np.zeros((19, 30), int), name="small"), image, source_of(image))


def test_a_mask_at_another_place_is_refused(image):
    mask = Labels(np.zeros((20, 30), int), name="moved", **{**PLACE, "translate": (3, -1)})
    with pytest.raises(UserError, match="lies elsewhere"):
        mask_of(mask, image, source_of(image))


def test_a_mask_in_other_units_at_the_same_place_is_accepted(image):
    place = {**PLACE, "units": ("nm", "nm"), "scale": (500, 250), "translate": (3000, -2000)}
    mask = Labels(np.zeros((20, 30), int), **place)
    assert mask_of(mask, image, source_of(image)).read().shape == (20, 30)


def test_shapes_are_rasterised_where_they_lie(image):
    shapes = Shapes([through(image, SQUARE)], shape_type="polygon", units=("um", "um"))
    mask = mask_of(shapes, image, source_of(image)).read()
    expected = np.zeros((20, 30), bool)
    expected[4:10, 6:13] = True
    assert mask.shape == expected.shape
    # The outline runs through pixel centres; rounding decides about the rim.
    assert mask[5:9, 7:12].all()
    assert not mask[~expected].any()


def test_shapes_are_rasterised_in_a_crop(image):
    shapes = Shapes([through(image, SQUARE)], shape_type="polygon", units=("um", "um"))
    source = source_of(image)
    whole = mask_of(shapes, image, source).read()
    part = mask_of(shapes, image, cropped(source, (5, 3), (15, 20))).read()
    assert np.array_equal(part, whole[5:15, 3:20])


def test_shapes_in_a_stack_count_on_their_own_slice_only():
    image = Image(np.random.default_rng(0).random((3, 20, 30)))
    there = [np.insert(SQUARE, 0, 1, axis=1)]
    mask = mask_of(Shapes(there, shape_type="rectangle"), image, source_of(image, volume=True))
    assert mask.read()[1].any()
    assert not mask.read()[[0, 2]].any()


def test_flat_shapes_take_the_memory_of_one_plane():
    image = Image(np.zeros((50, 20, 30)))
    mask = mask_of(Shapes([SQUARE]), image, source_of(image, volume=True))
    assert mask.shape == (50, 20, 30)
    assert mask.data.strides[0] == 0


def test_flat_shapes_go_through_a_volume():
    image = Image(np.random.default_rng(0).random((3, 20, 30)))
    mask = mask_of(Shapes([SQUARE]), image, source_of(image, volume=True)).read()
    assert mask[0].any()
    assert (mask == mask[0]).all()


def test_a_rectangle_is_a_region(image):
    shapes = Shapes([through(image, SQUARE)], shape_type="polygon", units=("um", "um"))
    part = rectangle_of(shapes, image, source_of(image))
    assert (part.start, part.stop) == ((4, 6), (10, 13))


def test_the_selected_rectangle_is_the_region():
    image = Image(np.random.default_rng(0).random((40, 40)))
    shapes = Shapes([SQUARE, SQUARE + 10])
    shapes.selected_data = {0}
    assert rectangle_of(shapes, image, source_of(image)).start == (4, 6)


def test_no_rectangle_is_refused(image):
    with pytest.raises(UserError, match="draw a rectangle"):
        rectangle_of(Shapes(), image, source_of(image))


def test_the_view_is_a_region(image):
    image.corner_pixels = np.array([(2, 5), (11, 40)])
    part = view_of(image, source_of(image))
    assert (part.start, part.stop) == ((2, 5), (12, 30))
