"""What the tasks with a forward operator, or an input of their own, make of a measurement."""

from dataclasses import replace

import pytest
import torch

from napari_dip.engine.operators import Blur, Downsample
from napari_dip.tasks.deblur import Deblur
from napari_dip.tasks.flash import FlashNoFlash
from napari_dip.tasks.upscale import Upscale


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize("space", [(16, 17), (3, 16, 16)])
def test_super_resolution_decimates(factor, space, measured):
    operator = Upscale(factor=factor).operator(measured(*space))
    assert isinstance(operator, Downsample)
    assert operator.image_shape(space) == tuple(factor * n for n in space)


def test_deblurring_blurs_with_the_given_psf(measured):
    measurement = measured()
    operator = Deblur().operator(measurement)
    assert isinstance(operator, Blur)
    torch.testing.assert_close(operator.psf, torch.full((3, 3), 1 / 9))


def test_the_flash_picture_is_the_input(measured):
    measurement = measured()
    for preset in ("fast", "paper"):
        task = FlashNoFlash(preset=preset).resolve(measurement)
        assert task.problem(measurement).guide is measurement.guide


@pytest.mark.parametrize("sides", [(3, 4), (5, 5), (1, 2)])
def test_deblurring_starts_from_the_blurred_picture_in_its_place(measured, sides):
    measurement = replace(measured(), psf=torch.ones(sides))
    blur = Deblur().operator(measurement)
    picture = Deblur().input_image(measurement, blur.image_shape(measurement.space))
    assert tuple(picture.shape[2:]) == blur.image_shape(measurement.space)
    assert torch.equal(blur.crop_to_visible(picture), measurement.y)
