"""Zarr stores as they are found: roots and plates, plain arrays, metadata with gaps."""

from pathlib import Path

import numpy as np
import pytest
import zarr
from image_files import picture

from napari_dip.files.atomic import FileError
from napari_dip.files.lazy import count_images, open_lazily

SCALE = [{"type": "scale", "scale": [2.0, 0.5]}]


def add_image(group, place: str, data, *, version: int = 3, name: str = "", **about):
    """An OME-Zarr image of axes y and x, with what `about` changes in its metadata."""
    image = group.require_group(place) if place else group
    image.create_array("0", data=data)
    axes = [{"name": letter, "type": "space"} for letter in "zyx"[-data.ndim :]]
    scale = {"coordinateTransformations": SCALE}
    entry = {"name": name, "axes": axes, "datasets": [{"path": "0", **scale}]} | about
    entry = {key: value for key, value in entry.items() if value is not None}
    image.attrs.update(ome(version, {"multiscales": [entry]}))


def ome(version: int, metadata: dict) -> dict:
    return {"ome": {"version": "0.5", **metadata}} if version == 3 else metadata


def root_of(path: Path, version: int, count: int = 2, *, listed: bool = False):
    """What bioformats2raw writes."""
    root = zarr.open_group(path, mode="w", zarr_format=version)
    root.attrs.update(ome(version, {"bioformats2raw.layout": 3}))
    images = picture(count, 18, 20)
    for i, image in enumerate(images):
        add_image(root, str(i), image, version=version, name=f"field {i}")
    about = root.create_group("OME")
    if listed:
        about.attrs.update(ome(version, {"series": [str(i) for i in range(count)]}))
    return images


def plate_of(path: Path, version: int, wells=("A/1", "B/2"), fields: int = 2):
    root = zarr.open_group(path, mode="w", zarr_format=version)
    root.attrs.update(ome(version, {"plate": {"wells": [{"path": well} for well in wells]}}))
    images = iter(picture(len(wells) * fields, 18, 20))
    found = []
    for well in wells:
        group = root.require_group(well)
        paths = [{"path": str(i)} for i in range(fields)]
        group.attrs.update(ome(version, {"well": {"images": paths}}))
        for i in range(fields):
            found.append(next(images))
            add_image(group, str(i), found[-1], version=version)
    return found


def texts(image) -> str:
    return " | ".join(note.text for note in image.record.notes)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("listed", [True, False])
def test_a_root_of_bioformats2raw(tmp_path, version, listed):
    path = tmp_path / "root.zarr"
    images = root_of(path, version, 3, listed=listed)
    assert count_images(path) == 3
    first = open_lazily(path)
    np.testing.assert_array_equal(first.read(), images[0])
    assert first.axes.scale == (2, 0.5)
    assert "image 1 of 3 (0, 18 x 20) is read, and not 2 (1, 18 x 20)" in texts(first)
    for number, expected in enumerate(images, 1):
        image = open_lazily(path, series=number)
        np.testing.assert_array_equal(image.read(), expected)
        np.testing.assert_array_equal(open_lazily(path / str(number - 1)).read(), expected)
        assert image.record.notes == ()
    with pytest.raises(FileError, match="has no image 4; choose from 1"):
        open_lazily(path, series=4)


def test_a_root_with_one_image_is_that_image(tmp_path):
    (image,) = root_of(tmp_path / "root.zarr", 2, 1)
    opened = open_lazily(tmp_path / "root.zarr")
    np.testing.assert_array_equal(opened.read(), image)
    assert opened.record.notes == ()


@pytest.mark.parametrize("version", [2, 3])
def test_of_a_plate_an_image_has_to_be_chosen(tmp_path, version):
    path = tmp_path / "plate.zarr"
    images = plate_of(path, version)
    with pytest.raises(FileError, match=r"is a plate of 4 images.*A/1/0.*--series N.*B/2/1"):
        open_lazily(path)
    assert count_images(path) == 4
    for number, place in enumerate(("A/1/0", "A/1/1", "B/2/0", "B/2/1"), 1):
        image = open_lazily(path, series=number)
        np.testing.assert_array_equal(image.read(), images[number - 1])
        assert image.record.read["place"] == place
        np.testing.assert_array_equal(open_lazily(path / place).read(), images[number - 1])


