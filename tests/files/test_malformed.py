"""Damaged, sparse and empty files, and those without numbers: the right pixels, or one line."""

import struct

import numpy as np
import pytest
import tifffile
import zarr
from click.testing import CliRunner

from napari_dip import Denoise, restore, restore_large
from napari_dip.cli.main import main
from napari_dip.errors import UserError
from napari_dip.files.atomic import FileError
from napari_dip.files.checks import check_memory_for
from napari_dip.files.image_file import read_image
from napari_dip.files.lazy import open_lazily

PICTURE = np.random.default_rng(0).integers(1, 255, (32, 40), dtype="uint8")
TINY = Denoise(iterations=1, filters=(4,))
WIDTH, HEIGHT, COMPRESSION, OFFSETS, ROWS, COUNTS = 256, 257, 259, 273, 278, 279


def save(path, **layout):
    tifffile.imwrite(path, PICTURE, metadata=None, photometric="minisblack", **layout)


def with_tags(path, **values):
    """Overwrite values of tags, by their names in upper case, in a little-endian TIFF."""
    data = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    places = [directory + 2 + 12 * i for i in range(count)]
    codes = {struct.unpack_from("<H", data, place)[0]: place for place in places}
    for name, value in values.items():
        code = globals()[name.upper()]
        struct.pack_into("<HHII", data, codes[code], code, 4, 1, value)
    path.write_bytes(data)


def without_segment(path, number):
    """Make a strip or a tile one that is not stored, as GDAL's sparse files have them."""
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        names = [n for n in (273, 279, 324, 325) if n in tags]
        found = [(tags[n].valueoffset, {3: 2, 4: 4, 16: 8}[int(tags[n].dtype)]) for n in names]
    data = bytearray(path.read_bytes())
    for start, size in found:
        data[start + number * size : start + (number + 1) * size] = bytes(size)
    path.write_bytes(data)


def both(path):
    """The pixels, read whole and lazily; they are equal."""
    whole = read_image(path).data
    with open_lazily(path) as image:
        np.testing.assert_array_equal(image.read(), whole, strict=True)
    return whole


def read_lazily(path):
    with open_lazily(path) as image:
        return image.read()


def refused(path):
    """The one line with which all readers refuse a file, and the command line."""
    lines = []
    for read in (lambda p: read_image(p).data, read_lazily):
        with pytest.raises(FileError) as error:
            read(path)
        lines.append(str(error.value))
    for output in ("out.tif", "out.ome.zarr"):
        arguments = ["denoise", path, "-o", path.with_name(output), "--preset", "instant"]
        result = CliRunner().invoke(main, [str(a) for a in arguments])
        assert result.exit_code == 2, result.output
        assert result.stderr.count("\n") == 1
        assert not path.with_name(output).exists()
    assert all("\n" not in line for line in lines)
    return lines[0]


@pytest.mark.parametrize(
    ("layout", "number", "words"),
    [
        ({"rowsperstrip": 8}, 1, "1 of 4 strips of page 1 are not stored"),
        ({"tile": (16, 16)}, 2, "1 of 6 tiles of page 1 are not stored"),
        ({"tile": (16, 16), "compression": "zlib"}, 5, "1 of 6 tiles of page 1 are not stored"),
        ({"tile": (16, 16), "bigtiff": True}, 0, "1 of 6 tiles of page 1 are not stored"),
    ],
)
def test_pixels_that_a_sparse_file_does_not_store_are_not_made_up(tmp_path, layout, number, words):
    path = tmp_path / "a.tif"
    save(path, **layout)
    without_segment(path, number)
    assert words in refused(path)


@pytest.mark.parametrize("count", [0, 500, 5000, 500_000])
def test_a_wrong_byte_count_of_an_uncompressed_strip_does_not_matter(tmp_path, count):
    path = tmp_path / "a.tif"
    save(path)
    with_tags(path, counts=count)
    np.testing.assert_array_equal(both(path), PICTURE)


@pytest.mark.parametrize("count", [0, 100])
def test_a_wrong_byte_count_of_a_compressed_strip_is_refused(tmp_path, count):
    path = tmp_path / "a.tif"
    save(path, compression="zlib")
    with_tags(path, counts=count)
    assert "not stored" in refused(path) if count == 0 else "can't be read" in refused(path)


@pytest.mark.parametrize("part", [0.3, 0.9])
@pytest.mark.parametrize(
    "layout", [{}, {"rowsperstrip": 8}, {"tile": (16, 16)}, {"compression": "zlib"}], ids=str
)
def test_truncated_files_are_refused(tmp_path, layout, part):
    path = tmp_path / "a.tif"
    save(path, **layout)
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(FileError, match="can't be read"):
        read_image(path)
    with pytest.raises(FileError, match="can't be read"):
        read_lazily(path)


