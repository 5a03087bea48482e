"""OME-Zarr and OME-TIFF images opened in napari."""

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel

from napari_dip import Denoise
from napari_dip.data.axes import Axes
from napari_dip.files.ome_zarr import OmeZarrStore
from napari_dip.tiling.restore import restore_large
from napari_dip.ui.layers.reader import ome_reader, plugin_for

UM = "micrometer"


def save(path, shape, axes, **about):
    image = np.random.default_rng(0).integers(0, 4000, shape).astype(np.uint16)
    store = OmeZarrStore(path, axes)
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
    for data, kwargs, kind in ome_reader(str(path))(str(path)):
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
    ((data, kwargs, kind),) = ome_reader(str(path))(str(path))
    (layer,) = viewer._add_layer_from_data(data, kwargs, kind)
    assert layer.multiscale
    assert [level.shape for level in layer.data] == [(600, 1100), (300, 550), (150, 275)]
    assert [str(unit) for unit in layer.units] == ["pixel", "pixel"]


def test_colour_has_its_colours(tmp_path):
    path = tmp_path / "photo.zarr"
    save(path, (3, 20, 20), Axes("CYX"), colour=True)
    ((_, kwargs, _),) = ome_reader(str(path))(str(path))
    assert kwargs["colormap"] == ["#FF0000", "#00FF00", "#0000FF"]


def save_ome_tiff(path, shape, axes, **about):
    image = np.random.default_rng(0).integers(0, 4000, shape).astype(np.uint16)
    about = {"axes": axes, **about}
    for axis in "XYZ":
        about |= {f"PhysicalSize{axis}": 0.5, f"PhysicalSize{axis}Unit": "µm"}
    tifffile.imwrite(path, image, photometric="minisblack", metadata=about)
    return image


def opened(path):
    viewer = ViewerModel()
    ((data, kwargs, kind),) = ome_reader(str(path))(str(path))
    return viewer._add_layer_from_data(data, kwargs, kind)


def test_an_ome_tiff_is_read_lazily_with_its_scale_units_and_channels(tmp_path):
    channels = {"Name": ["DAPI", "GFP"], "Color": [0x0000FFFF, 0x00FF00FF]}
    path = tmp_path / "day 1.5.ome.tif"
    about = {"TimeIncrement": 2, "TimeIncrementUnit": "min", "Channel": channels}
    image = save_ome_tiff(path, (3, 2, 4, 20, 24), "TCZYX", **about)
    dapi, gfp = opened(path)
    assert (dapi.name, gfp.name) == ("day 1.5 DAPI", "day 1.5 GFP")
    assert not isinstance(gfp.data, np.ndarray)
    np.testing.assert_array_equal(np.asarray(gfp.data), image[:, 1])
    np.testing.assert_array_equal(gfp.scale, (2, 0.5, 0.5, 0.5))
    assert [str(unit) for unit in gfp.units] == ["minute", UM, UM, UM]
    assert gfp.axis_labels == ("t", "z", "y", "x")
    assert gfp.contrast_limits == [image[1, 1, 2].min(), image[1, 1, 2].max()]
    np.testing.assert_array_equal(dapi.colormap.colors[-1], (0, 0, 1, 1))


def test_a_colour_ome_tiff_is_one_layer(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (20, 24, 3), dtype=np.uint8)
    about = {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}
    tifffile.imwrite(tmp_path / "a.ome.tif", image, photometric="rgb", metadata=about)
    (layer,) = opened(tmp_path / "a.ome.tif")
    assert layer.rgb
    np.testing.assert_array_equal(layer.scale, (0.25, 0.5))


def test_a_picture_and_its_result_lie_and_look_alike(tmp_path):
    """A lazy layer that does not begin at zero gets its contrast too."""
    axes = Axes(
        *("CZYX", (1.0, 2.0, 0.5, 0.5), ("", UM, UM, UM), (0.0, 100.0, 7.0, 0.0)),
        channels=("DAPI", "GFP"),
        colours=("0000FF", "FF0000"),
    )
    save(tmp_path / "in.ome.zarr", (2, 4, 20, 24), axes)
    restore_large(
        *(tmp_path / "in.ome.zarr", tmp_path / "out.ome.zarr"),
        Denoise(iterations=1, filters=(4,)),
        device="cpu",
    )
    sources, results = opened(tmp_path / "in.ome.zarr"), opened(tmp_path / "out.ome.zarr")
    assert [layer.name for layer in results] == ["out DAPI", "out GFP"]
    for source, result in zip(sources, results, strict=True):
        for name in ("scale", "translate"):
            np.testing.assert_array_equal(getattr(source, name), getattr(result, name))
        for name in ("units", "axis_labels", "colormap"):
            assert getattr(source, name) == getattr(result, name)
        low, high = result.contrast_limits
        assert 0 <= low < high
        assert high > 1


def test_what_napari_does_not_know_is_a_pixel(tmp_path):
    axes = Axes("YX", (2.0, 2.0), ("reference frame", "micrometer"))
    save(tmp_path / "a.zarr", (20, 24), axes)
    (layer,) = opened(tmp_path / "a.zarr")
    assert [str(unit) for unit in layer.units] == ["pixel", UM]


def test_ours_is_taken_where_nobody_is_asked():
    names = ("a.ome.tif", "a.OME.TIFF", "a.ome.zarr", "a.tif", "a.png")
    ours = [plugin_for(name) for name in names]
    assert ours == ["napari-dip"] * 3 + ["napari"] * 2


@pytest.mark.parametrize("name", ["a.tif", "empty.zarr", "missing.ome.tif"])
def test_what_is_none_is_left_to_others(tmp_path, name):
    (tmp_path / "empty.zarr").mkdir()
    assert ome_reader(str(tmp_path / name)) is None
    assert ome_reader([str(tmp_path / "empty.zarr")]) is None
