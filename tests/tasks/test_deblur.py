"""Deblurring: its operator, and the image that it starts from."""

from dataclasses import replace

import pytest
import torch

from napari_dip.engine.operators import Blur
from napari_dip.tasks.deblur import Deblur


def test_deblurring_blurs_with_the_given_psf(measured):
    measurement = measured()
    operator = Deblur().operator(measurement)
    assert isinstance(operator, Blur)
    torch.testing.assert_close(operator.psf, torch.full((3, 3), 1 / 9))


@pytest.mark.parametrize("sides", [(3, 4), (5, 5), (1, 2)])
def test_deblurring_starts_from_the_blurred_image(measured, sides):
    measurement = replace(measured(), psf=torch.ones(sides))
    blur = Deblur().operator(measurement)
    picture = Deblur().input_image(measurement, blur.image_shape(measurement.space))
    assert tuple(picture.shape[2:]) == blur.image_shape(measurement.space)
    assert torch.equal(blur.crop_to_visible(picture), measurement.y)
