"""OME-Zarr and OME-TIFF: axes, scale, units and channels survive a restoration."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr
from click.testing import CliRunner

from napari_dip.cli.main import main
from napari_dip.data.axes import Axes
from napari_dip.files.image_file import read_image, write_image
from napari_dip.files.inputs import InputFiles
from napari_dip.files.lazy import open_lazily
from napari_dip.files.losses import notes_on_losses
from napari_dip.files.ome_zarr import OmeZarrStore

UM = "micrometer"

CELLS = Axes(
    "TCZYX",
    (2.5, 1.0, 0.4, 0.11, 0.12),
    ("second", "", UM, UM, UM),
    channels=("DAPI", "GFP"),
    name="cells",
    colours=("0000FF", "00FF00"),
)

OME = {
    "Name": "cells",
    "PhysicalSizeX": 0.12,
    "PhysicalSizeXUnit": "µm",
    "PhysicalSizeY": 0.11,
    "PhysicalSizeYUnit": "µm",
    "PhysicalSizeZ": 0.4,
    "PhysicalSizeZUnit": "µm",
    "Channel": {"Name": ["DAPI", "GFP"], "Color": [0x0000FFFF, 0x00FF00FF]},
}


def cells(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(300, 3000, shape).astype(np.uint16)


def save_tiff(path: Path) -> Axes:
    about = {**OME, "axes": "TCZYX", "TimeIncrement": 2.5, "TimeIncrementUnit": "s"}
    tifffile.imwrite(path, cells(2, 2, 3, 20, 24), photometric="minisblack", metadata=about)
    return CELLS


def save_zarr(path: Path, version: str) -> Axes:
    """Write it as other programs do: levels, and the time step in a transformation of all."""
    image = cells(2, 2, 3, 20, 24)
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    datasets = []
    for level, step in enumerate((1, 2)):
        data = image[..., ::step, ::step]
        group.create_array(str(level), data=data, chunks=(1, 1, 3, 16, 16))
        scale = [1, 1, 0.4, 0.11 * step, 0.12 * step]
        moved = [0, 0, 5, 0.055 * (step - 1), 0.06 * (step - 1)]
        datasets.append(
            {
                "path": str(level),
                "coordinateTransformations": [
                    {"type": "scale", "scale": scale},
                    {"type": "translation", "translation": moved},
                ],
            }
        )
    axes = [{"name": "t", "type": "time", "unit": "second"}, {"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": UM} for name in "zyx"]
    window = {"min": 0, "max": 65535, "start": 300, "end": 3000}
    pairs = (("DAPI", "0000FF"), ("GFP", "00ff00"))
    told = {
        "multiscales": [
            {
                "name": "cells",
                "axes": axes,
                "datasets": datasets,
                "coordinateTransformations": [{"type": "scale", "scale": [2.5, 1, 1, 1, 1]}],
            }
        ],
        "omero": {
            "channels": [{"label": name, "color": color, "window": window} for name, color in pairs]
        },
    }
    if version == "0.4":
        told["multiscales"][0]["version"] = version
        group.attrs.put(told)
    else:
        group.attrs.put({"ome": {"version": version, **told}})
    return Axes(**{**vars(CELLS), "origin": (0.0, 0.0, 5.0, 0.0, 0.0)})


def run(*arguments: object, task: str = "denoise", code: int = 0) -> str:
    tiny = ["--device", "cpu", "--iterations", "1", "--set", "filters=4"]
    result = CliRunner().invoke(main, [task, *map(str, arguments), *tiny])
    assert result.exit_code == code, result.output
    return result.stderr


def check_ome_zarr(path: Path) -> None:
    """What OME-NGFF 0.5 says that an image must have; napari-dip's own reader is not asked."""
    group = zarr.open_group(path, mode="r")
    assert group.metadata.zarr_format == 3
    ome = group.attrs["ome"]
    assert ome["version"] == "0.5"
    (image,) = ome["multiscales"]
    names = [axis["name"] for axis in image["axes"]]
    kinds = [axis["type"] for axis in image["axes"]]
    assert len(set(names)) == len(names)
    assert kinds == sorted(kinds, key=["time", "channel", "space"].index)
    assert 2 <= kinds.count("space") <= 3
    assert kinds.count("time") <= 1
    assert kinds.count("channel") <= 1
    widths = []
    for dataset in image["datasets"]:
        array = group[dataset["path"]]
        assert list(array.metadata.dimension_names) == names
        scale, *moved = dataset["coordinateTransformations"]
        assert scale["type"] == "scale"
        assert [step["type"] for step in moved] in ([], ["translation"])
        assert all(len(step[step["type"]]) == len(names) for step in (scale, *moved))
        widths.append(array.shape[-1])
    assert widths == sorted(widths, reverse=True)
    for channel in ome.get("omero", {}).get("channels", []):
        int(channel["color"], 16)
        assert len(channel["color"]) == 6
        window = channel["window"]
        assert window["min"] <= window["start"] < window["end"] <= window["max"]


