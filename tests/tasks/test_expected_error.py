import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from napari_dip import Denoise, Inpaint, prepare, restore
from napari_dip.tasks.expected_error import (
    ExpectedError,
    expected_when_denoised,
    expected_when_filled,
)
from napari_dip.tasks.measurement import Measurement


def waves(side: int = 96) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : 1j * side, -1 : 1 : 1j * side]
    return 0.5 + 0.2 * np.sin(6 * x + 2 * y) * np.cos(5 * y)


def noisy(sigma: float = 0.1) -> torch.Tensor:
    noise = np.random.default_rng(0).normal(0, sigma, (96, 96))
    return torch.from_numpy(waves() + noise).float()[None]


def means(y: torch.Tensor) -> torch.Tensor:
    """A linear denoiser: the mean of 3 x 3 pixels."""
    return F.avg_pool2d(F.pad(y[None], (1,) * 4, mode="reflect"), 3, 1)[0]


def test_the_error_of_a_linear_denoiser_is_a_share_of_the_noise():
    y, noise = noisy(), torch.full((1, 1, 1), 0.1)
    found = expected_when_denoised(means(y), y, noise, means(y), means)
    # A ninth of the noise comes through; all errors are inferred from the image alone.
    assert found.given == pytest.approx(0.01, rel=0.05)
    assert found.result == pytest.approx(0.01 / 9, rel=0.25)


def test_the_noise_level_that_is_told_hardly_matters():
    y = noisy()
    told = [
        expected_when_denoised(means(y), y, torch.full((1, 1, 1), level), means(y), means).result
        for level in (0.08, 0.12)
    ]
    assert told[0] == pytest.approx(told[1], rel=0.05)


def test_without_noise_nothing_is_told():
    y = noisy()
    assert expected_when_denoised(y, y, torch.zeros(1, 1, 1), y, means) is None


@pytest.mark.parametrize("missing", [0.1, 0.5])
def test_the_error_in_holes_is_that_of_hidden_pixels(missing):
    image = waves() + np.random.default_rng(1).normal(0, 0.05, (96, 96))
    y = torch.from_numpy(image).float()[None, None]
    observed = torch.rand(y.shape, generator=torch.Generator().manual_seed(7)) > missing
    filled_with = torch.from_numpy(waves()).float()[None]
    found = expected_when_filled(Measurement(y, observed), lambda measurement: filled_with)
    assert found.given is None
    # All pixels are off by 0.05, and only the missing ones count.
    assert found.result == pytest.approx(missing * 0.05**2, rel=0.3)


def test_too_few_known_pixels_tell_nothing():
    y = torch.rand(1, 1, 16, 16)
    observed = torch.rand(1, 1, 16, 16) < 0.2
    assert expected_when_filled(Measurement(y, observed), lambda measurement: y[0]) is None


def test_scores_are_decibels_of_the_users_range():
    error = ExpectedError(result=1e-4, given=1e-2)
    assert error.psnr((1000.0,), 2000.0) == pytest.approx((46.02, 26.02), abs=0.01)
    assert ExpectedError(result=0.0).psnr((1.0,), 1.0) == (pytest.approx(120), None)


def test_a_restoration_has_its_estimate_and_the_true_score_is_near():
    clean = np.rint(255 * waves()).astype(np.uint8)
    image = np.clip(clean + np.random.default_rng(0).normal(0, 20, clean.shape), 0, 255)
    result = restore(image.astype(np.uint8), Denoise(preset="instant"), reference=clean)
    assert result.estimated_input_psnr == pytest.approx(result.input_psnr, abs=0.5)
    assert result.estimated_psnr == pytest.approx(result.psnr, abs=5)
    report = result.report()
    assert report["estimated_psnr"] == result.estimated_psnr


def test_a_cancelled_fit_and_the_papers_preset_have_none():
    image = np.rint(255 * waves(32)).astype(np.uint8)
    fit = {"iterations": 2, "filters": (4,)}
    assert prepare(image, Denoise(**fit)).result(lambda: True).estimated_psnr is None
    assert restore(image, Denoise(preset="paper", **fit)).estimated_psnr is None


def test_a_large_hole_tells_nothing():
    image, mask = np.rint(255 * waves(48)), np.zeros((48, 48), bool)
    mask[10:38, 10:38] = True
    result = restore(image, Inpaint(iterations=2, filters=(4,)), mask=mask)
    assert result.task.hole == "region"
    assert result.estimated_psnr is None


def test_filled_pixels_have_an_estimate_and_the_input_none():
    image, mask = np.rint(255 * waves(48)), np.zeros((48, 48), bool)
    mask[::3, ::2] = True
    result = restore(image, Inpaint(preset="instant"), mask=mask)
    assert math.isfinite(result.estimated_psnr)
    assert result.estimated_input_psnr is None
