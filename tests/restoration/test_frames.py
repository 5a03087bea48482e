"""Axes that are gone through one by one keep their letters, in every command and format."""

import numpy as np
import pytest
import tifffile
import zarr
from click.testing import CliRunner

from napari_dip import Denoise, Inpaint, prepare, restore, restore_large, restore_many
from napari_dip.cli.main import main
from napari_dip.data.axes import named_axes, ome_letters, plan_axes
from napari_dip.errors import UserError
from napari_dip.files.image_file import read_image
from napari_dip.files.lazy import open_lazily
from napari_dip.restoration.files import restore_file

TINY = Denoise(iterations=1, filters=(4,))
INSTANT = Denoise.from_dict({"preset": "instant"})
SHORT = ["--preset", "instant", "--device", "cpu"]


def picture(*shape, seed=0):
    values = np.random.default_rng(seed).normal(0, 6, shape)
    return (values + 100 + 50 * np.sin(np.arange(shape[-1]) / 3)).clip(0, 255).astype("uint8")


def save(path, axes, data):
    tifffile.imwrite(path, data, photometric="minisblack", metadata={"axes": axes})
    return path


def axes_of(path):
    with tifffile.TiffFile(path) as file:
        return file.series[0].axes


@pytest.mark.parametrize(
    ("axes", "shape", "words"),
    [
        ("RYX", (5, 18, 20), "5 places along R one by one"),
        ("EZYX", (2, 5, 18, 20), "2 places along E one by one, 5 slices in 3-D"),
        ("HCYX", (2, 5, 18, 20), "2 places along H one by one, 5 channels jointly"),
        ("PYX", (1, 18, 20), "one image"),
    ],
)
def test_other_letters_are_kept_and_looped_over(tmp_path, axes, shape, words):
    path = save(tmp_path / "in.tif", axes, picture(*shape))
    image = read_image(path)
    assert image.axes == axes
    assert not image.record.notes
    with open_lazily(path) as lazy:
        assert lazy.axes.letters == axes
    assert plan_axes(axes, shape).words(shape) == words
    assert plan_axes(axes, shape, "").words(shape) == words  # they can't be fitted together


@pytest.mark.parametrize("letter", "REHPAMVBD")
def test_a_letter_says_what_an_axis_is_not(letter):
    assert named_axes(f"{letter}YX") == f"{letter}YX"
    assert letter in plan_axes(f"{letter}ZYX", (2, 3, 9, 9)).loop_axes
    assert plan_axes(f"{letter}ZYX", (2, 3, 9, 9)).depth == "Z"


def test_letters_in_an_ome_zarr():
    assert ome_letters("RCYX") == "TCYX"
    assert ome_letters("RPHYX") == "RTZYX"
    with pytest.raises(UserError, match="an OME-Zarr has no place for the axes RTZCYX"):
        ome_letters("RTZCYX")
    with pytest.raises(UserError, match="loop_axes: R can't be fitted one by one"):
        plan_axes("ZYX", (3, 9, 9), "R")


@pytest.mark.parametrize(
    ("output", "stored"), [("out.tif", "RYX"), ("out.ome.tif", "RYX"), ("out.ome.zarr", "RYX")]
)
def test_the_command_line_says_how_it_is_fitted(tmp_path, monkeypatch, output, stored):
    monkeypatch.chdir(tmp_path)
    save("in.tif", "RYX", picture(5, 18, 20))
    result = CliRunner().invoke(main, ["denoise", "in.tif", "-o", output, *SHORT])
    assert result.exit_code == 0, result.output
    assert "in.tif: 5 places along R one by one" in result.stdout
    if output.endswith(".zarr"):
        (image,) = dict(zarr.open_group(output).attrs)["ome"]["multiscales"]
        assert [axis["name"] for axis in image["axes"]] == list(stored.lower())
        assert "type" not in image["axes"][0]  # neither space, nor time, nor channels
        with open_lazily(output) as again:
            assert again.axes.letters == stored
    else:
        assert axes_of(output) == stored


