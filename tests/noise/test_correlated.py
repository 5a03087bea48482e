import numpy as np
import pytest
import skimage.data
from scipy.ndimage import gaussian_filter

from napari_dip.noise.correlated import LARGEST_MEASURED, estimate_correlated_noise

SCENE = skimage.data.camera()[:160, 160:320] / 255


def noisy(sigma: float, blur: float, scene: np.ndarray = SCENE) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=scene.shape)
    if blur:
        noise = gaussian_filter(noise, blur)
    picture = np.clip(scene + noise * (sigma / noise.std()), 0, 1)
    return np.rint(255 * picture)[None] / 255


@pytest.mark.parametrize("blur", [0.6, 1.0, 1.5])
def test_correlated_noise_is_measured_in_an_image(blur):
    found = estimate_correlated_noise(noisy(0.1, blur))
    assert found == (pytest.approx(blur, rel=0.15), pytest.approx(0.1, rel=0.2))


@pytest.mark.parametrize("sigma", [0.04, 0.1, 0.3])
def test_white_noise_is_not_taken_for_correlated(sigma):
    assert estimate_correlated_noise(noisy(sigma, 0)) is None


@pytest.mark.parametrize("name", ["camera", "moon", "page", "coins", "cell", "brick"])
def test_clean_images_have_no_correlated_noise(name):
    assert estimate_correlated_noise(getattr(skimage.data, name)()[None] / 255) is None


def test_weak_correlated_noise_is_not_found():
    assert estimate_correlated_noise(noisy(0.03, 1.0)) is None


def test_colours_are_averaged_and_large_images_measured_in_the_middle():
    colours = np.concatenate([noisy(0.1, 1.0), noisy(0.1, 1.0, SCENE[::-1])])
    assert estimate_correlated_noise(colours) == (
        pytest.approx(1, rel=0.1),
        pytest.approx(0.1, rel=0.2),
    )
    large = np.zeros((1, LARGEST_MEASURED + 100, LARGEST_MEASURED + 200))
    assert estimate_correlated_noise(large) is None


@pytest.mark.parametrize("sides", [(16, 16), (16, 200)])
def test_small_and_empty_images_have_no_correlated_noise(sides):
    assert estimate_correlated_noise(np.zeros((1, *sides))) is None
    assert estimate_correlated_noise(np.random.default_rng(0).normal(0.5, 0.1, (1, *sides))) is None


def test_weak_noise_that_is_most_of_a_dark_image_is_found():
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(0).normal(0, 1, (128, 128)), 0.8)
    dark = 0.1 + 0.02 * np.linspace(0, 1, 128) + 0.03 * noise / noise.std()
    found = estimate_correlated_noise(dark[None])
    assert found is not None
    blur, sigma = found
    assert 0.6 < blur < 1.0
    assert 0.024 < sigma < 0.036
    # The same noise in an image of contrast can't be told from texture.
    assert estimate_correlated_noise((dark + 0.3 * np.linspace(0, 1, 128)[:, None])[None]) is None


def test_lines_and_letters_are_not_taken_for_noise():
    y, x = np.mgrid[:96, :96]
    lines = np.where((x + y) % 37 == 0, 0.0, 1.0)
    lines[20:22] = lines[:, 40] = 0
    page = skimage.data.page()[60:156, 60:156] / 255
    for image in (lines, page):
        assert estimate_correlated_noise(image[None]) is None


@pytest.mark.parametrize("sigma", [0, 5, 10])
@pytest.mark.parametrize("name", ["grass", "coffee", "chelsea"])
def test_texture_is_not_taken_for_correlated_noise(name, sigma):
    texture = getattr(skimage.data, name)()[100:292, 100:292]
    texture = texture if texture.ndim == 2 else texture[..., 1]
    seen = texture + np.random.default_rng(0).normal(0, 1, texture.shape) * sigma
    assert estimate_correlated_noise(np.clip(np.rint(seen), 0, 255)[None] / 255) is None


def test_a_pattern_of_period_2_has_no_correlated_noise():
    y, x = np.mgrid[:64, :64]
    assert estimate_correlated_noise((0.5 + 0.1 * (-1.0) ** (y + x))[None]) is None
