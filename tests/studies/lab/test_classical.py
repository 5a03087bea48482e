"""Methods to compare with: each does what it is for, and in the user's units."""

import numpy as np
import pytest

from napari_dip.studies.lab import classical
from napari_dip.studies.lab.base import StudyInputs, decode_image, reference_scores
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.upscale import Upscale

TINY = {"filters": (4,), "iterations": 1}


def error(image, truth):
    return float(np.sqrt(np.mean((np.asarray(image, float) - truth) ** 2)))


@pytest.mark.parametrize("method", ["tv_denoised", "nlm_denoised", "bm3d_denoised"])
@pytest.mark.parametrize("colours", [1, 3])
def test_noise_goes_and_the_picture_stays(picture, rng, method, colours):
    if method == "bm3d_denoised":
        pytest.importorskip("bm3d")
    clean = 1000 + 2000 * np.stack([picture.repeat(2, 0).repeat(2, 1)] * colours, axis=-1)
    noisy = np.rint(clean + rng.normal(0, 200, clean.shape)).astype(np.uint16)
    noisy, clean = (x[..., 0] if colours == 1 else x for x in (noisy, clean))
    task = Denoise(sigma=200 / 65535, **TINY)
    job = StudyInputs(noisy).job(task)
    image = decode_image(job, getattr(classical, method)(job))
    assert (image.shape, image.dtype) == (noisy.shape, np.uint16)
    assert error(image, clean) < 0.75 * error(noisy, clean)


def test_a_picture_without_noise_is_left_as_it_is(picture):
    job = StudyInputs(picture).job(Denoise(preset="paper", sigma=0.0, **TINY))
    for method in (classical.tv_denoised, classical.nlm_denoised):
        assert np.allclose(decode_image(job, method(job)), picture, atol=1e-6)


def test_bm3d_is_for_pictures_where_it_is_installed(picture, monkeypatch):
    job = StudyInputs(picture).job(Denoise(**TINY))
    monkeypatch.setattr(classical, "find_spec", lambda name: None)
    assert not classical.has_bm3d(job)
    monkeypatch.setattr(classical, "find_spec", lambda name: name)
    assert classical.has_bm3d(job)
    volume = StudyInputs(np.stack([picture] * 5)).job(Denoise(**TINY))
    assert not classical.has_bm3d(volume)


def test_bicubic_enlarges(picture):
    job = StudyInputs(picture).job(Upscale(factor=2, **TINY))
    image = decode_image(job, classical.bicubic(job))
    assert image.shape == (48, 40)
    assert error(image[::2, ::2], picture) < 0.08


def test_holes_are_filled_smoothly_and_what_is_known_stays():
    ramp = np.mgrid[:24, :20][1] / 20
    mask = np.zeros(ramp.shape, bool)
    mask[8:14, 6:12] = True
    spoilt = np.where(mask, 0.0, ramp)
    job = StudyInputs(spoilt, mask=mask, reference=ramp).job(Inpaint(**TINY))
    image = decode_image(job, classical.biharmonic(job))
    assert (image[~mask] == ramp[~mask]).all()
    assert error(image, ramp) < 0.01
    assert reference_scores(job, image)["psnr"] > 40
