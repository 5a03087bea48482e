"""Pixels are read as a viewer shows them: white is white, up is up, and alpha is what says so."""

import numpy as np
import pytest
import tifffile
from image_files import picture
from PIL import Image, ImageOps

from napari_dip.files.image_file import read_image, write_image
from napari_dip.files.inputs import InputFiles
from napari_dip.files.lazy import open_lazily
from napari_dip.files.orientation import upright


def seen(path) -> np.ndarray:
    """What Pillow shows of a file."""
    return np.array(ImageOps.exif_transpose(Image.open(path)).convert("L"))


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What the values of the tag mean, in Pillow's names."""


def turned(stored: np.ndarray, orientation: int) -> np.ndarray:
    image = Image.fromarray(stored)
    return np.array(image.transpose(TURNS[orientation]) if orientation in TURNS else image)


def photo(*shape) -> np.ndarray:
    return picture(*shape, dtype="uint8", high=255)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_white_is_zero_looks_the_same_in_every_format(tmp_path, compression):
    shown = photo(18, 20)
    source = tmp_path / "in.tif"
    tifffile.imwrite(source, 255 - shown, photometric="miniswhite", compression=compression)
    np.testing.assert_array_equal(seen(source), shown)
    image = read_image(source)
    np.testing.assert_array_equal(image.data, shown)
    with open_lazily(source) as lazy:
        np.testing.assert_array_equal(lazy.read(), shown)
    for name in ("out.tif", "out.png", "out.ome.tif"):
        write_image(tmp_path / name, image.data, like=image)
        np.testing.assert_array_equal(read_image(tmp_path / name).data, shown)
    np.testing.assert_array_equal(seen(tmp_path / "out.png"), shown)
    # A TIFF stores it as its source does.
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), 255 - shown)


@pytest.mark.parametrize(
    ("dtype", "stored", "shown"),
    [
        ("uint16", [0, 1000, 65535], [65535, 64535, 0]),
        ("uint32", [0, 7, 2**32 - 1], [2**32 - 1, 2**32 - 8, 0]),
        ("int16", [-32768, -1, 32767], [32767, 0, -32768]),
        ("float32", [0, 0.25, 1], [1, 0.75, 0]),
        ("float32", [0, 100, 4000], [0, -100, -4000]),
    ],
)
def test_white_is_zero_of_other_types(tmp_path, dtype, stored, shown):
    data = np.resize(np.array(stored, dtype), (18, 21))
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="miniswhite")
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.data, np.resize(np.array(shown, dtype), (18, 21)))
    write_image(tmp_path / "b.tif", image.data, like=image)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), data)


def test_a_stack_and_a_bilevel_page_of_which_white_is_zero(tmp_path):
    stack = picture(3, 18, 20)
    tifffile.imwrite(tmp_path / "stack.tif", 65535 - stack, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "stack.tif").data, stack)
    page = photo(18, 24) > 100
    Image.fromarray(page).save(tmp_path / "fax.tif", compression="group4", tiffinfo={262: 0})
    with Image.open(tmp_path / "fax.tif") as opened:
        shown = np.array(opened.convert("1"))
    np.testing.assert_array_equal(read_image(tmp_path / "fax.tif").data, shown)


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_samples_of_few_bits_are_spread(tmp_path, bits, photometric):
    most = 2**bits - 1
    stored = np.resize(np.arange(most + 1, dtype=np.uint8), (18, 20))
    several = stored.reshape(18, -1, 8 // bits) << np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    packed = several.sum(axis=-1, dtype=np.uint8).tobytes()
    tifffile.imwrite(
        tmp_path / "a.tif",
        iter([packed]),
        shape=stored.shape,
        dtype="uint8",
        bitspersample=bits,
        photometric=photometric,
        metadata=None,
    )
    levels = stored.astype(int) * 255 // most
    expected = levels if photometric == "minisblack" else 255 - levels
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").data, expected)
    np.testing.assert_array_equal(seen(tmp_path / "a.tif"), expected)


def test_masks_are_marked_where_they_look_white(tmp_path):
    marked = np.zeros((18, 20), bool)
    marked[4:8, 5:15] = True
    stored = np.where(marked, 0, 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "8 bits.tif", stored, photometric="miniswhite")
    tifffile.imwrite(tmp_path / "16 bits.tif", stored * np.uint16(257), photometric="miniswhite")
    Image.fromarray(marked).save(tmp_path / "fax.tif", compression="group4", tiffinfo={262: 0})
    for name in ("8 bits.tif", "16 bits.tif", "fax.tif"):
        read = InputFiles(mask=tmp_path / name).read("mask")
        np.testing.assert_array_equal(read.values != 0, marked)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("samples", [0, 3])
def test_all_orientations(tmp_path, orientation, samples):
    stored = photo(18, 24, samples) if samples else photo(18, 24)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        stored,
        photometric="rgb" if samples else "minisblack",
        extratags=[(274, "H", 1, orientation, True)],
        resolution=(300, 150),
        metadata=None,
    )
    image = read_image(path)
    shown = turned(stored, orientation)
    np.testing.assert_array_equal(image.data, shown)
    with open_lazily(path) as lazy:
        np.testing.assert_array_equal(lazy.read(), shown)
    assert image.metadata.resolution == ((150, 300) if orientation > 4 else (300, 150))
    assert any("upright" in note.text for note in image.record.notes) == (orientation > 1)
    for name in ("b.tif", "b.png"):
        write_image(tmp_path / name, image.data, like=image)
        again = ImageOps.exif_transpose(Image.open(tmp_path / name))
        np.testing.assert_array_equal(np.array(again), shown)


