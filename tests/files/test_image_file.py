"""Files in and out: nothing is lost on the way, and what can't be done is refused in one line."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms

from napari_dip.files.atomic import FileError, check_destination, replacing
from napari_dip.files.image_file import ImageFile, check_writable, read_image, write_image

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(*shape, dtype="uint16", high=3000):
    return np.random.default_rng(0).integers(0, high, shape).astype(dtype)


def round_trip(source: Path, **options):
    """Read a file, write it beside itself under the same suffix, and read that."""
    image = read_image(source)
    target = source.with_name("again" + "".join(source.suffixes))
    write_image(target, image.data, like=image, **options)
    return image, read_image(target), target


def assert_same(one: ImageFile, other: ImageFile):
    assert one.axes == other.axes
    assert one.data.dtype == other.data.dtype
    np.testing.assert_array_equal(one.data, other.data)


# --- TIFF ---------------------------------------------------------------------------------------


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


# --- PNG, JPEG, BMP -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4)])
def test_png_keeps_values_and_resolution(tmp_path, shape, dtype):
    data = picture(*shape, dtype=dtype, high=np.iinfo(dtype).max)
    path = tmp_path / "a.png"
    source = tmp_path / "a.tif"
    tifffile.imwrite(source, data[..., 0] if data.ndim == 3 else data, resolution=(300, 150))
    image = ImageFile(
        data=data,
        axes="YX" if data.ndim == 2 else "YXS",
        path=source,
        metadata=read_image(source).metadata,
    )
    write_image(path, data, like=image)
    written = read_image(path)
    assert_same(written, image)
    assert written.metadata.dpi == pytest.approx((300, 150), abs=0.05)
    with Image.open(path) as file:
        file.verify()  # checks every chunk's sum


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_png_keeps_its_colour_profile(tmp_path, dtype):
    Image.fromarray(picture(5, 7, 3, dtype="uint8", high=255)).save(
        tmp_path / "a.png", icc_profile=SRGB
    )
    image = read_image(tmp_path / "a.png")
    write_image(tmp_path / "b.png", image.data.astype(dtype), like=image)
    assert read_image(tmp_path / "b.png").metadata.icc_profile == SRGB
    # A colour profile says nothing about a grey picture, and would make it invalid.
    write_image(tmp_path / "c.png", image.data[..., 0].astype(dtype), like=image)
    assert read_image(tmp_path / "c.png").metadata.icc_profile is None


def test_one_bit_masks_are_boolean(tmp_path):
    mask = picture(5, 7, high=2, dtype="bool")
    Image.fromarray(mask).save(tmp_path / "a.png", bits=1)
    before, after, _ = round_trip(tmp_path / "a.png")
    assert before.axes == "YX"
    np.testing.assert_array_equal(before.data, mask)
    assert_same(before, after)


@pytest.mark.parametrize("transparency", [None, 0])
def test_palette_pictures_become_rgb(tmp_path, transparency):
    colours = Image.fromarray(picture(5, 7, 3, dtype="uint8", high=255)).quantize(8)
    options = {} if transparency is None else {"transparency": transparency}
    colours.save(tmp_path / "a.png", **options)
    data = read_image(tmp_path / "a.png").data
    np.testing.assert_array_equal(data[..., :3], np.array(colours.convert("RGB")))
    if transparency is None:
        assert data.shape == (5, 7, 3)
    else:
        np.testing.assert_array_equal(data[..., 3] == 0, np.array(colours) == transparency)


def test_bmp_is_read(tmp_path):
    data = picture(5, 7, 3, dtype="uint8", high=255)
    Image.fromarray(data).save(tmp_path / "a.bmp")
    image = read_image(tmp_path / "a.bmp")
    assert image.axes == "YXS"
    np.testing.assert_array_equal(image.data, data)


@pytest.mark.parametrize("shape", [(16, 24), (16, 24, 3)])
def test_jpeg_is_written_finely_and_keeps_resolution_and_profile(tmp_path, shape):
    smooth = np.broadcast_to(np.linspace(20, 230, 24, dtype="uint8"), (16, 24))
    data = smooth if len(shape) == 2 else np.stack([smooth, smooth[:, ::-1], smooth], axis=-1)
    profile = {"icc_profile": SRGB} if len(shape) == 3 else {}
    Image.fromarray(np.array(data)).save(tmp_path / "a.jpg", quality=100, dpi=(300, 300), **profile)
    before, after, _ = round_trip(tmp_path / "a.jpg")
    assert after.data.shape == shape
    assert after.axes == before.axes
    assert np.abs(before.data.astype(int) - after.data).max() <= 6
    assert after.metadata.dpi == (300, 300)
    assert after.metadata.icc_profile == profile.get("icc_profile")


def test_photographs_are_turned_upright(tmp_path):
    data = np.zeros((8, 16), "uint8")
    data[:, :8] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter to the right for display
    Image.fromarray(data).save(tmp_path / "a.jpg", exif=exif)
    before, after, _ = round_trip(tmp_path / "a.jpg")
    assert before.data.shape == after.data.shape == (16, 8)
    assert before.data[:8].mean() > 190
    assert after.data[:8].mean() > 190


def test_print_colours_become_rgb(tmp_path):
    Image.new("CMYK", (7, 5), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    data = read_image(tmp_path / "a.jpg").data
    assert data.shape == (5, 7, 3)
    np.testing.assert_allclose(data[0, 0], [255, 0, 0], atol=4)


# --- what is refused ----------------------------------------------------------------------------


def encoded(name: str) -> tuple[bytes, np.ndarray]:
    stack = picture(3, 5, 7)
    rgb = picture(5, 7, 3, dtype="uint8", high=255)
    buffer = io.BytesIO()
    kind, _, how = name.partition(" ")
    if kind == "tiff":
        options = {
            "plain": {},
            "pages": {"metadata": None},
            "deflate": {"compression": "zlib"},
            "lzw": {"compression": "lzw", "rowsperstrip": 2},
            "tiled": {"tile": (16, 16), "compression": "zlib"},
            "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
        }
        if how == "imagej":
            tifffile.imwrite(buffer, stack, imagej=True, metadata={"axes": "ZYX"})
        else:
            tifffile.imwrite(buffer, stack, photometric="minisblack", **options[how])
        return buffer.getvalue(), stack
    if how == "16":
        write_to = picture(5, 7, 3, high=65535)
        from imagecodecs import png_encode

        return bytes(png_encode(write_to)), write_to
    Image.fromarray(rgb).save(buffer, format=kind, **({"quality": 95} if kind == "jpeg" else {}))
    return buffer.getvalue(), np.array(Image.open(buffer))


@pytest.mark.parametrize(
    "name",
    [
        "tiff plain",
        "tiff pages",
        "tiff deflate",
        "tiff lzw",
        "tiff tiled",
        "tiff ome",
        "tiff imagej",
        "png",
        "png 16",
        "jpeg",
        "bmp",
    ],
)
def test_a_file_cut_short_anywhere_is_refused_or_whole(tmp_path, name, capfd):
    content, data = encoded(name)
    suffix = {"tiff": ".tif", "jpeg": ".jpg"}.get(name.split()[0], f".{name.split()[0]}")
    path = tmp_path / f"a{suffix}"
    messages = []
    for length in range(0, len(content), 3):
        path.write_bytes(content[:length])
        try:
            image = read_image(path)
        except FileError as error:
            messages.append(str(error))
        else:
            # Only what follows the pixels may be missing unnoticed.
            np.testing.assert_array_equal(image.data, data)
    assert len(messages) > 20
    assert all(message.startswith(f"{path}: ") for message in messages)
    assert not any("\n" in message for message in messages)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.tif", "no such file"),
        ("folder.tif", "is a folder"),
        ("text.txt", r"can't read \.txt files; use \.tif, .* or \.bmp"),
        ("none", "can't read a file without a suffix"),
        ("text.tif", "can't be read"),
        ("text.png", "can't be read"),
        ("empty.jpg", "can't be read"),
    ],
)
def test_what_can_not_be_read(tmp_path, name, message):
    (tmp_path / "folder.tif").mkdir()
    for text in ("text.txt", "text.tif", "text.png", "none"):
        (tmp_path / text).write_text("not a picture")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(FileError, match=message) as caught:
        read_image(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.png", picture(5, 7, dtype="float32"), "PNG holds 8- or 16-bit .* write a .tif"),
        ("a.jpg", picture(5, 7), "JPEG holds 8-bit whole numbers, not uint16; write a .tif"),
        ("a.jpg", picture(5, 7, dtype="bool"), "JPEG holds 8-bit"),
        ("a.jpg", picture(5, 7, 4, dtype="uint8"), "no alpha channel; write a .png or .tif"),
        ("a.png", picture(2, 5, 7), "one grey or RGB image, not axes ZYX; write a .tif"),
        ("a.bmp", picture(5, 7, dtype="uint8"), r"can't write \.bmp files; use \.tif"),
        ("a", picture(5, 7), "can't write a file without a suffix"),
        ("taken.tif", picture(5, 7), "exists already; .* --force"),
        ("folder.tif", picture(5, 7), "is a folder"),
        ("missing/a.tif", picture(5, 7), "there is no folder"),
    ],
)
def test_what_can_not_be_written_leaves_no_trace(tmp_path, name, data, message):
    (tmp_path / "taken.tif").write_text("precious")
    (tmp_path / "folder.tif").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FileError, match=message) as caught:
        write_image(tmp_path / name, data)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "taken.tif").read_text() == "precious"


def test_a_destination_is_checked_before_the_picture_is_there(tmp_path):
    source = tmp_path / "a.tif"
    tifffile.imwrite(source, picture(5, 7, dtype="float32"))
    check_writable(tmp_path / "b.png")
    with pytest.raises(FileError, match="not float32"):
        check_writable(tmp_path / "b.png", like=read_image(source))
    with pytest.raises(FileError, match="exists already"):
        check_writable(source)
    check_writable(source, overwrite=True)
    check_destination(tmp_path / "report.json")


def test_a_read_only_folder_is_refused(tmp_path, monkeypatch):
    # Permissions don't bind the superuser, as whom tests may run.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(FileError, match="is read-only; choose another"):
        check_writable(tmp_path / "a.tif")


def test_overwriting_replaces_the_file(tmp_path):
    path = tmp_path / "a.tif"
    path.write_text("old")
    write_image(path, picture(5, 7), overwrite=True)
    np.testing.assert_array_equal(read_image(path).data, picture(5, 7))


def test_overwriting_goes_through_a_link(tmp_path):
    (tmp_path / "real.tif").write_text("old")
    (tmp_path / "link.tif").symlink_to(tmp_path / "real.tif")
    write_image(tmp_path / "link.tif", picture(5, 7), overwrite=True)
    assert (tmp_path / "link.tif").is_symlink()
    np.testing.assert_array_equal(read_image(tmp_path / "real.tif").data, picture(5, 7))


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), ValueError("odd")])
def test_a_failed_write_leaves_the_old_file(tmp_path, failure):
    path = tmp_path / "a.tif"
    path.write_text("old")
    with (
        pytest.raises(FileError, match=r"a\.tif: can't be written \((No space|odd)"),
        replacing(path) as temporary,
    ):
        temporary.write_text("half")
        raise failure
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.tif"
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
