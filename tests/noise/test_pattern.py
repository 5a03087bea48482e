import numpy as np
import pytest
import skimage.data

from napari_dip.noise.pattern import find_pattern

SCENE = skimage.data.camera()[100:196, 150:246] / 255
Y, X = np.mgrid[:96, :96]
KINDS = {"checkerboard": Y + X, "columns": X, "rows": Y}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_pattern_of_period_2_is_found_in_an_image(kind, noise):
    pattern = 0.04 * (-1.0) ** KINDS[kind]
    noisy = SCENE + pattern + np.random.default_rng(0).normal(0, noise, SCENE.shape)
    found = find_pattern(noisy[None])
    assert found is not None
    assert np.abs(found[0] - pattern).max() < 0.004


def test_patterns_add_up_and_channels_have_their_own():
    both = 0.04 * (-1.0) ** (Y + X) + 0.02 * (-1.0) ** X
    found = find_pattern(np.stack([SCENE + both, SCENE]))
    assert found is not None
    assert np.abs(found[0] - both).max() < 0.004
    assert not found[1].any()


@pytest.mark.parametrize("name", ["page", "brick", "grass", "coins", "text"])
def test_images_have_none(name):
    image = getattr(skimage.data, name)() / 255
    assert find_pattern(image[None]) is None
    noisy = image + np.random.default_rng(0).normal(0, 0.1, image.shape)
    assert find_pattern(noisy[None]) is None


def test_too_small_an_image_has_none():
    assert find_pattern((-1.0) ** np.mgrid[:8, :32].sum(0)[None]) is None
