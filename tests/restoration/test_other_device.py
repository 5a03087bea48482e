"""Every task on a GPU, pretended: no tensor is left behind on another device, none is float64 on
Apple's, and the result is that of the CPU. A real GPU is checked by `benchmarks/gpu.py`."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from pretend_device import PretendDevice

from napari_dip import (
    Deblur,
    DeJPEG,
    Denoise,
    EnhanceDetail,
    FlashNoFlash,
    Inpaint,
    OutOfMemory,
    Upscale,
    prepare,
)
from napari_dip.engine import device as devices
from napari_dip.engine import jpeg_restoration, memory, plug_and_play, plug_and_play_upscaling
from napari_dip.tasks.measurement import Measurement

pytestmark = pytest.mark.filterwarnings("ignore:.*CUDA is not available.*")

TINY = {"filters": (4, 4), "iterations": 2, "precision": "float32"}


def picture():
    y, x = np.mgrid[:28, :36]
    clean = 120 + 60 * np.sin(x / 4) * np.cos(y / 5)
    return (clean + np.random.default_rng(0).normal(0, 12, clean.shape)).astype(np.uint8)


def coloured():
    plane = picture()
    return np.stack([plane, plane[::-1], plane[:, ::-1]], -1)


def jpeg():
    file = io.BytesIO()
    Image.fromarray(coloured()).save(file, "JPEG", quality=20)
    return np.array(Image.open(file))


def volume():
    return np.stack([np.roll(picture(), i, 1) for i in range(5)])


def small():
    return coloured()[:16, :18]


def small_volume():
    return volume()[:2, :16, :16]


def hole(image):
    mask = np.zeros(image.shape[:2] if image.shape[-1] == 3 else image.shape, bool)
    mask[..., 5:9, 4:20] = True
    return {"mask": mask}


def scattered(image):
    return {"mask": np.random.default_rng(1).random(image.shape[:2]) < 0.4}


CASES = {
    "denoise": (picture, Denoise(**TINY), None),
    "denoise, mask": (coloured, Denoise(**TINY), hole),
    "denoise, correlated": (picture, Denoise(noise_correlation=1.0, sigma=0.1, **TINY), None),
    "denoise, camera": (picture, Denoise(gain=2.0, **TINY), None),
    "denoise, paper": (picture, Denoise(preset="paper", **TINY), None),
    "denoise, best": (picture, Denoise(preset="best", runs=2, uncertainty=True, **TINY), None),
    "denoise, instant": (coloured, Denoise(preset="instant"), None),
    "denoise, volume": (volume, Denoise(**TINY), None),
    "inpaint, pixels": (coloured, Inpaint(**TINY), scattered),
    "inpaint, region": (picture, Inpaint(hole="region", **TINY), hole),
    "inpaint, paper": (picture, Inpaint(preset="paper", hole="region", **TINY), hole),
    "inpaint, volume": (volume, Inpaint(**TINY), hole),
    "jpeg": (jpeg, DeJPEG(**TINY), None),
    "jpeg, no compression": (picture, DeJPEG(**TINY), None),
    "upscale": (small, Upscale(factor=3, **TINY), None),
    "upscale, mask": (small, Upscale(factor=2, **TINY), hole),
    "upscale, volume": (small_volume, Upscale(factor=2, along="z", **TINY), None),
    "upscale, volume, instant": (small_volume, Upscale(factor=2, preset="instant"), None),
    "deblur": (picture, Deblur(**TINY), lambda image: {"psf": np.ones((3, 5))}),
    "deblur, mask": (coloured, Deblur(**TINY), lambda i: {"psf": np.ones((3, 3)), **hole(i)}),
    "deblur, volume": (volume, Deblur(**TINY), lambda image: {"psf": np.ones((3, 3, 3))}),
    "deblur, volume, instant": (
        small_volume,
        Deblur(preset="instant"),
        lambda image: {"psf": np.ones((1, 3, 3))},
    ),
    "enhance": (picture, EnhanceDetail(**TINY), None),
    "flash": (picture, FlashNoFlash(**TINY), lambda image: {"guide": coloured()}),
    "flash, volume": (volume, FlashNoFlash(**TINY), lambda image: {"guide": volume()}),
}


# Beside Apple's GPU, an instant estimate is computed on the CPU.
RUNS = [
    (name, kind)
    for name in CASES
    for kind in ("cuda", "mps")
    if (kind, "instant") != ("mps", name[-7:])
]


@pytest.fixture
def device(request, monkeypatch):
    """The device, which the machine seems to have."""
    with PretendDevice(request.param) as device:
        monkeypatch.setattr(devices, "resolve_device", lambda name: device.place)
        monkeypatch.setattr(memory, "total_memory", lambda place: None)
        monkeypatch.setattr(memory, "peak_memory", lambda place: 0.0)
        for estimate in (jpeg_restoration, plug_and_play, plug_and_play_upscaling):
            monkeypatch.setattr(estimate, "_STEPS", 2)  # for speed
        yield device


@pytest.mark.parametrize(("name", "device"), RUNS, indirect=["device"])
def test_result_is_that_of_the_cpu(name, device):
    make, task, inputs = CASES[name]
    image = make()
    given = inputs(image) if inputs else {}
    axes = "ZYX" if image.shape[-1] != 3 and image.ndim == 3 else None
    job = prepare(image, task, axes=axes, device=str(device.place), **given)
    is_told = name in ("denoise", "inpaint, pixels")
    there = job.result(estimate_error=is_told)
    on_the_cpu = torch.device("cpu")
    measurement = replace(job.measurement, device=on_the_cpu)
    here = replace(job, device=on_the_cpu, measurement=measurement).result(estimate_error=is_told)

    assert there.device == str(device.place)
    assert (there.estimated_psnr is None) == (not is_told)
    for part, expected in here.images.items():
        # Far from what a mistake would change, and more than another order of sums does.
        np.testing.assert_allclose(there.images[part], expected, atol=8, err_msg=part)


@pytest.mark.parametrize("device", ["cuda"], indirect=True)
def test_estimates_are_computed_on_the_gpu(device):
    places = []

    def estimator(y, factor):
        places.append((y.device, factor.device))
        return y * factor

    y = torch.ones(1, 1, 4, 4)
    measurement = Measurement(y, y > 0, device=device.place)
    result = measurement.estimate(estimator, y, torch.tensor([2.0]))

    assert places == [(device.place, device.place)]
    assert result.device.type == "cpu"
    assert prepare(picture(), Denoise(**TINY)).measurement.device == device.place


@pytest.mark.parametrize("device", ["mps"], indirect=True)
def test_estimates_beside_apples_gpu_are_computed_on_the_cpu(device):
    assert prepare(picture(), Denoise(**TINY)).measurement.device == torch.device("cpu")


def test_full_gpu_is_an_error_that_names_the_remedy():
    def estimator(y):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    y = torch.ones(1, 1, 4, 4)
    with pytest.raises(OutOfMemory, match=r"similar patches; .* or use device=cpu"):
        Measurement(y, y > 0).estimate(estimator, y)
