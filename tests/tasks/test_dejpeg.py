"""JPEG clean-up: its perturbation, its instant estimate, and images that are no JPEG."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from napari_dip.tasks.dejpeg import DeJPEG, blockiness, find_jpeg
from napari_dip.tasks.measurement import Measurement


def measured(image):
    """8-bit pixels, grey (y, x) or colour (y, x, 3), as a measurement."""
    channels = np.moveaxis(np.atleast_3d(image), -1, 0).astype(np.float32)
    y = torch.from_numpy(np.ascontiguousarray(channels) / 255)[None]
    observed = torch.ones_like(y, dtype=torch.bool)
    return Measurement(y=y, observed=observed, black=(0.0,), white=(255.0,))


@pytest.fixture
def clean(rng):
    """Waves with a little grain, 64 x 64."""
    y, x = np.mgrid[:64, :64]
    waves = 128 + 60 * np.sin(y / 9) * np.cos(x / 7) + rng.normal(0, 8, (64, 64))
    return waves.clip(0, 255).astype(np.uint8)


def compressed(image, quality):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def test_coarser_compression_has_stronger_blocks(clean):
    strengths = [blockiness(measured(compressed(clean, q))) for q in (5, 30, 95)]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] > 4 * blockiness(measured(clean))


def test_blocks_are_found_wherever_the_picture_was_cropped(clean):
    whole = compressed(clean, 10)
    cropped = blockiness(measured(np.ascontiguousarray(whole[3:, 5:])))
    assert cropped == pytest.approx(blockiness(measured(whole)), rel=0.25)


def test_the_perturbation_follows_the_blocks_within_limits(clean):
    noise = [DeJPEG().resolve(measured(compressed(clean, q))).input_noise for q in (3, 30, 100)]
    assert noise[0] > noise[1] > noise[2] >= 0.02
    assert noise[0] <= 0.15


def test_strong_blocks_in_colour_are_fitted_at_half_the_resolution(clean):
    colour = np.repeat(clean[..., None], 3, -1)
    heavy, mild = (DeJPEG().resolve(measured(compressed(colour, q))) for q in (3, 50))
    assert (heavy.shuffle, mild.shuffle) == (2, 1)
    assert heavy.iterations < mild.iterations


def test_grey_images_are_fitted_at_half_the_resolution(clean):
    assert DeJPEG().resolve(measured(compressed(clean, 50))).shuffle == 2


def bars():
    y, x = np.mgrid[:64, :64]
    return np.where((y + x) // 6 % 2, 200, 60).astype(np.uint8)


@pytest.mark.parametrize("quality", [10, 40])
def test_the_instant_estimate_is_nearer_the_clean_image(quality):
    truth, given = measured(bars()), measured(compressed(bars(), quality))
    found = DeJPEG().instant(given)
    before, after = ((z - truth.y[0]).square().mean() for z in (given.y[0], found))
    assert after < 0.6 * before


def test_paper_has_no_instant_estimate(clean):
    assert DeJPEG(preset="paper").instant(measured(clean)) is None


@pytest.mark.parametrize("scale", [1, 1 / 255, 257])
def test_a_jpeg_is_found_in_levels_floats_and_16_bit(clean, scale):
    """As 8-bit levels in any dtype, in [0, 1], or as 16-bit values of 8-bit origin."""
    given = compressed(clean, 20).astype(float) * scale
    white = {1: 300.0, 1 / 255: 1.0, 257: 65535.0}[scale]
    y = torch.from_numpy((given / white).astype(np.float32))[None, None]
    observed = torch.ones_like(y, dtype=torch.bool)
    assert find_jpeg(Measurement(y, observed, white=(white,))) is not None


def test_an_image_that_is_no_jpeg_is_denoised_and_said(clean):
    given = measured(clean)
    task = DeJPEG().resolve(given)
    (warning,) = task.warnings(DeJPEG(), given, np.dtype("uint8"))
    assert "no JPEG compression is found" in warning
    assert task.instant(given).shape == (1, 64, 64)
    assert torch.equal(task.refine(given.y[0], given), given.y[0])


def test_a_jpeg_has_no_warning_and_a_last_step(clean):
    given = measured(compressed(clean, 20))
    task = DeJPEG().resolve(given)
    assert task.warnings(DeJPEG(), given, np.dtype("uint8")) == ()
    assert not torch.equal(task.refine(given.y[0], given), given.y[0])


def test_paper_is_the_fit_alone(clean):
    given = measured(compressed(clean, 20))
    task = DeJPEG(preset="paper").resolve(given)
    assert torch.equal(task.refine(given.y[0], given), given.y[0])
    assert task.warnings(task, given, np.dtype("uint8")) == ()


def test_two_channels_are_no_jpeg(clean):
    two = measured(np.stack([clean, clean], -1))
    assert find_jpeg(two) is None
