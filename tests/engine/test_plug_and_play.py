"""Deblurring with a denoiser as the prior."""

import pytest
import torch

from napari_dip.engine.operators import Blur
from napari_dip.engine.plug_and_play import deblur_plug_and_play


def stripes(*sides):
    """Bars of 6 pixels along the last axes, (1, 1, *sides), 0.2 and 0.8."""
    y, x = (torch.arange(side) for side in sides[-2:])
    bars = 0.2 + 0.6 * (((y[:, None] + x) // 6) % 2)
    return bars.expand(1, 1, *sides)


def blurred(psf, space=(40, 44), sigma=0.01):
    """A blur, its truth and its noisy measurement, both (1, *space)."""
    blur = Blur(psf)
    wide = stripes(*blur.image_shape(space))
    y = blur(wide)[0]
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    return blur, blur.crop_to_visible(wide)[0], y + sigma * noise


def rms(x):
    return float(x.square().mean().sqrt())


@pytest.mark.parametrize("sides", [(5, 5), (1, 6), (4, 3)])
def test_bars_are_sharper_up_to_the_border_for_each_parity_of_the_psf(sides):
    blur, truth, y = blurred(torch.ones(sides))
    done = deblur_plug_and_play(y, torch.ones_like(y, dtype=torch.bool), blur, 0.01)
    assert rms(done - truth) < 0.7 * rms(y - truth)


def test_strong_noise_is_removed():
    blur, truth, y = blurred(torch.ones(3, 3), sigma=0.1)
    done = deblur_plug_and_play(y, torch.ones_like(y, dtype=torch.bool), blur, 0.1)
    assert rms(done - truth) < 0.6 * rms(y - truth)


def test_an_unknown_pixel_counts_less_than_a_known_one():
    blur, truth, y = blurred(torch.ones(3, 3))
    wrong = y.clone()
    wrong[:, 20, 20:24] = 0.5
    known = torch.ones_like(y, dtype=torch.bool)
    unknown = known.clone()
    unknown[:, 20, 20:24] = False
    told = deblur_plug_and_play(wrong, unknown, blur, 0.01)
    untold = deblur_plug_and_play(wrong, known, blur, 0.01)
    assert rms(told - truth) < rms(untold - truth)


def test_a_volume_is_sharper():
    blur, truth, y = blurred(torch.ones(1, 3, 3), space=(2, 24, 24))
    done = deblur_plug_and_play(y, torch.ones_like(y, dtype=torch.bool), blur, 0.01)
    assert done.shape == (1, 2, 24, 24)
    assert rms(done - truth) < 0.7 * rms(y - truth)
