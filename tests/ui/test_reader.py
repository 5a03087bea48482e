"""OME-Zarr images opened in napari."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.axes import Axes
from napari_dip.blocks.store import Store
from napari_dip.ui.reader import zarr_reader

UM = "micrometer"


def save(path, shape, axes, **about):
    image = np.random.default_rng(0).integers(0, 4000, shape).astype(np.uint16)
    store = Store(path, axes)
    store.create(shape, image.dtype, colour=about.get("colour", False))
    store.array[...] = image
    store.finish({})
    return image


def test_scale_units_origin_and_channels(tmp_path):
    path = tmp_path / "cells.ome.zarr"
    axes = Axes(
        "CZYX",
        (1.0, 2.0, 0.5, 0.5),
        ("", UM, UM, UM),
        (0.0, 0.0, 1.0, 1.5),
        channels=("DAPI", "GFP"),
    )
    image = save(path, (2, 4, 20, 24), axes)
    viewer = ViewerModel()
    for data, kwargs, kind in zarr_reader(str(path))(str(path)):
        layers = viewer._add_layer_from_data(data, kwargs, kind)
    assert [layer.name for layer in layers] == ["cells DAPI", "cells GFP"]
    layer = layers[1]
    np.testing.assert_array_equal(np.asarray(layer.data), image[1])
    np.testing.assert_array_equal(layer.scale, (2, 0.5, 0.5))
    np.testing.assert_array_equal(layer.translate, (0, 1, 1.5))
    assert [str(unit) for unit in layer.units] == [UM] * 3
    assert layer.axis_labels == ("z", "y", "x")


def test_levels_and_unknown_units(tmp_path):
    path = tmp_path / "slide.zarr"
    save(path, (600, 1100), Axes("YX"))
    viewer = ViewerModel()
    ((data, kwargs, kind),) = zarr_reader(str(path))(str(path))
    (layer,) = viewer._add_layer_from_data(data, kwargs, kind)
    assert layer.multiscale
    assert [level.shape for level in layer.data] == [(600, 1100), (300, 550), (150, 275)]
    assert [str(unit) for unit in layer.units] == ["pixel", "pixel"]


def test_colour_has_its_colours(tmp_path):
    path = tmp_path / "photo.zarr"
    save(path, (3, 20, 20), Axes("CYX"), colour=True)
    ((_, kwargs, _),) = zarr_reader(str(path))(str(path))
    assert kwargs["colormap"] == ["red", "green", "blue"]


@pytest.mark.parametrize("name", ["a.tif", "empty.zarr"])
def test_what_is_none_is_left_to_others(tmp_path, name):
    (tmp_path / "empty.zarr").mkdir()
    assert zarr_reader(str(tmp_path / name)) is None
    assert zarr_reader([str(tmp_path / "empty.zarr")]) is None
