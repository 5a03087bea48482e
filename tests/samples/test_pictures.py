"""The bundled samples: one for each task, degraded as they say, the same each time."""

import socket

import numpy as np
import pytest

from napari_dip.data.metrics import psnr
from napari_dip.restoration.restore import prepare
from napari_dip.samples.pictures import SAMPLES
from napari_dip.tasks.registry import TASKS


def test_every_task_has_a_sample():
    assert set(SAMPLES) == set(TASKS)


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_need_no_network_and_suit_their_task(name, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    sample = SAMPLES[name]()
    assert sample.image.dtype == np.uint8
    job = prepare(
        sample.image,
        TASKS[name](**sample.settings),
        mask=sample.mask,
        guide=sample.guide,
        psf=sample.psf,
        reference=sample.reference,
        device="cpu",
    )
    assert job.task.name == name


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_the_same_each_time(name):
    first, second = SAMPLES[name](), SAMPLES[name]()
    for field in ("image", "reference", "mask", "guide", "psf"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("denoise", 20, 21), ("dejpeg", 24, 29), ("inpaint", 10, 20), ("deblur", 25, 30)],
)
def test_samples_are_visibly_degraded(name, least, most):
    sample = SAMPLES[name]()
    assert least < psnr(sample.image, sample.reference, 255) < most


def test_only_the_masked_pixels_of_the_text_sample_are_lost():
    sample = SAMPLES["inpaint"]()
    assert np.array_equal(sample.image[~sample.mask], sample.reference[~sample.mask])
    assert (sample.image[sample.mask] == 255).all()
    assert 0.05 < sample.mask.mean() < 0.3


def test_the_psf_is_normalised():
    assert SAMPLES["deblur"]().psf.sum() == pytest.approx(1)