@pytest.mark.parametrize("orientation", [3, 6, 7])
def test_a_stack_is_turned_plane_by_plane(tmp_path, orientation):
    stack = picture(3, 18, 24)
    tags = [(274, "H", 1, orientation, True)]
    about = {"axes": "ZYX", "PhysicalSizeX": 2.0, "PhysicalSizeY": 3.0}
    tifffile.imwrite(
        tmp_path / "a.ome.tif", stack, photometric="minisblack", metadata=about, extratags=tags
    )
    with open_lazily(tmp_path / "a.ome.tif") as image:
        expected = np.stack([upright(plane, "YX", orientation) for plane in stack])
        np.testing.assert_array_equal(image.read(), expected)
        assert image.axes.scale[1:] == ((3, 2) if orientation == 3 else (2, 3))


@pytest.mark.parametrize("orientation", [2, 6, 8])
def test_masks_and_16_bit_png_are_turned_too(tmp_path, orientation):
    marked = np.zeros((18, 24), np.uint8)
    marked[2:5, 3:20] = 255
    tags = [(274, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "m.tif", marked, extratags=tags)
    expected = upright(marked, "YX", orientation)
    np.testing.assert_array_equal(
        InputFiles(mask=tmp_path / "m.tif").read("mask").values != 0, expected != 0
    )
    exif = Image.Exif()
    exif[274] = orientation
    deep = marked * np.uint16(257)
    Image.fromarray(deep).save(tmp_path / "m.png", exif=exif)
    image = read_image(tmp_path / "m.png")
    np.testing.assert_array_equal(image.data, upright(deep, "YX", orientation))
    assert "upright" in image.record.notes[0].text


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("tag", ["unspecified", "unassalpha", "assocalpha", None])
def test_a_fourth_sample_is_alpha_only_if_the_file_says_so(tmp_path, planar, tag):
    rgba = photo(18, 20, 4)
    tifffile.imwrite(
        tmp_path / "a.tif",
        rgba if planar == "contig" else np.moveaxis(rgba, -1, 0),
        photometric="rgb",
        planarconfig=planar,
        extrasamples=[tag] if tag else None,
        metadata=None,
    )
    if tag is None:  # tifffile writes a tag for it
        with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
            file.pages[0].tags["ExtraSamples"].overwrite(0)
    image = read_image(tmp_path / "a.tif")
    is_alpha = tag in ("unassalpha", "assocalpha")
    assert image.axes == ("YXS" if is_alpha else "CYX")
    np.testing.assert_array_equal(image.data, rgba if is_alpha else np.moveaxis(rgba, -1, 0))
    assert any("not said to be transparency" in n.text for n in image.record.notes) != is_alpha
    with open_lazily(tmp_path / "a.tif") as lazy:
        assert lazy.axes.letters == image.axes
    write_image(tmp_path / "b.tif", image.data, like=image)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        page = file.pages[0]
        assert page.photometric == tifffile.PHOTOMETRIC.RGB
        assert page.extrasamples[0].name == (tag or "unspecified").upper()
        np.testing.assert_array_equal(file.asarray(), rgba)


@pytest.mark.parametrize("tag", ["unspecified", "unassalpha", "assocalpha"])
def test_a_second_sample_is_alpha_only_if_the_file_says_so(tmp_path, tag):
    data = photo(18, 20, 2)
    tifffile.imwrite(
        tmp_path / "a.tif",
        data,
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=[tag],
    )
    image = read_image(tmp_path / "a.tif")
    assert image.axes == ("CYX" if tag == "unspecified" else "YXS")
    write_image(tmp_path / "b.tif", image.data, like=image)
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif").data, image.data)


@pytest.mark.parametrize(("mode", "words"), [("P", "palette"), ("CMYK", "CMYK")])
def test_colours_that_are_converted_are_said(tmp_path, mode, words):
    name = "a.png" if mode == "P" else "a.jpg"
    Image.fromarray(photo(18, 20, 3)).convert(mode).save(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.axes == "YXS"
    assert words in image.record.notes[0].text