@pytest.mark.parametrize("source", ["in.ome.tif", "0.4", "0.5"])
def test_ome_zarr_keeps_axes_scale_and_channels(tmp_path, source):
    path, out = tmp_path / source, tmp_path / "out.ome.zarr"
    if source == "in.ome.tif":
        expected = save_tiff(path)
    else:
        path = tmp_path / f"{source}.ome.zarr"
        expected = save_zarr(path, source)
    run(path, "-o", out)
    before, after = open_lazily(path), open_lazily(out)
    assert before.axes == expected
    assert after.axes == expected
    check_ome_zarr(out)
    np.testing.assert_array_equal(zarr.open_group(out)["0"][...], after.read())
    assert (after.shape, after.dtype) == (before.shape, before.dtype)
    window = zarr.open_group(out).attrs["ome"]["omero"]["channels"][1]["window"]
    assert (window["start"], window["end"]) == (after.read()[:, 1].min(), after.read()[:, 1].max())


def test_scale_and_origin_of_an_upscaled_image(tmp_path):
    expected = save_zarr(tmp_path / "in.ome.zarr", "0.5")
    run(tmp_path / "in.ome.zarr", "-o", tmp_path / "out.ome.zarr", "--factor", 2, task="upscale")
    axes = open_lazily(tmp_path / "out.ome.zarr").axes
    np.testing.assert_allclose(axes.scale, (2.5, 1, 0.2, 0.055, 0.06))
    np.testing.assert_allclose(axes.origin, (0, 0, 4.9, -0.0275, -0.03))
    assert (axes.units, axes.channels) == (expected.units, expected.channels)
    check_ome_zarr(tmp_path / "out.ome.zarr")


def test_ome_tiff_keeps_axes_scale_and_channels(tmp_path):
    path, out = tmp_path / "in.ome.tif", tmp_path / "out.ome.tif"
    about = {**OME, "axes": "CZYX"}
    tifffile.imwrite(path, cells(2, 3, 20, 24), photometric="minisblack", metadata=about)
    run(path, "-o", out)
    before, after = open_lazily(path), open_lazily(out)
    assert before.axes == after.axes == CELLS.taken("TCZYX", (1, 2, 3, 4))
    with tifffile.TiffFile(out) as file:
        assert file.series[0].axes == "CZYX"
        pixels = ElementTree.fromstring(file.ome_metadata).find(".//{*}Pixels")
    told = {name: pixels.get(name) for name in OME if name.startswith("Physical")}
    assert told == {name: str(value) for name, value in OME.items() if name in told}
    channels = pixels.findall("{*}Channel")
    assert [channel.get("Name") for channel in channels] == ["DAPI", "GFP"]
    assert [int(channel.get("Color")) for channel in channels] == OME["Channel"]["Color"]


