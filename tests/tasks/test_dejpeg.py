"""How strong a JPEG's blocks are, as its perturbation sees it."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from napari_dip.tasks.dejpeg import DeJPEG, blockiness
from napari_dip.tasks.measurement import Measurement


def measured(image):
    y = torch.from_numpy(image.astype(np.float32) / 255)[None, None]
    return Measurement(y=y, observed=torch.ones_like(y, dtype=torch.bool))


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


def test_strong_blocks_are_fitted_at_half_the_resolution(clean):
    heavy, mild = (DeJPEG().resolve(measured(compressed(clean, q))) for q in (3, 50))
    assert (heavy.shuffle, mild.shuffle) == (2, 1)
    assert heavy.iterations < mild.iterations


@pytest.mark.parametrize("quality", [10, 40])
def test_the_instant_estimate_is_nearer_the_clean_image(quality):
    y, x = np.mgrid[:64, :64]
    bars = np.where((y + x) // 6 % 2, 200, 60).astype(np.uint8)
    truth, given = measured(bars), measured(compressed(bars, quality))
    found = DeJPEG().instant(given)
    before, after = ((z - truth.y[0]).square().mean() for z in (given.y[0], found))
    assert after < 0.9 * before


def test_paper_has_no_instant_estimate(clean):
    assert DeJPEG(preset="paper").instant(measured(clean)) is None
