import math

import numpy as np
import pytest
import skimage.metrics

from napari_dip.data.metrics import psnr, ssim


@pytest.fixture
def pair(rng):
    reference = rng.random((20, 24, 3))
    return np.clip(reference + 0.1 * rng.standard_normal(reference.shape), 0, 1), reference


def test_psnr_by_its_definition():
    reference = np.zeros((4, 4, 3), np.uint8)
    image = reference.copy()
    image[..., 0] = 255  # an error of the whole range in a third of all values
    assert psnr(image, reference, 255) == pytest.approx(10 * math.log10(3))
    assert psnr(reference, reference, 255) == math.inf


def test_psnr_is_scikit_images(pair):
    expected = skimage.metrics.peak_signal_noise_ratio(pair[1], pair[0], data_range=1)
    assert psnr(*pair, 1) == pytest.approx(expected)


def test_psnr_of_whole_numbers_does_not_overflow():
    image, reference = np.full((4, 4), 200, np.uint8), np.full((4, 4), 250, np.uint8)
    assert psnr(image, reference, 255) == psnr(reference, image, 255)
    assert psnr(image, reference, 255) == pytest.approx(20 * math.log10(255 / 50))


def test_psnr_leaves_missing_pixels_out(pair):
    image, reference = (array.copy() for array in pair)
    image[:10, :, 0], reference[:, 20:] = np.nan, np.inf
    known = np.isfinite(image) & np.isfinite(reference)
    assert psnr(image, reference, 1) == pytest.approx(psnr(image[known], reference[known], 1))


@pytest.mark.parametrize("channel_axis", [0, 1, 2])
def test_ssim_is_scikit_images_with_channels_anywhere(pair, channel_axis):
    expected = skimage.metrics.structural_similarity(*pair, data_range=1, channel_axis=2)
    moved = (np.moveaxis(array, 2, channel_axis) for array in pair)
    assert ssim(*moved, 1, channel_axis) == pytest.approx(expected)


def test_ssim_of_a_volume(rng):
    pair = rng.random((2, 9, 16, 18))
    expected = skimage.metrics.structural_similarity(*pair, data_range=1)
    assert ssim(*pair, 1, None) == pytest.approx(expected)


@pytest.mark.parametrize("planes", [1, 2, 3, 6])
def test_ssim_of_a_thin_stack_is_the_mean_over_its_planes(planes, rng):
    pair = rng.random((2, planes, 16, 18))
    expected = np.mean([ssim(*two, 1, None) for two in zip(*pair, strict=True)])
    assert ssim(*pair, 1, None) == pytest.approx(expected)
    colours = rng.random((2, 3, planes, 16, 18))
    expected = np.mean([ssim(*colours[:, :, z], 1, 0) for z in range(planes)])
    assert ssim(*colours, 1, 0) == pytest.approx(expected)
    assert ssim(*np.moveaxis(colours, 1, -1), 1, 3) == pytest.approx(expected)


def test_ssim_of_equal_images_is_1(pair):
    assert ssim(pair[0], pair[0], 1, 2) == pytest.approx(1)


def test_ssim_with_missing_pixels_is_not_a_number(pair):
    image = pair[0].copy()
    image[4, 4] = np.nan
    assert math.isnan(ssim(image, pair[1], 1, 2))
