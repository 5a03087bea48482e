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


def test_the_instant_estimate_has_the_shape_of_the_image(measured):
    measurement = measured()
    task = Deblur(sigma=0.02)
    found = task.instant(measurement)
    assert found.shape == measurement.y.shape[1:]
    assert found.isfinite().all()


def test_paper_has_no_instant_estimate(measured):
    assert Deblur(preset="paper").instant(measured()) is None


def test_a_noisy_image_is_fitted_at_half_the_resolution(measured):
    measurement = measured()
    weak, strong = (Deblur(sigma=s).resolve(measurement) for s in (2 / 255, 10 / 255))
    assert (weak.shuffle, strong.shuffle) == (1, 2)


def test_the_fit_has_its_share_before_it_reaches_the_noise_level():
    fit, estimate = torch.ones(1, 4, 4), torch.zeros(1, 4, 4)
    shares = [float(Deblur().blend(fit, estimate, p).mean()) for p in (0.0, 0.1, 0.2, 1.0)]
    assert shares == pytest.approx([0, 0.15, 0.3, 0.3])
