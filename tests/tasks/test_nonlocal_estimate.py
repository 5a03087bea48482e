import numpy as np
import pytest
import torch

from napari_dip.noise.camera import CameraNoise
from napari_dip.tasks.measurement import Measurement
from napari_dip.tasks.nonlocal_estimate import NoiseScale, nonlocal_estimate


def waves(*space: int) -> torch.Tensor:
    """Stripes that recur, so that patches are alike: (*space), in [0.2, 0.8]."""
    x = torch.arange(space[-1])
    return (0.5 + 0.3 * torch.sin(x / 2)).expand(space)


def noisy(clean: torch.Tensor, sigma: float) -> Measurement:
    generator = torch.Generator().manual_seed(0)
    y = (clean + sigma * torch.randn(clean.shape, generator=generator))[None]
    return Measurement(y=y, observed=torch.ones(y.shape, dtype=torch.bool))


def error(estimate: torch.Tensor, clean: torch.Tensor) -> float:
    return float((estimate - clean).square().mean().sqrt())


@pytest.mark.parametrize("space", [(48, 48), (3, 48, 48)])
def test_uniform_noise_is_removed_in_planes_and_volumes(space):
    clean = waves(*space)[None]
    measurement = noisy(clean, 0.1)
    estimate = nonlocal_estimate(measurement, NoiseScale(0.1), blur=0.0)
    assert estimate.shape == clean.shape
    assert error(estimate, clean) < 0.04


def test_a_pilot_guides_a_pass():
    clean = waves(48, 48)[None]
    measurement = noisy(clean, 0.1)
    scale = NoiseScale(0.1)
    guided = nonlocal_estimate(measurement, scale, 0.0, pilot=clean)
    assert error(guided, clean) < error(nonlocal_estimate(measurement, scale, 0.0), clean)


def camera_measurement() -> tuple[Measurement, torch.Tensor, CameraNoise]:
    """Counts of few photons as a measurement whose 0 and 1 are 90 and 400 counts."""
    camera = CameraNoise(gain=10.0, offset=100.0, read_noise=5.0)
    photons = 10 * waves(64, 64).double().numpy()
    random = np.random.default_rng(0)
    seen = random.poisson(photons) + random.normal(0, 0.5, photons.shape)
    y = torch.from_numpy((100 + 10 * seen - 90) / 310).float()[None, None]
    clean = torch.from_numpy((100 + 10 * photons - 90) / 310).float()[None]
    observed = torch.ones(y.shape, dtype=torch.bool)
    return Measurement(y=y, observed=observed, black=(90.0,), white=(400.0,)), clean, camera


def test_there_and_back_is_the_same_but_for_the_inverses_bias():
    measurement, clean, camera = camera_measurement()
    scale = NoiseScale.of(measurement, 0.1, camera)
    back = scale.back(scale.forward(clean))
    # The inverse is that of the mean of noisy values, a quarter of a photon above these.
    assert float((back - clean - 10 / 4 / 310).abs().max()) < 0.02


def test_camera_noise_is_removed_without_a_bias():
    measurement, clean, camera = camera_measurement()
    scale = NoiseScale.of(measurement, 0.1, camera)
    estimate = nonlocal_estimate(measurement, scale, blur=0.0)
    assert error(estimate, clean) < error(measurement.y[0], clean) / 2
    assert abs(float((estimate - clean).mean())) < 0.01