def test_a_well_and_a_plate_with_a_single_field(tmp_path):
    images = plate_of(tmp_path / "plate.zarr", 2)
    well = open_lazily(tmp_path / "plate.zarr" / "B" / "2")
    np.testing.assert_array_equal(well.read(), images[2])
    assert "image 1 of 2" in texts(well)
    (image,) = plate_of(tmp_path / "one.zarr", 3, ("C/3",), 1)
    np.testing.assert_array_equal(open_lazily(tmp_path / "one.zarr").read(), image)


def test_labels_and_other_groups_of_images(tmp_path):
    root = zarr.open_group(tmp_path / "a.zarr", mode="w")
    labels = root.create_group("labels")
    labels.attrs.update(ome(3, {"labels": ["cells", "nuclei"]}))
    pictures = picture(3, 18, 20)
    add_image(labels, "cells", pictures[0])
    add_image(labels, "nuclei", pictures[1])
    image = open_lazily(tmp_path / "a.zarr" / "labels")
    np.testing.assert_array_equal(image.read(), pictures[0])
    assert "2 (nuclei, 18 x 20)" in texts(image)
    plain = zarr.open_group(tmp_path / "plain.zarr", mode="w")
    plain.create_array("mean", data=pictures[2])
    plain.create_array("count", data=np.arange(3))
    np.testing.assert_array_equal(open_lazily(tmp_path / "plain.zarr").read(), pictures[2])


@pytest.mark.parametrize(
    ("about", "shape", "letters", "words"),
    [
        # without transformations
        ({"datasets": [{"path": "0"}]}, (18, 20), "YX", "no size of a pixel"),
        (
            {"datasets": [{"path": "0", "coordinateTransformations": []}]},
            (18, 20),
            "YX",
            "no size of a pixel",
        ),
        # axes by name alone (0.3), and none (0.1, 0.2)
        ({"axes": ["z", "y", "x"], "datasets": [{"path": "0"}]}, (3, 18, 20), "ZYX", "no size"),
        ({"axes": None, "datasets": [{"path": "0"}]}, (1, 2, 3, 18, 20), "TCZYX", "no size"),
        ({"axes": None, "datasets": [{"path": "0"}]}, (3, 18, 20), "ZYX", "name no axes"),
        # a letter that is not known
        (
            {"axes": [{"name": n} for n in ("angle", "y", "x")], "datasets": [{"path": "0"}]},
            (3, 18, 20),
            "AYX",
            "no size of a pixel",
        ),
        # a name without a meaning, and a type that has one
        (
            {"axes": [{"name": n} for n in ("i", "y", "x")], "datasets": [{"path": "0"}]},
            (3, 18, 20),
            "ZYX",
            "i, y, x are taken for ZYX",
        ),
        (
            {
                "axes": [{"name": "w", "type": "channel"}, {"name": "y"}, {"name": "x"}],
                "datasets": [{"path": "0"}],
            },
            (3, 18, 20),
            "CYX",
            "w, y, x are taken for CYX",
        ),
        # a transformation that is none
        (
            {"datasets": [{"path": "0", "coordinateTransformations": [{"type": "affine"}]}]},
            (18, 20),
            "YX",
            "in a way that is not read",
        ),
        ({"coordinateTransformations": [{"type": "scale", "scale": [1]}]}, (18, 20), "YX", "moved"),
        # a finest level that is missing
        (
            {"datasets": [{"path": "full"}, {"path": "0", "coordinateTransformations": SCALE}]},
            (18, 20),
            "YX",
            "finest level is not there",
        ),
    ],
)
def test_metadata_with_gaps(tmp_path, about, shape, letters, words):
    root = zarr.open_group(tmp_path / "a.zarr", mode="w")
    data = picture(*shape)
    add_image(root, "", data, **about)
    image = open_lazily(tmp_path / "a.zarr")
    assert image.axes.letters == letters
    np.testing.assert_array_equal(image.read(), data)
    assert words in texts(image)
    assert len(image.axes.scale) == len(letters)


