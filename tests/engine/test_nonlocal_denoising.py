"""Gains, invariances and extreme inputs of the non-local denoiser, on made-up images."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.restoration import denoise_nl_means

from napari_dip.engine import nonlocal_denoising
from napari_dip.engine.nonlocal_denoising import (
    denoise_nonlocal,
    gaussian_correlation,
    refine_nonlocal,
)

SIGMA = 0.1


def texture(height: int = 64, width: int = 64, channels: int = 1) -> torch.Tensor:
    """Stripes on the left and checks on the right, weaker in each further channel."""
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float32),
        torch.arange(width, dtype=torch.float32),
        indexing="ij",
    )
    stripes, checks = torch.sin(0.9 * x + 0.5 * y), torch.sin(0.8 * x) * torch.sin(0.8 * y)
    plane = torch.where(x + 0.3 * y < 0.6 * width, stripes, checks)
    return torch.stack([0.5 + (0.25 - 0.03 * channel) * plane for channel in range(channels)])


def white_noise(shape: tuple[int, ...], sigma: float = SIGMA) -> torch.Tensor:
    return sigma * torch.randn(shape, generator=torch.Generator().manual_seed(1))


def correlated_noise(side: int, blur: float) -> torch.Tensor:
    """White noise after a Gaussian blur, of standard deviation `SIGMA`: (1, side, side)."""
    blurred = gaussian_filter(white_noise((side, side), 1.0).numpy(), blur, mode="wrap")
    return torch.from_numpy(SIGMA * blurred / blurred.std())[None]


def rms(error: torch.Tensor) -> float:
    return float(error.double().square().mean().sqrt())


def gain(result: torch.Tensor, noisy: torch.Tensor, clean: torch.Tensor) -> float:
    """By how much the PSNR of the result is above that of the noisy image, in dB."""
    return 20 * math.log10(rms(noisy - clean) / rms(result - clean))


@pytest.fixture(scope="module")
def clean() -> torch.Tensor:
    return texture()


@pytest.fixture(scope="module")
def noisy(clean: torch.Tensor) -> torch.Tensor:
    return clean + white_noise(clean.shape)


@pytest.fixture(scope="module")
def denoised(noisy: torch.Tensor) -> torch.Tensor:
    return denoise_nonlocal(noisy, SIGMA)


# What is gained


def test_denoising_gains_8_db_and_more_than_nl_means(clean, noisy, denoised):
    """Denoising gains 12.5 dB, NL-means 7 dB with the best of several strengths."""
    assert gain(denoised, noisy, clean) > 8
    assert gain(denoise_nonlocal(noisy, SIGMA, quick=True), noisy, clean) > 8
    strengths = (0.4, 0.6, 0.8)
    others = [
        denoise_nl_means(noisy[0].numpy(), 7, 11, h=strength * SIGMA, sigma=SIGMA, fast_mode=False)
        for strength in strengths
    ]
    best = max(gain(torch.from_numpy(other)[None], noisy, clean) for other in others)
    assert gain(denoised, noisy, clean) > best + 1


@pytest.mark.parametrize("sigma", [0.02, 0.2])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_most_of_weak_and_strong_noise_is_removed_in_all_channels(channels, sigma):
    clean = texture(48, 40, channels)
    result = denoise_nonlocal(clean + white_noise(clean.shape, sigma), sigma)
    assert result.shape == clean.shape
    for channel in range(channels):
        assert rms(result[channel] - clean[channel]) < 0.6 * sigma


def test_correlated_noise_is_removed_better_if_its_correlation_is_told(clean):
    noisy = clean + correlated_noise(64, 1.5)
    told = denoise_nonlocal(noisy, SIGMA, correlation=gaussian_correlation(1.5))
    taken_for_white = denoise_nonlocal(noisy, SIGMA)
    assert gain(told, noisy, clean) > gain(taken_for_white, noisy, clean) + 3


def test_the_clean_image_as_pilot_is_better_than_none(clean, noisy, denoised):
    refined = refine_nonlocal(noisy, clean, SIGMA)
    assert gain(refined, noisy, clean) > gain(denoised, noisy, clean) + 1
    noisy = clean + correlated_noise(64, 1.5)
    correlation = gaussian_correlation(1.5)
    refined = refine_nonlocal(noisy, clean, SIGMA, correlation=correlation)
    assert (
        gain(refined, noisy, clean)
        > gain(denoise_nonlocal(noisy, SIGMA, correlation=correlation), noisy, clean) + 1
    )


# What does not change


def test_a_constant_that_is_added_is_kept(noisy, denoised):
    """Rounding may change the members of a group, so that not every pixel is the same."""
    assert rms(denoise_nonlocal(noisy + 2, SIGMA) - 2 - denoised) < 0.01 * SIGMA


@pytest.mark.parametrize("axes", [(1,), (2,), (1, 2)])
def test_a_flipped_image_has_nearly_the_flipped_result(noisy, denoised, axes):
    """The grid of reference patches starts in a corner, which costs 8 % of sigma."""
    flipped = denoise_nonlocal(noisy.flip(axes), SIGMA).flip(axes)
    assert rms(flipped - denoised) < 0.16 * SIGMA


def test_tiles_do_not_change_the_result(noisy, denoised, monkeypatch):
    monkeypatch.setattr(nonlocal_denoising, "_TILE", 5)
    assert rms(denoise_nonlocal(noisy, SIGMA) - denoised) < 0.01 * SIGMA


def test_two_runs_agree_exactly(noisy, denoised):
    assert torch.equal(denoise_nonlocal(noisy, SIGMA), denoised)


# Kinds of input


def test_float64_and_strided_images_have_the_result_of_a_plain_one():
    noisy = texture(20, 24, 3) + white_noise((3, 20, 24))
    plain = denoise_nonlocal(noisy, SIGMA)
    channels_last = noisy.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    every_second = noisy.repeat_interleave(2, 2)[..., ::2]
    for other in (channels_last, every_second, noisy.double()):
        for result in (denoise_nonlocal(other, SIGMA), refine_nonlocal(other, plain, SIGMA)):
            assert result.dtype == other.dtype
        assert rms(denoise_nonlocal(other, SIGMA) - plain) < 0.01 * SIGMA


def test_arguments_are_left_alone_and_gradients_are_not_kept():
    noisy = texture(12, 12) + white_noise((1, 12, 12))
    y, pilot = noisy.clone().requires_grad_(), noisy.clone().requires_grad_()
    for result in (denoise_nonlocal(y, SIGMA), refine_nonlocal(y, pilot, SIGMA)):
        assert not result.requires_grad
    assert torch.equal(y, noisy)
    assert torch.equal(pilot, noisy)


@pytest.mark.parametrize("height", range(4, 16))
def test_small_images(height):
    for width in (4, 19 - height, 15):
        clean = texture(height, width)
        noisy = clean + white_noise(clean.shape)
        for result in (denoise_nonlocal(noisy, SIGMA), refine_nonlocal(noisy, clean, SIGMA)):
            assert result.shape == clean.shape
            assert rms(result - clean) < 1.3 * rms(noisy - clean)


@pytest.mark.parametrize("height", range(4, 16))
def test_small_images_with_correlated_noise(height):
    """Images narrower than 8 pixels can't tell noise that long from the image."""
    correlation = gaussian_correlation(1.5)
    for width in (4, 19 - height, 15):
        clean = texture(height, width)
        noisy = clean + correlated_noise(64, 1.5)[:, :height, :width]
        most = 1.5 if min(height, width) >= 8 else 5
        for result in (
            denoise_nonlocal(noisy, SIGMA, correlation=correlation),
            refine_nonlocal(noisy, clean, SIGMA, correlation=correlation),
        ):
            assert result.shape == clean.shape
            assert rms(result - clean) < most * rms(noisy - clean)


