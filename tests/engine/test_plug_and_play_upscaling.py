"""Upscaling with a denoiser as the prior, against plain interpolation."""

import pytest
import torch

from napari_dip.engine.operators import Downsample, resize
from napari_dip.engine.plug_and_play_upscaling import refine_upscaled, upscale_plug_and_play


def bars(*sides, channels=1):
    """Slanted bars, (channels, *sides), 0.2 and 0.8."""
    y, x = (torch.arange(side) for side in sides[-2:])
    picture = 0.2 + 0.6 * (((y[:, None] + 2 * x) // 20) % 2)
    return picture.expand(channels, *sides).clone()


def rms(x):
    return float(x.square().mean().sqrt())


def everywhere(y):
    return torch.ones_like(y, dtype=torch.bool)


@pytest.mark.parametrize("factors", [(2, 2), (3, 3), (4, 2)])
@pytest.mark.parametrize("channels", [1, 3])
def test_bars_are_sharper_than_interpolated_ones(factors, channels):
    truth = bars(48, 60, channels=channels)
    operator = Downsample(*factors)
    y = operator(truth[None])[0]
    found = upscale_plug_and_play(y, everywhere(y), operator, 0.0)
    assert rms(found - truth) < 0.9 * rms(resize(y[None], truth.shape[1:])[0] - truth)


def test_the_result_explains_the_small_image():
    operator = Downsample(4, 4)
    y = operator(bars(64, 80)[None])[0]
    found = upscale_plug_and_play(y, everywhere(y), operator, 0.0)
    assert rms(operator(found[None])[0] - y) < 0.01


def test_noise_is_not_enlarged_if_it_is_known():
    truth, operator = bars(48, 60), Downsample(2, 2)
    y = operator(truth[None])[0]
    y = y + 0.1 * torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    told, untold = (
        upscale_plug_and_play(y, everywhere(y), operator, sigma) for sigma in (0.1, 0.0)
    )
    assert rms(told - truth) < rms(untold - truth)


def test_an_unknown_pixel_counts_for_nothing():
    truth, operator = bars(48, 60), Downsample(2, 2)
    y = operator(truth[None])[0]
    wrong, known = y.clone(), everywhere(y)
    wrong[:, 10, 8:12] = 0.5
    partly = known.clone()
    partly[:, 10, 8:12] = False
    told, untold = (upscale_plug_and_play(wrong, o, operator, 0.0) for o in (partly, known))
    assert rms(told - truth) < rms(untold - truth)


def test_a_good_pilot_is_improved():
    """A sharp but noisy estimate loses its noise, and a far one is brought to the small image."""
    truth, operator = bars(48, 60), Downsample(4, 4)
    y = operator(truth[None])[0]
    pilot = truth + 0.05 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    assert rms(refine_upscaled(pilot, y, everywhere(y), operator) - truth) < 0.8 * rms(
        pilot - truth
    )
    flat = refine_upscaled(torch.full_like(truth, 0.5), y, everywhere(y), operator)
    assert rms(operator(flat[None])[0] - y) < 0.5 * rms(y - 0.5)


def test_a_volume_is_enlarged_along_all_axes():
    truth, operator = bars(6, 32, 32), Downsample(2, 2, 2)
    y = operator(truth[None])[0]
    found = upscale_plug_and_play(y, everywhere(y), operator, 0.0)
    assert found.shape == truth.shape
    assert rms(found - truth) < rms(resize(y[None], truth.shape[1:])[0] - truth)