@pytest.mark.parametrize(
    ("shape", "letters"),
    [
        ((18, 20), "YX"),
        ((18, 20, 3), "YXS"),
        ((18, 20, 4), "YXC"),
        ((5, 18, 20), "ZYX"),
        ((5, 18, 20, 3), "ZYXS"),
        ((2, 5, 18, 20), "CZYX"),
        ((3, 2, 5, 18, 20), "TCZYX"),
    ],
)
@pytest.mark.parametrize("version", [2, 3])
def test_plain_arrays(tmp_path, shape, letters, version):
    data = picture(*shape)
    array = zarr.create_array(tmp_path / "a.zarr", shape=shape, dtype="u2", zarr_format=version)
    array[...] = data
    image = open_lazily(tmp_path / "a.zarr")
    assert image.axes.letters == letters
    np.testing.assert_array_equal(image.read(), data)
    assert (f"taken for {letters}" in texts(image)) == (letters != "YX")


def test_names_of_dimensions_count(tmp_path):
    named = zarr.create_array(
        tmp_path / "a.zarr", shape=(3, 18, 20), dtype="u2", dimension_names=["time", "y", "x"]
    )
    named[...] = 1
    xarray = zarr.create_array(tmp_path / "b.zarr", shape=(2, 18, 20), dtype="u2", zarr_format=2)
    xarray.attrs["_ARRAY_DIMENSIONS"] = ["channel", "y", "x"]
    for name, letters in (("a.zarr", "TYX"), ("b.zarr", "CYX")):
        image = open_lazily(tmp_path / name)
        assert (image.axes.letters, image.record.notes) == (letters, ())


def test_messages_say_what_is_there_and_not_the_keys_of_metadata(tmp_path):
    zarr.open_group(tmp_path / "empty.zarr", mode="w")
    table = zarr.open_group(tmp_path / "table.zarr", mode="w")
    table.create_group("obs").create_array("age", data=np.arange(5))
    lacking = zarr.open_group(tmp_path / "lacking.zarr", mode="w")
    lacking.attrs.update(ome(3, {"multiscales": [{"datasets": [{"path": "0"}]}]}))
    axes = zarr.open_group(tmp_path / "axes.zarr", mode="w")
    add_image(axes, "", picture(18, 20), axes=[{"name": n} for n in "zyx"])
    odd = zarr.open_group(tmp_path / "odd.zarr", mode="w")
    add_image(odd, "", picture(18, 20), datasets=[{"path": "0", "coordinateTransformations": [{}]}])
    zarr.create_array(tmp_path / "many.zarr", shape=(2,) * 4 + (18, 20), dtype="u2")
    (tmp_path / "folder.zarr").mkdir()
    messages = {
        "empty.zarr": "holds no image, but nothing at all",
        "table.zarr": "holds no image, but obs; give one of these",
        "lacking.zarr": "name no array that is there",
        "axes.zarr": "name 3 axes, and its array has 2",
        "many.zarr": "its 6 axes have no names",
        "folder.zarr": "holds no Zarr array",
    }
    for name, words in messages.items():
        with pytest.raises(FileError, match=words) as caught:
            open_lazily(tmp_path / name)
        message = str(caught.value)
        assert message.startswith(str(tmp_path / name))
        assert "\n" not in message
        assert not any(key in message for key in ("multiscales", "datasets", "'path'", "KeyError"))
    # What is not understood is left out, and said.
    assert "no size of a pixel" in texts(open_lazily(tmp_path / "odd.zarr"))
