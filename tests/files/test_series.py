"""Files with several images: the first is read with a note, each can be named."""

import numpy as np
import pytest
import tifffile
from image_files import picture
from PIL import Image

from napari_dip.files.atomic import FileError
from napari_dip.files.image_file import read_image
from napari_dip.files.lazy import count_images, open_lazily


def overview_and_stack(path):
    stack = picture(6, 18, 20)
    with tifffile.TiffWriter(path) as file:
        for page in (stack[0, ::2, ::2], *stack):
            file.write(page, photometric="minisblack", metadata=None, contiguous=False)
    return [stack[0, ::2, ::2], stack]


def positions(path):
    images = list(picture(3, 2, 18, 20))
    with tifffile.TiffWriter(path, ome=True) as file:
        for i, image in enumerate(images):
            about = {"axes": "CYX", "Name": f"pos{i}", "PhysicalSizeX": i + 1.0}
            file.write(image, photometric="minisblack", metadata=about)
    return images


def label_and_colour(path):
    grey, colour = picture(16, 30, dtype="uint8", high=255), picture(18, 20, 3, dtype="uint8")
    with tifffile.TiffWriter(path) as file:
        file.write(colour, photometric="rgb", metadata=None)
        file.write(grey, photometric="minisblack", metadata=None)
    return [colour, grey]


def shaped(path):
    images = [picture(2, 18, 20), picture(16, 20, dtype="float32")]
    with tifffile.TiffWriter(path) as file:
        for image in images:
            file.write(image, photometric="minisblack")
    return images


def animation(path):
    frames = [picture(18, 20, dtype="uint8", high=250) for _ in range(2)]
    frames[1] = 255 - frames[1]
    first, second = map(Image.fromarray, frames)
    first.save(path, save_all=True, append_images=[second])
    return frames


def stereo(path):
    frames = [np.full((18, 20, 3), value, np.uint8) for value in (50, 200)]
    first, second = map(Image.fromarray, frames)
    first.save(path, format="MPO", save_all=True, append_images=[second])
    return frames


FILES = {
    "overview.tif": overview_and_stack,
    "positions.ome.tif": positions,
    "label.tif": label_and_colour,
    "shaped.tif": shaped,
    "animation.png": animation,
    "stereo.jpg": stereo,
}


@pytest.mark.parametrize("name", FILES)
def test_each_image_of_a_file_can_be_read(tmp_path, name):
    path = tmp_path / name
    images = FILES[name](path)
    assert count_images(path) == len(images)
    for number, expected in enumerate(images, 1):
        image = read_image(path, series=number)
        np.testing.assert_array_equal(image.data, expected)
        assert image.record.read["image"] == number
        assert not any("image 1 of" in note.text for note in image.record.notes)
        with open_lazily(path, series=number) as lazy:
            np.testing.assert_array_equal(lazy.read(), expected)


@pytest.mark.parametrize("name", FILES)
def test_the_first_is_read_with_a_note_of_the_others(tmp_path, name):
    path = tmp_path / name
    images = FILES[name](path)
    image = read_image(path)
    np.testing.assert_array_equal(image.data, images[0])
    (note,) = [note for note in image.record.notes if "image 1 of" in note.text]
    assert str(note).startswith(f"{path}: image 1 of {len(images)} (")
    # The record gives the sides; of pictures in colour without their samples.
    assert " x ".join(map(str, images[0].shape[:2])) in note.text
    assert len(image.record.announced["images"]) == len(images)


def test_an_image_has_its_own_name_and_scale(tmp_path):
    positions(tmp_path / "a.ome.tif")
    for number in (1, 2, 3):
        with open_lazily(tmp_path / "a.ome.tif", series=number) as image:
            assert image.axes.name == f"pos{number - 1}"
            assert image.axes.scale[-1] == number
    note = read_image(tmp_path / "a.ome.tif").record.notes[0].text
    assert "image 1 of 3 (pos0, 2 x 18 x 20) is read, and not 2 (pos1, 2 x 18 x 20), 3" in note


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("number", [0, -1, 9])
def test_an_image_that_is_not_there_is_refused_with_a_list(tmp_path, name, number):
    FILES[name](tmp_path / name)
    for read in (read_image, open_lazily):
        with pytest.raises(FileError, match=rf"has no image {number}; choose from 1 \(.*, 2 \("):
            read(tmp_path / name, series=number)


def test_a_file_with_one_image_has_no_note(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", picture(18, 20), metadata=None)
    assert read_image(tmp_path / "a.tif").record.notes == ()
    assert read_image(tmp_path / "a.tif", series=1).record.notes == ()
