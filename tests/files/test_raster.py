"""PNG, JPEG and BMP files: pixels, resolution and colour profile survive reading and writing."""

import numpy as np
import pytest
import tifffile
from image_files import SRGB, assert_same, picture, round_trip
from PIL import Image

from napari_dip.files.image_file import ImageFile, read_image, write_image


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