@pytest.mark.parametrize("correlation", [None, gaussian_correlation(2.0)], ids=["white", "shared"])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_empty_and_constant_channels_stay(channels, correlation):
    noisy = texture(17, 17, channels) + white_noise((channels, 17, 17))
    for empty in (0, channels - 1):
        for value in (0.0, 0.7):
            image = noisy.clone()
            image[empty] = value
            for result in (
                denoise_nonlocal(image, SIGMA, correlation=correlation),
                refine_nonlocal(image, image, SIGMA, correlation=correlation),
            ):
                assert result.isfinite().all()
                # Colours are denoised as luminance and opponents, which all have noise.
                assert rms(result[empty] - value) < (SIGMA if channels == 3 else 1e-3)


def test_a_constant_image_is_returned():
    for value in (0.0, 0.3):
        constant = torch.full((2, 9, 9), value)
        assert torch.equal(denoise_nonlocal(constant, SIGMA), constant)
        assert torch.equal(refine_nonlocal(constant, constant, SIGMA), constant)


@pytest.mark.parametrize("pilot", [0.0, 0.5])
def test_a_constant_pilot_gives_a_finite_image(pilot):
    noisy = texture(20, 20) + white_noise((1, 20, 20))
    constant = torch.full_like(noisy, pilot)
    for correlation in (None, gaussian_correlation(2.0)):
        assert refine_nonlocal(noisy, constant, SIGMA, correlation=correlation).isfinite().all()


