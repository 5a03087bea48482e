"""TIFF files, plain, ImageJ and OME: pixels, axes and metadata survive reading and writing."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from image_files import SRGB, assert_same, picture, round_trip

from napari_dip.files.atomic import FileError
from napari_dip.files.image_file import ImageFile, read_image, write_image


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "uint16", "uint32", "float16", "float32", "float64"]
)
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((5, 7), "YX"),
        ((1, 7), "YX"),
        ((5, 1), "YX"),
        ((1, 1), "YX"),
        ((2, 5, 7), "ZYX"),
        ((2, 5, 7), "CYX"),
        ((3, 2, 5, 7), "TCYX"),
    ],
)
def test_plain_tiff_keeps_values_dtype_and_axes(tmp_path, shape, axes, dtype):
    data = picture(*shape, dtype=dtype)
    image = ImageFile(data=data, axes=axes, path=tmp_path)
    write_image(tmp_path / "a.tif", data, like=image)
    assert_same(image, read_image(tmp_path / "a.tif"))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=hnp.arrays(
        dtype=st.sampled_from(["uint8", "uint16", "float32"]),
        shape=hnp.array_shapes(min_dims=2, max_dims=5, max_side=4),
    ),
    suffix=st.sampled_from([".tif", ".TIFF", ".ome.tif"]),
)
def test_any_array_survives_a_tiff(tmp_path, data, suffix):
    path = tmp_path / f"a{suffix}"
    write_image(path, data, overwrite=True)
    read = read_image(path)
    assert len(read.axes) == read.data.ndim
    assert read.data.dtype == data.dtype
    # OME doesn't tell an axis with one entry from none.
    np.testing.assert_array_equal(read.data.reshape(data.shape), data)


def test_plain_tiff_keeps_resolution_description_and_profile(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        picture(5, 7, 3, high=255, dtype="uint8"),
        photometric="rgb",
        resolution=(300, 150),
        resolutionunit="inch",
        description="stained with H&E",
        metadata=None,
        iccprofile=SRGB,
    )
    before, after, _ = round_trip(tmp_path / "a.tif")
    assert_same(before, after)
    assert before.axes == "YXS"
    assert after.metadata.dpi == (300, 150)
    assert after.metadata.icc_profile == SRGB
    assert after.metadata.tiff["description"] == "stained with H&E"


@pytest.mark.parametrize("samples", [2, 4])
def test_tiff_keeps_an_alpha_channel(tmp_path, samples):
    data = picture(5, 7, samples)
    tifffile.imwrite(
        tmp_path / "a.tif",
        data,
        photometric="rgb" if samples == 4 else "minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
    )
    before, after, _ = round_trip(tmp_path / "a.tif")
    assert before.axes == "YXS"
    assert_same(before, after)


def test_planar_rgb_becomes_interleaved(tmp_path):
    data = picture(3, 5, 7)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig="separate")
    image = read_image(tmp_path / "a.tif")
    assert image.axes == "YXS"
    np.testing.assert_array_equal(image.data, np.moveaxis(data, 0, -1))


def test_samples_that_are_not_colours_are_channels(tmp_path):
    data = picture(5, 7, 4)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="minisblack", planarconfig="contig")
    image = read_image(tmp_path / "a.tif")
    assert image.axes == "CYX"
    np.testing.assert_array_equal(image.data, np.moveaxis(data, -1, 0))


def test_pages_without_a_name_are_a_stack(tmp_path):
    data = picture(4, 5, 7)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="minisblack", metadata=None)
    image = read_image(tmp_path / "a.tif")
    assert image.axes == "ZYX"
    np.testing.assert_array_equal(image.data, data)


def test_tiff_is_read_in_native_byte_order(tmp_path):
    data = picture(5, 7)
    tifffile.imwrite(tmp_path / "a.tif", data, byteorder=">")
    image = read_image(tmp_path / "a.tif")
    assert image.data.dtype == np.dtype("uint16")
    assert image.data.dtype.isnative
    np.testing.assert_array_equal(image.data, data)


def test_imagej_hyperstack_keeps_everything(tmp_path):
    data = picture(4, 2, 5, 7)
    ramp = np.stack([np.arange(256), np.zeros(256), np.zeros(256)]).astype("uint8")
    entries = {
        "axes": "ZCYX",
        "unit": "micron",
        "spacing": 0.5,
        "finterval": 2.5,
        "min": 300.0,
        "max": 2000.0,
        "mode": "composite",
        "Info": "objective = 63x\n",
        "Labels": [f"plane {i}" for i in range(8)],
        "Ranges": (300.0, 2000.0, 0.0, 1500.0),
        "LUTs": [ramp, ramp[::-1]],
    }
    tifffile.imwrite(
        tmp_path / "a.tif", data, imagej=True, resolution=(9.5, 9.25), metadata=dict(entries)
    )
    before, after, target = round_trip(tmp_path / "a.tif")
    assert before.axes == "ZCYX"
    np.testing.assert_array_equal(before.data, data)
    assert_same(before, after)
    with tifffile.TiffFile(target) as file:
        assert file.is_imagej
        np.testing.assert_allclose(file.pages[0].resolution, (9.5, 9.25))
        written = file.imagej_metadata
    assert written["slices"] == 4
    assert written["channels"] == 2
    np.testing.assert_array_equal(written["LUTs"], entries["LUTs"])
    for key in entries.keys() - {"axes", "LUTs"}:
        assert written[key] == entries[key], key


def test_imagej_unit_with_a_micro_sign_is_kept(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", picture(5, 7), imagej=True, metadata={"unit": "\\u00B5m", "axes": "YX"}
    )
    _, _, target = round_trip(tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as one, tifffile.TiffFile(target) as other:
        assert one.imagej_metadata["unit"] == other.imagej_metadata["unit"]


def test_imagej_lookup_table_only_colours_the_display(tmp_path):
    data = picture(5, 7, high=255, dtype="uint8")
    green = np.zeros((3, 256), "uint16")
    green[1] = np.arange(256) * 257
    tifffile.imwrite(tmp_path / "a.tif", data, imagej=True, colormap=green)
    before, after, target = round_trip(tmp_path / "a.tif")
    assert before.axes == "YX"
    np.testing.assert_array_equal(before.data, data)
    assert_same(before, after)
    with tifffile.TiffFile(target) as file:
        np.testing.assert_array_equal(file.pages[0].colormap, green)


def test_palette_of_a_plain_tiff_becomes_rgb(tmp_path):
    indices = picture(5, 7, high=255, dtype="uint8")
    colours = picture(3, 256, high=255, dtype="uint8")
    tifffile.imwrite(
        tmp_path / "a.tif", indices, photometric="palette", colormap=colours.astype("uint16") * 257
    )
    image = read_image(tmp_path / "a.tif")
    assert image.axes == "YXS"
    np.testing.assert_array_equal(image.data, np.moveaxis(colours[:, indices], 0, -1))


def test_white_is_zero_stays_so(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", picture(5, 7), photometric="miniswhite")
    before, after, target = round_trip(tmp_path / "a.tif")
    assert_same(before, after)
    with tifffile.TiffFile(target) as file:
        assert file.pages[0].photometric == tifffile.PHOTOMETRIC.MINISWHITE


def write_ome(path: Path, data, axes):
    tifffile.imwrite(
        path,
        data,
        ome=True,
        photometric="minisblack",
        metadata={
            "axes": axes,
            "Name": "cells & <vesicles>",
            "Description": "day 3",
            "PhysicalSizeX": 0.065,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": 0.07,
            "PhysicalSizeYUnit": "µm",
            "PhysicalSizeZ": 0.2,
            "PhysicalSizeZUnit": "µm",
            "TimeIncrement": 1.5,
            "TimeIncrementUnit": "s",
            "Channel": {"Name": ["405", "GFP"], "Color": [65535, 16711935]},
        },
    )


def is_ome(path: Path) -> bool:
    with tifffile.TiffFile(path) as file:
        return file.is_ome


def test_ome_tiff_keeps_sizes_and_channels(tmp_path):
    data = picture(3, 2, 5, 7)
    write_ome(tmp_path / "a.ome.tif", data, "ZCYX")
    before, after, target = round_trip(tmp_path / "a.ome.tif")
    assert before.axes == "ZCYX"
    np.testing.assert_array_equal(before.data, data)
    assert_same(before, after)
    with tifffile.TiffFile(target) as file:
        xml = file.ome_metadata
    for told in (
        'Name="cells &amp; &lt;vesicles&gt;"',
        "<Description>day 3</Description>",
        'PhysicalSizeX="0.065" PhysicalSizeXUnit="µm"',
        'PhysicalSizeY="0.07"',
        'PhysicalSizeZ="0.2"',
        'TimeIncrement="1.5" TimeIncrementUnit="s"',
        'Name="405" Color="65535"',
        'Name="GFP"',
    ):
        assert told in xml, told


def test_ome_flavour_survives_another_suffix(tmp_path):
    write_ome(tmp_path / "a.ome.tif", picture(2, 5, 7), "CYX")
    image = read_image(tmp_path / "a.ome.tif")
    write_image(tmp_path / "b.tif", image.data, like=image)
    assert is_ome(tmp_path / "b.tif")


def test_an_ome_suffix_makes_an_ome_tiff(tmp_path):
    write_image(tmp_path / "a.ome.tif", picture(3, 5, 7))
    assert is_ome(tmp_path / "a.ome.tif")


def test_first_series_and_full_resolution_are_read(tmp_path):
    data = picture(32, 48)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(data, subifds=1, metadata=None)
        writer.write(data[::2, ::2], subfiletype=1, metadata=None)
        writer.write(picture(3, 4), metadata=None)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").data, data)


def test_super_resolution_keeps_the_physical_extent(tmp_path):
    tifffile.imwrite(tmp_path / "plain.tif", picture(5, 7), resolution=(100, 50))
    tifffile.imwrite(
        tmp_path / "imagej.tif",
        picture(5, 7),
        imagej=True,
        resolution=(10, 10),
        metadata={"axes": "YX", "unit": "um", "Overlays": [b"drawn in pixels"]},
    )
    write_ome(tmp_path / "ome.tif", picture(2, 5, 7), "CYX")
    for name in ("plain", "imagej", "ome"):
        image = read_image(tmp_path / f"{name}.tif")
        larger = image.data.repeat(4, axis=-1).repeat(4, axis=-2)
        write_image(tmp_path / f"{name}4.tif", larger, like=image, pixel_scale=1 / 4)
    assert read_image(tmp_path / "plain4.tif").metadata.resolution == (400, 200)
    imagej = read_image(tmp_path / "imagej4.tif").metadata
    assert imagej.resolution == (40, 40)
    assert imagej.tiff["metadata"]["unit"] == "um"
    assert "Overlays" not in imagej.tiff["metadata"]
    ome = read_image(tmp_path / "ome4.tif").metadata.tiff["metadata"]
    assert float(ome["PhysicalSizeX"]) == pytest.approx(0.065 / 4)
    assert float(ome["PhysicalSizeY"]) == pytest.approx(0.07 / 4)
    assert float(ome["PhysicalSizeZ"]) == 0.2


def test_planes_of_an_enlarged_volume_lie_closer(tmp_path):
    write_ome(tmp_path / "ome.tif", picture(3, 5, 7), "ZYX")
    image = read_image(tmp_path / "ome.tif")
    write_image(tmp_path / "ome2.tif", image.data.repeat(2, axis=0), like=image)
    ome = read_image(tmp_path / "ome2.tif").metadata.tiff["metadata"]
    assert float(ome["PhysicalSizeZ"]) == pytest.approx(0.1)
    assert float(ome["PhysicalSizeX"]) == 0.065


def test_colours_that_are_not_rgb_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", picture(5, 7, 4), photometric="separated")
    with pytest.raises(FileError, match=r"a\.tif: .* SEPARATED; convert it to RGB"):
        read_image(tmp_path / "a.tif")
