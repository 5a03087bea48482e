"""OME-Zarr and OME-TIFF images opened in napari."""

import numpy as np
import pytest
import tifffile
import zarr
from napari.components import ViewerModel

from napari_dip import Denoise
from napari_dip.data.axes import Axes
from napari_dip.files.ome_zarr import OmeZarrStore
from napari_dip.tiling.restore import restore_large
from napari_dip.ui.layers.provenance import readings_of
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


@pytest.mark.parametrize("axes", ["RYX", "EZYX", "HYX"])
def test_axes_of_other_letters_keep_them(tmp_path, axes):
    tiff, store = tmp_path / "a.ome.tif", tmp_path / "a.ome.zarr"
    image = save_ome_tiff(tiff, (3, *(4,) * ("Z" in axes), 18, 20), axes)
    save(store, image.shape, Axes(axes))
    for path in (tiff, store):
        (layer,) = opened(path)
        assert layer.axis_labels == tuple(axes.lower())
        assert layer.data.shape == image.shape


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


def all_layers(path):
    viewer = ViewerModel()
    found = []
    for data, kwargs, kind in ome_reader(str(path))(str(path)):
        found += viewer._add_layer_from_data(data, kwargs, kind)
    return found


def notes_of(layer):
    (record,) = readings_of(layer)
    return " | ".join(note.text for note in record.notes)


def several(path, count=2):
    images = np.random.default_rng(0).integers(0, 4000, (count, 20, 24)).astype(np.uint16)
    with tifffile.TiffWriter(path, ome=True) as file:
        for i, image in enumerate(images):
            about = {"axes": "YX", "Name": f"pos{i}", "PhysicalSizeX": i + 1.0}
            file.write(image, photometric="minisblack", metadata=about)
    return images


def test_all_images_of_a_file_are_layers(tmp_path):
    images = several(tmp_path / "a.ome.tif")
    layers = all_layers(tmp_path / "a.ome.tif")
    assert [layer.name for layer in layers] == ["a [pos0]", "a [pos1]"]
    for layer, image in zip(layers, images, strict=True):
        np.testing.assert_array_equal(np.asarray(layer.data), image)
        assert notes_of(layer) == ""
    assert layers[1].scale[1] == 2


def test_of_very_many_images_some_are_layers_and_it_is_said(tmp_path):
    several(tmp_path / "a.ome.tif", 23)
    layers = all_layers(tmp_path / "a.ome.tif")
    assert len(layers) == 20
    assert all("20 of 23 images are opened" in notes_of(layer) for layer in layers)


def test_the_fields_of_a_plate_are_layers(tmp_path):
    root = zarr.open_group(tmp_path / "plate.zarr", mode="w", zarr_format=2)
    root.attrs["plate"] = {"wells": [{"path": "A/1"}, {"path": "B/3"}]}
    for well in ("A/1", "B/3"):
        image = root.require_group(well)
        image.attrs["well"] = {"images": [{"path": "0"}]}
        image.create_array("0/0", data=np.eye(20, 24, dtype=np.uint16))
        entry = {"axes": [{"name": "y"}, {"name": "x"}], "datasets": [{"path": "0"}]}
        image["0"].attrs["multiscales"] = [entry]
    layers = all_layers(tmp_path / "plate.zarr")
    assert [layer.name for layer in layers] == ["plate [A/1/0]", "plate [B/3/0]"]
    assert "no size of a pixel" in notes_of(layers[0])


@pytest.mark.parametrize(("photometric", "orientation"), [("miniswhite", 1), ("minisblack", 6)])
def test_pixels_are_shown_as_other_viewers_show_them(tmp_path, photometric, orientation):
    image = np.random.default_rng(0).integers(0, 255, (20, 24), dtype=np.uint8)
    tifffile.imwrite(
        tmp_path / "a.ome.tif",
        image,
        photometric=photometric,
        extratags=[(274, "H", 1, orientation, True)],
    )
    (layer,) = all_layers(tmp_path / "a.ome.tif")
    expected = 255 - image if photometric == "miniswhite" else np.rot90(image, -1)
    np.testing.assert_array_equal(np.asarray(layer.data), expected)
    assert notes_of(layer)


def test_only_planes_that_are_there_are_shown(tmp_path):
    image = save_ome_tiff(tmp_path / "a.ome.tif", (2, 20, 24), "ZYX")
    content = (tmp_path / "a.ome.tif").read_bytes()
    assert content.count(b'SizeZ="2"') == 1
    (tmp_path / "a.ome.tif").write_bytes(content.replace(b'SizeZ="2"', b'SizeZ="5"'))
    (layer,) = all_layers(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(np.asarray(layer.data), image)
    assert "2 of 5 slices" in notes_of(layer)


@pytest.mark.parametrize(
    ("samples", "tag"), [(4, "unspecified"), (2, "unassalpha"), (4, "unassalpha")]
)
def test_samples_that_are_no_colour_are_layers(tmp_path, samples, tag):
    image = np.random.default_rng(0).integers(1, 255, (20, 24, samples), dtype=np.uint8)
    about = {"photometric": "rgb" if samples == 4 else "minisblack", "planarconfig": "contig"}
    tifffile.imwrite(
        tmp_path / "a.ome.tif", image, **about, extrasamples=[tag], metadata={"axes": "YXS"}
    )
    layers = all_layers(tmp_path / "a.ome.tif")
    is_rgb = samples == 4 and tag == "unassalpha"
    assert len(layers) == (1 if is_rgb else samples)
    assert layers[0].rgb == is_rgb
    shown = (
        np.asarray(layers[0].data)
        if is_rgb
        else np.stack([np.asarray(one.data) for one in layers], -1)
    )
    np.testing.assert_array_equal(shown, image)


@pytest.mark.parametrize(("shape", "count"), [((20, 24, 3), 1), ((20, 24, 4), 4), ((5, 20, 24), 1)])
def test_plain_arrays_are_layers(tmp_path, shape, count):
    array = zarr.create_array(tmp_path / "a.zarr", shape=shape, dtype="u1")
    array[...] = 7
    layers = all_layers(tmp_path / "a.zarr")
    assert len(layers) == count
    assert layers[0].rgb == (shape[-1] == 3)
    assert "its axes have no names" in notes_of(layers[0])
