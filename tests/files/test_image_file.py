"""Image files that can't be read or written are refused in one line, with nothing written."""

import io

import numpy as np
import pytest
import tifffile
from image_files import picture
from PIL import Image

from napari_dip.files.atomic import FileError, check_destination
from napari_dip.files.image_file import check_writable, read_image, write_image


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
def test_an_unreadable_file_is_refused_in_one_line(tmp_path, name, message):
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
def test_a_refused_write_leaves_no_trace(tmp_path, name, data, message):
    (tmp_path / "taken.tif").write_text("precious")
    (tmp_path / "folder.tif").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FileError, match=message) as caught:
        write_image(tmp_path / name, data)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "taken.tif").read_text() == "precious"


def test_a_destination_can_be_checked_before_the_image_exists(tmp_path):
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