def test_a_zarr_into_a_tiff_keeps_scale_and_channels(tmp_path):
    save_zarr(tmp_path / "in.zarr", "0.5")
    image = read_image(tmp_path / "in.zarr")
    write_image(tmp_path / "out.tif", image.data, like=image)
    before, after = open_lazily(tmp_path / "in.zarr"), open_lazily(tmp_path / "out.tif")
    assert set(after.axes.letters) == set(before.axes.letters)
    for letter in image.axes:
        (i, j) = (axes.letters.index(letter) for axes in (before.axes, after.axes))
        assert before.axes.scale[i] == after.axes.scale[j]
        assert before.axes.units[i] == after.axes.units[j]
    assert after.axes.channels == before.axes.channels
    assert after.axes.colours == before.axes.colours
    order = [before.axes.letters.index(letter) for letter in image.axes]
    np.testing.assert_array_equal(before.read().transpose(order), image.data)
    np.testing.assert_array_equal(read_image(tmp_path / "out.tif").data, image.data)


@pytest.mark.parametrize(("shape", "name"), [((18, 20, 3), "out.png"), ((18, 20), "out.tif")])
def test_a_plain_array_into_a_picture(tmp_path, shape, name):
    array = zarr.create_array(tmp_path / "in.zarr", shape=shape, dtype="u1")
    array[...] = np.random.default_rng(0).integers(0, 255, shape)
    run(tmp_path / "in.zarr", "-o", tmp_path / name)
    assert read_image(tmp_path / name).data.shape == shape


def test_masks_and_psfs_may_be_zarr(tmp_path):
    psf = zarr.create_array(tmp_path / "psf.zarr", shape=(3, 3), dtype="f4")
    psf[...] = np.ones((3, 3))
    mask = zarr.create_array(tmp_path / "mask.zarr", shape=(18, 20), dtype="u1")
    mask[...] = np.eye(18, 20)
    inputs = InputFiles(mask=tmp_path / "mask.zarr", psf=tmp_path / "psf.zarr")
    np.testing.assert_array_equal(inputs.read("psf").values, np.ones((3, 3)))
    np.testing.assert_array_equal(inputs.read("mask").values != 0, np.eye(18, 20) > 0)


def test_channels_with_names_or_colours_alone(tmp_path):
    for name, known in {
        "a": {"channels": ("one", "two")},
        "b": {"colours": ("FF0000",) * 2},
    }.items():
        axes = Axes("CYX", **known)
        store = OmeZarrStore(tmp_path / f"{name}.zarr", axes)
        store.create((2, 20, 24), np.dtype(np.float32), colour=False)
        store.array[...] = cells(2, 20, 24)
        store.finish({})
        check_ome_zarr(store.path)
        told = zarr.open_group(store.path).attrs["ome"]["omero"]["channels"]
        assert [channel["window"]["start"] for channel in told] == [
            plane.min() for plane in store.array[...]
        ]
        read = open_lazily(store.path).axes
        assert (read.channels, read.colours) == (axes.channels, axes.colours)


@pytest.mark.parametrize("colour", ["blue", None, "12345", "GGGGGG"])
def test_an_invalid_colour_is_ignored(tmp_path, colour):
    save_zarr(tmp_path / "in.zarr", "0.4")
    group = zarr.open_group(tmp_path / "in.zarr")
    told = dict(group.attrs)
    for channel in told["omero"]["channels"]:
        channel["color"] = colour
    group.attrs.put(told)
    assert open_lazily(tmp_path / "in.zarr").axes.colours == ()


@pytest.mark.parametrize("origin", [(5.0, 7.0), (0.0, 0.0)])
@pytest.mark.parametrize("name", ["out.tif", "out.png"])
def test_an_origin_that_a_file_has_no_place_for_is_noted(tmp_path, origin, name):
    store = OmeZarrStore(tmp_path / "a.ome.zarr", Axes("YX", origin=origin))
    store.create((20, 20), np.dtype("uint8"), colour=False)
    image = read_image(tmp_path / "a.ome.zarr")
    about = {"dtype": image.data.dtype, "axes": image.axes}
    notes = notes_on_losses(image.metadata, tmp_path / name, **about)
    assert any("origin (translation)" in note.text for note in notes) == any(origin)
