"""Files of mask, guide and PSF: which are given, which are missing, what is read from them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_dip import Denoise, FlashNoFlash, UserError
from napari_dip.data.axes import Axes
from napari_dip.files.inputs import InputFiles
from napari_dip.files.lazy import LazyImage


def test_given_and_missing_inputs_are_told_apart():
    inputs = InputFiles(mask="mask.png")
    assert inputs.given == {"mask": Path("mask.png")}
    assert inputs.missing(FlashNoFlash()) == ["guide"]
    assert inputs.missing(Denoise()) == []
    assert inputs.absolute().paths["mask"] == Path("mask.png").absolute()


def test_an_open_image_is_taken_as_it_is():
    guide = LazyImage(np.ones((4, 5)), Axes("YX"), Path("layer"))
    inputs = InputFiles(guide=guide)
    assert inputs.absolute() == inputs
    assert inputs.paths == {"guide": Path("layer")}
    np.testing.assert_array_equal(inputs.read("guide").values, np.ones((4, 5)))


def test_colours_make_one_mask_and_a_grey_psf_without_their_transparency(tmp_path):
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[0, 1, :3] = (0, 30, 0)
    path = tmp_path / "in.png"
    Image.fromarray(pixels).save(path)
    marked = np.array([[False, True], [False, False]])
    assert (InputFiles(mask=path).read("mask").values == marked).all()
    assert (InputFiles(mask=path, mask_keeps=True).read_all()["mask"].values == ~marked).all()
    np.testing.assert_array_equal(InputFiles(psf=path).read("psf").values, marked * 10.0)


def test_a_folder_stands_for_the_file_of_the_images_name(tmp_path):
    (tmp_path / "masks").mkdir()
    inputs = InputFiles(mask=tmp_path / "masks", psf=tmp_path / "psf.tif")
    of_one = inputs.for_image(Path("a") / "1.png")
    assert of_one.paths == {"mask": tmp_path / "masks" / "a" / "1.png", "psf": tmp_path / "psf.tif"}


def test_a_mask_that_keeps_has_to_be_given():
    with pytest.raises(UserError, match="mask_keeps: there is no mask"):
        InputFiles(mask_keeps=True)