def test_each_frame_is_restored_by_itself(tmp_path):
    data = picture(3, 18, 20)
    together = restore(data, INSTANT, axes="RYX", device="cpu", data_range=255)
    for frame, alone in zip(together.image, data, strict=True):
        single = restore(alone, INSTANT, axes="YX", device="cpu", data_range=255)
        np.testing.assert_array_equal(frame, single.image)
    save(tmp_path / "in.tif", "RYX", data)
    restore_file(tmp_path / "in.tif", tmp_path / "out.tif", INSTANT, device="cpu", data_range=255)
    np.testing.assert_array_equal(read_image(tmp_path / "out.tif").data, together.image)


def test_axes_anywhere_and_frames(tmp_path):
    data = np.moveaxis(picture(4, 18, 20), 0, 1)  # (18, 4, 20)
    result = restore(data, INSTANT, axes="YTX", device="cpu")
    assert result.image.shape == data.shape
    with pytest.raises(UserError, match="use restore, which goes through it one by one"):
        prepare(data, INSTANT, axes="YTX", device="cpu")


def test_masks_and_references_of_frames():
    data = picture(3, 18, 20)
    mask = np.zeros(data.shape, "uint8")
    mask[:2, 4:8, 5:9] = 255
    result = restore(
        data,
        Inpaint(iterations=1, filters=(4,)),
        axes="AYX",
        mask=mask,
        reference=data,
        device="cpu",
    )
    np.testing.assert_array_equal(result.image[mask == 0], data[mask == 0])
    assert result.filled == pytest.approx(2 * 16 / (3 * 18 * 20))
    assert "1 of 3 images has nothing to restore and stays as given" in result.warnings
    assert result.psnr is not None
    one = restore(data, Inpaint(iterations=1, filters=(4,)), axes="AYX", mask=mask[0], device="cpu")
    assert [note.text for note in one.notes] == [
        "it is as large as one image, and holds for all along A"
    ]
    with pytest.raises(UserError, match="reference: its shape"):
        restore(data, INSTANT, axes="AYX", reference=data[0], device="cpu")


def test_a_frame_without_contrast_stays_as_it_is():
    data = picture(3, 18, 20)
    data[1] = 7
    result = restore(data, INSTANT, axes="HYX", device="cpu")
    assert (result.image[1] == 7).all()
    with pytest.raises(UserError, match="every pixel is 7"):
        restore(np.full_like(data, 7), INSTANT, axes="HYX", device="cpu")


def test_a_mask_file_of_the_same_shape_belongs_to_the_frames(tmp_path):
    data = picture(3, 18, 20)
    mask = np.zeros(data.shape, "uint8")
    mask[0, 4:8, 5:9] = mask[1:, 10:12, 5:9] = 255
    save(tmp_path / "in.tif", "RYX", data)
    tifffile.imwrite(tmp_path / "m.tif", mask, photometric="minisblack")  # no names of axes
    task = Inpaint(iterations=1, filters=(4,))
    options = {"mask": tmp_path / "m.tif", "device": "cpu"}
    tiled = restore_large(tmp_path / "in.tif", tmp_path / "out.ome.zarr", task, **options)
    assert tiled.is_complete
    with open_lazily(tiled.output) as image:
        np.testing.assert_array_equal(image.read()[mask == 0], data[mask == 0])


def test_a_letter_without_a_place_is_renamed_with_a_note(tmp_path):
    save(tmp_path / "in.tif", "RCYX", picture(2, 3, 18, 20))
    result = restore_large(tmp_path / "in.tif", tmp_path / "out.ome.zarr", INSTANT, device="cpu")
    assert "its axis R is named T, as OME-Zarr has no place for that letter" in [
        note.text for note in result.notes
    ]
    with open_lazily(result.output) as image:
        assert (image.axes.letters, image.shape) == ("TCYX", (2, 3, 18, 20))


def test_a_batch(tmp_path):
    save(tmp_path / "in.tif", "EYX", picture(5, 18, 20))
    summary = restore_many([tmp_path / "in.tif"], tmp_path / "out", INSTANT, device="cpu")
    assert summary.is_complete
    assert axes_of(tmp_path / "out" / "in.tif") == "EYX"