@pytest.mark.parametrize(
    ("layout", "values", "words"),
    [
        ({"tile": (16, 16)}, {"width": 90_000, "height": 90_000}, "tiles of page 1 are not stored"),
        (
            {"compression": "zlib"},
            {"width": 60_000, "height": 60_000, "rows": 60_000},
            "announces 60000 x 60000 pixels, and the file has",
        ),
        ({}, {"width": 100_000, "height": 100_000}, "can't be read"),
    ],
)
def test_a_header_that_announces_more_than_two_billion_pixels(tmp_path, layout, values, words):
    """It is refused before memory is taken for them."""
    path = tmp_path / "a.tif"
    save(path, **layout)
    with_tags(path, **values)
    assert words in refused(path)


def test_a_large_array_is_opened_and_not_read_whole(tmp_path):
    path = tmp_path / "a.zarr"
    zarr.create_array(
        path, shape=(400, 60_000, 60_000), chunks=(1, 512, 512), dtype="uint16", fill_value=7
    )
    with open_lazily(path) as image:
        assert image.shape == (400, 60_000, 60_000)
        assert (image.read((slice(1), slice(9), slice(9))) == 7).all()
    with pytest.raises(FileError, match=r"2880 GB, more than there is; .*\.ome\.zarr"):
        read_image(path)
    check_memory_for(path, (10, 10), "uint8")


@pytest.mark.parametrize(
    "content", [b"", b"II*\0", b"II*\0\x08\0\0\0", b"hello", b"II+\0\x08\0\0\0"]
)
@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg"])
def test_empty_files_and_files_of_another_kind(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    for read in (read_image, open_lazily):
        with pytest.raises(FileError, match=r"can't be read|holds no image"):
            read(tmp_path / name)


def test_a_directory_that_leads_back_to_itself_does_not_hang(tmp_path):
    path = tmp_path / "a.tif"
    save(path)
    data = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    struct.pack_into("<I", data, directory + 2 + 12 * count, directory)
    path.write_bytes(data)
    assert "circular" in refused(path)


@pytest.mark.parametrize(
    ("layout", "stack"),
    [({}, False), ({"compression": "zlib"}, True), ({"byteorder": ">", "tile": (16, 16)}, True)],
)
def test_bigtiff(tmp_path, layout, stack):
    data = np.stack([PICTURE, PICTURE[::-1]]) if stack else PICTURE
    path, about = tmp_path / "a.tif", {"axes": "ZYX" if stack else "YX"}
    tifffile.imwrite(path, data, bigtiff=True, photometric="minisblack", metadata=about, **layout)
    np.testing.assert_array_equal(both(path), data)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_values(tmp_path, dtype):
    image = PICTURE.astype(dtype) * (1 + 1j)
    tifffile.imwrite(tmp_path / "a.tif", image)
    zarr.save_array(tmp_path / "a.zarr", image)
    words = f"image: {dtype} values can't be restored; convert to real numbers"
    with pytest.raises(UserError, match=words):
        restore(image, TINY, device="cpu")
    for name in ("a.tif", "a.zarr"):
        with pytest.raises(UserError, match=words):
            restore_large(tmp_path / name, tmp_path / "out.ome.zarr", TINY, device="cpu")
        arguments = ["denoise", str(tmp_path / name), "-o", str(tmp_path / "out.tif")]
        result = CliRunner().invoke(main, arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert f"{dtype} values can't be restored" in result.stderr


@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        (np.dtype([("a", "u1"), ("b", "f4")]), r"records \(a, b\), and no numbers"),
        ("<U4", "<U4, and no numbers"),
        ("M8[s]", "datetime64"),
    ],
)
def test_values_that_are_no_numbers(tmp_path, dtype, words):
    zarr.create_array(tmp_path / "a.zarr", shape=(20, 20), dtype=dtype, zarr_format=2)
    for read in (read_image, open_lazily):
        with pytest.raises(FileError, match=words):
            read(tmp_path / "a.zarr")


@pytest.mark.parametrize("shape", [(0, 20), (20, 0), (0, 20, 20)])
def test_arrays_without_pixels(tmp_path, shape):
    zarr.create_array(tmp_path / "a.zarr", shape=shape, dtype="uint8")
    for read in (read_image, open_lazily):
        with pytest.raises(FileError, match="has no pixels"):
            read(tmp_path / "a.zarr")
    with pytest.raises(UserError, match="image: it is empty"):
        restore(np.zeros(shape), TINY, device="cpu")
