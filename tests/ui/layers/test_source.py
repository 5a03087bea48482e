"""Layers to arrays and back, with real layers and no window."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_dip.errors import UserError
from napari_dip.ui.layers.kwargs import displayable, stack_kwargs
from napari_dip.ui.layers.source import cropped, finest_level, input_from_layer, source_from_layer

PLACE = {
    "scale": (0.5, 0.25),
    "translate": (3, -2),
    "rotate": 30,
    "shear": [0.2],
    "affine": [[0, 2, 5], [-1, 0, 1], [0, 0, 1]],
    "units": ("um", "um"),
    "axis_labels": ("y", "x"),
}
rng = np.random.default_rng(0)


class Lazy:
    """An array that says what was read of it, and refuses to be read whole."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.ndim = (array, array.shape, array.dtype, 2)
        self.size = array.size
        self.read = []

    def __getitem__(self, index):
        self.read.append(index)
        return self.array[index]

    def __array__(self, *args, **kwargs):
        raise AssertionError("read as a whole")


def shown(*layers):
    viewer = ViewerModel()
    for layer in layers:
        viewer.add_layer(layer)
    return viewer


def source_of(layer, **options):
    return source_from_layer(layer, shown(layer).dims, **options)


def test_a_picture_is_taken_whole_as_a_copy():
    layer = Image(rng.random((20, 30)), name="cells")
    source = source_of(layer)
    assert (source.name, source.axes, source.sides) == ("cells", "YX", (20, 30))
    taken = source.crop.read()
    layer.data[:] = 0  # a layer changed during a run
    assert taken.any()


def test_pitfall_12_colour_is_told_by_the_layer_not_by_the_shape():
    colour = source_of(Image(rng.random((20, 30, 4)), rgb=True))
    assert colour.axes == "YXS"
    assert colour.layer_kwargs()["rgb"] is True
    assert len(colour.layer_kwargs()["scale"]) == 2
    assert not {"colormap", "contrast_limits"} & set(colour.layer_kwargs())
    thin = source_of(Image(rng.random((5, 40, 3)), rgb=False))
    assert thin.axes == "TYX"
    assert thin.layer_kwargs()["rgb"] is False


def test_pitfall_13_a_result_lies_and_looks_as_its_source():
    layer = Image(
        rng.integers(0, 4000, (20, 30), np.uint16),
        **PLACE,
        colormap="magma",
        blending="additive",
        contrast_limits=(100, 3000),
        gamma=0.7,
    )
    source = source_of(layer)
    result = Image(source.crop.read(), **source.layer_kwargs())
    for name in ("units", "axis_labels", "blending", "contrast_limits", "gamma"):
        assert getattr(result, name) == getattr(layer, name), name
    for name in ("scale", "translate", "rotate", "shear"):
        assert np.allclose(getattr(result, name), getattr(layer, name)), name
    assert np.allclose(result.affine.affine_matrix, layer.affine.affine_matrix)
    assert result.colormap.name == "magma"
    assert shown(layer, result).layers.extent.units == layer.units


@pytest.mark.parametrize("shape", [(20, 30), (3, 20, 30), (2, 3, 20, 30)])
def test_a_result_of_an_unplaced_layer_is_unplaced(shape):
    source = source_of(Image(rng.random(shape)))
    result = Image(source.crop.read(), **source.layer_kwargs())
    assert np.allclose(result.data_to_world((0,) * len(shape)), source.start)
    stack = Image(source.crop.read()[None], **stack_kwargs(source.layer_kwargs()))
    assert np.allclose(stack.data_to_world((0,) * stack.ndim), (0, *source.start))


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("box", [((0, 0), (20, 30)), ((4, 7), (11, 23))])
def test_pitfall_14_a_finer_crop_covers_exactly_its_part_of_the_source(factor, box):
    layer = Image(rng.random((20, 30)), **PLACE)
    source = cropped(source_of(layer), *box)
    data = np.zeros([n * factor for n in source.sides])
    result = Image(data, **source.layer_kwargs(factor))
    # Outer corners of the pixels, not their centres, coincide.
    for source_corner, corner in zip(box, ((0, 0), data.shape), strict=True):
        expected = layer.data_to_world(np.array(source_corner) - 0.5)
        assert np.allclose(result.data_to_world(np.array(corner) - 0.5), expected)


