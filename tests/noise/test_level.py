import numpy as np
import pytest
from skimage.restoration import estimate_sigma

from napari_dip.noise.level import estimate_noise_level


def noise(sigma: float, shape=(128, 128)) -> np.ndarray:
    return np.random.default_rng(0).normal(0, sigma, shape)


def weave(side: int = 128) -> np.ndarray:
    """A texture of fine threads all over the image."""
    y, x = np.mgrid[:side, :side]
    return 100 + 40 * np.sin(1.9 * x) * np.sin(2.1 * y) + 20 * np.sin(2.6 * x + 2.4 * y)


@pytest.mark.parametrize("sigma", [0.01, 1, 30])
def test_the_level_of_plain_noise_is_found(sigma):
    assert estimate_noise_level(5 + noise(sigma)) == pytest.approx(sigma, rel=0.03)


def test_texture_is_not_taken_for_noise():
    noisy = weave() + noise(5)
    assert estimate_noise_level(noisy) == pytest.approx(5, rel=0.05)
    assert estimate_sigma(noisy) > 20  # by wavelets


def test_noise_is_measured_where_the_image_is_flat():
    image = np.full((128, 128), 50.0)
    image[:, :64] += 3 * np.random.default_rng(1).integers(0, 2, (128, 1)) * weave()[:, :64]
    assert estimate_noise_level(image + noise(4)) == pytest.approx(4, rel=0.1)


def test_noise_that_follows_the_light_is_measured_on_the_whole():
    rising = noise(1) * np.linspace(2, 6, 128)
    mean = np.sqrt(np.mean(np.linspace(2, 6, 128) ** 2))
    assert estimate_noise_level(rising) == pytest.approx(mean, rel=0.05)


def test_clipped_places_do_not_count():
    image = np.full((128, 128), 100.0)
    image[:, 80:] = 300
    seen = np.clip(image + noise(10), 0, 255)
    assert estimate_noise_level(seen) == pytest.approx(10, rel=0.05)


def test_missing_pixels_do_not_count():
    image, known = noise(10), np.ones((128, 128), bool)
    known[30:60, 20:110] = False
    image[~known] = 0
    assert estimate_noise_level(image, known) == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("shape", [(1, 1), (6, 200), (16, 16)])
def test_a_small_image_has_a_level_too(shape):
    assert np.isfinite(estimate_noise_level(noise(1, shape)))


def test_where_half_of_the_pixels_is_missing_wavelets_measure():
    known = np.random.default_rng(2).random((64, 64)) < 0.5
    assert estimate_noise_level(noise(3, (64, 64)), known) == pytest.approx(3, rel=0.2)


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_an_empty_image_has_no_noise(value):
    assert estimate_noise_level(np.full((32, 32), value)) < 1e-12