def test_an_isolated_bright_pixel_gives_a_finite_image():
    image = torch.zeros(1, 20, 20)
    image[0, 10, 10] = 1e4
    assert denoise_nonlocal(image, SIGMA).isfinite().all()


@pytest.mark.parametrize("sigma", [0.0, 1e-9, 1e-6])
def test_noise_that_is_hardly_there_leaves_the_image(sigma):
    image = texture(20, 20, 2)
    assert rms(denoise_nonlocal(image, sigma) - image) < 1e-4
    assert rms(refine_nonlocal(image, image, sigma) - image) < 1e-4


@pytest.mark.parametrize("sigma", [2.0, 1e6, 1e30])
def test_a_sigma_far_too_large_keeps_the_result_in_the_range_of_the_image(sigma):
    image = texture(40, 40)
    for result in (
        denoise_nonlocal(image, sigma),
        denoise_nonlocal(image, sigma, quick=True),
        denoise_nonlocal(image, sigma, correlation=gaussian_correlation(1.0)),
        refine_nonlocal(image, image, sigma),
    ):
        assert rms(result - image.mean()) < 1.1 * rms(image - image.mean())


# Errors


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (torch.zeros(8, 8), r"y: expected \(channels, y, x\) .*, got \(8, 8\)"),
        (torch.zeros(1, 8, 3), r"y: expected .* at least 4 pixels .*, got \(1, 8, 3\)"),
        (torch.zeros(0, 8, 8), r"y: expected .*, got \(0, 8, 8\)"),
        (torch.zeros(1, 8, 8, dtype=torch.int32), r"y: expected a floating .*, got torch.int32"),
    ],
)
def test_an_image_that_is_none_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        denoise_nonlocal(y, SIGMA)
    with pytest.raises(ValueError, match=message):
        refine_nonlocal(y, y, SIGMA)


@pytest.mark.parametrize("sigma", [-0.1, math.nan, math.inf])
def test_a_sigma_that_is_none_is_refused(sigma):
    with pytest.raises(ValueError, match=f"sigma: expected .* 0 or above, got {sigma}"):
        denoise_nonlocal(torch.zeros(1, 8, 8), sigma)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (3, 3, 3)])
def test_a_correlation_without_a_middle_is_refused(shape):
    with pytest.raises(ValueError, match=r"correlation: expected an odd number .*, got \("):
        denoise_nonlocal(torch.zeros(1, 8, 8), SIGMA, correlation=torch.ones(shape))


def test_a_pilot_of_another_shape_is_refused():
    y = torch.zeros(2, 8, 8)
    with pytest.raises(
        ValueError, match=r"pilot: expected the shape of y \(2, 8, 8\), got \(1, 8, 8\)"
    ):
        refine_nonlocal(y, y[:1], SIGMA)


@pytest.mark.parametrize("blur", [0.0, -1.0, math.inf, math.nan])
def test_a_blur_that_is_none_is_refused(blur):
    with pytest.raises(ValueError, match=f"blur: expected pixels above 0, got {blur}"):
        gaussian_correlation(blur)


def test_gaussian_correlation_is_that_of_blurred_noise():
    blurred = correlated_noise(512, 1.2)[0].numpy()
    table = gaussian_correlation(1.2)
    middle = table.shape[0] // 2
    for dy, dx in ((0, 0), (0, 1), (2, 1), (3, 0)):
        measured = (blurred * np.roll(blurred, (dy, dx), (0, 1))).mean() / blurred.var()
        assert float(table[middle + dy, middle + dx]) == pytest.approx(measured, abs=0.03)


def test_channels_that_are_opponents_already_are_denoised_as_they_are():
    """One channel of opponents, zero in the others, is denoised like a grey image."""
    grey = torch.rand(1, 24, 24, generator=torch.Generator().manual_seed(0))
    planes = torch.cat([grey, torch.zeros(2, 24, 24)])
    alone = denoise_nonlocal(grey, 0.1)
    among = denoise_nonlocal(planes, 0.1, opponent=True)
    assert torch.allclose(among[:1], alone, atol=1e-5)
    assert among[1:].abs().max() < 1e-5
    again = refine_nonlocal(planes, among, 0.1, opponent=True)
    assert torch.allclose(again[:1], refine_nonlocal(grey, alone, 0.1), atol=1e-4)