def test_pitfall_15_only_the_crop_of_the_finest_level_is_read():
    fine = Lazy(rng.random((64, 96)))
    layer = Image([fine, rng.random((32, 48))], multiscale=True, contrast_limits=(0, 1))
    fine.read.clear()
    assert finest_level(layer) is fine
    source = cropped(source_of(layer), (8, 16), (40, 56))
    assert not fine.read  # nothing on the thread of the window
    assert np.array_equal(source.crop.read(), fine.array[8:40, 16:56])
    assert fine.read == [(slice(8, 40), slice(16, 56))]


def test_a_lazy_single_level_is_cropped_before_it_is_read():
    lazy = Lazy(rng.random((64, 96)))
    layer = Image(lazy, contrast_limits=(0, 1), multiscale=False)
    source = cropped(source_of(layer), (0, 0), (16, 16))
    lazy.read.clear()
    source.crop.read()
    assert lazy.read == [(slice(0, 16), slice(0, 16))]


def test_pitfall_16_textures_get_what_they_take():
    for given, shown_as in (("f8", "f4"), ("f2", "f4"), ("f4", "f4"), ("u2", "u2"), ("u1", "u1")):
        assert displayable(np.zeros(3, given)).dtype == shown_as


def test_the_slice_on_display_keeps_its_place_in_the_stack():
    layer = Image(rng.random((5, 20, 30)), scale=(2, 1, 1), translate=(10, 0, 0))
    viewer = shown(layer)
    viewer.dims.set_current_step(0, 3)
    source = source_from_layer(layer, viewer.dims)
    assert source.axes == "TYX"
    assert np.array_equal(source.crop.read(), layer.data[3:4])
    result = Image(source.crop.read(), **source.layer_kwargs())
    assert np.allclose(result.data_to_world((0, 0, 0)), layer.data_to_world((3, 0, 0)))


def test_the_slice_is_found_where_the_viewers_units_are_others():
    layer = Image(rng.random((5, 20, 30)), scale=(2, 1, 1), units=("um", "nm", "nm"))
    viewer = shown(layer)
    viewer.dims.set_current_step(0, 3)
    assert source_from_layer(layer, viewer.dims).start[0] == 3


def test_the_slice_follows_the_order_of_axes():
    layer = Image(rng.random((5, 20, 30)))
    viewer = shown(layer)
    viewer.dims.order = (1, 0, 2)
    viewer.dims.set_current_step(1, 7)
    source = source_from_layer(layer, viewer.dims)
    assert source.axes == "YTX"
    assert np.array_equal(source.crop.read(), layer.data[:, 7:8])


def test_a_volume_is_taken_at_the_current_time():
    layer = Image(rng.random((4, 5, 20, 30)))
    viewer = shown(layer)
    viewer.dims.set_current_step(0, 2)
    source = source_from_layer(layer, viewer.dims, volume=True)
    assert source.axes == "TZYX"
    assert source.sides == (5, 20, 30)
    assert np.array_equal(source.crop.read(), layer.data[2:3])


def test_a_picture_has_no_volume():
    with pytest.raises(UserError, match="no volume"):
        source_of(Image(rng.random((20, 30))), volume=True)


def test_a_crop_outside_is_refused():
    with pytest.raises(UserError, match="outside"):
        cropped(source_of(Image(rng.random((20, 30)))), (30, 0), (40, 20))


def test_layers_beside_are_cropped_alike():
    image, stack = rng.random((20, 30)), rng.random((40, 60))
    source = cropped(source_of(Image(image)), (4, 6), (12, 20))
    assert np.array_equal(input_from_layer(Image(image), source, "guide").read(), image[4:12, 6:20])
    assert np.array_equal(
        input_from_layer(Image(stack), source, "reference", 2).read(), stack[8:24, 12:40]
    )
    with pytest.raises(UserError, match=r"reference: .* \(20, 30\), but \(40, 60\)"):
        input_from_layer(Image(image), source, "reference", 2)


def test_a_flat_mask_goes_with_a_slice_of_a_stack():
    source = source_of(Image(rng.random((5, 20, 30))))
    flat = rng.integers(0, 2, (20, 30))
    assert np.array_equal(input_from_layer(Labels(flat), source, "mask").read(), flat)


def test_a_stack_of_iterations_lies_where_its_frames_do():
    source = source_of(Image(rng.random((20, 30)), **PLACE))
    frame = Image(np.zeros((20, 30)), **source.layer_kwargs())
    stack = Image(np.zeros((4, 20, 30)), **stack_kwargs(source.layer_kwargs()))
    assert stack.axis_labels == ("iteration", "y", "x")
    for pixel in ((0, 0), (19, 7)):
        assert np.allclose(stack.data_to_world((2, *pixel)), (2, *frame.data_to_world(pixel)))
