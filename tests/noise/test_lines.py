"""Row and column noise on made-up pictures, and pictures with such structure, which stays."""

import numpy as np
import pytest
from skimage import data

from napari_dip.noise.lines import find_line_offsets

PICTURES = ("camera", "coins", "page", "text", "brick", "grass", "gravel", "moon", "clock")


def picture(name: str) -> np.ndarray:
    return getattr(data, name)()[:160, :160] / 255.0


def noise(seed: int, *shape: int, sigma: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, shape)


def rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean((error - error.mean()) ** 2)))


@pytest.mark.parametrize(
    ("name", "white"),
    [(name, 0.0) for name in PICTURES] + [(name, 0.03) for name in PICTURES if name != "page"],
)
def test_row_noise_is_found_and_most_of_it_goes(name, white):
    """A page's lines of text hide row noise that comes with white noise."""
    clean = picture(name)
    offsets = noise(1, len(clean), 1, sigma=0.04)
    given = clean + offsets + noise(2, *clean.shape, sigma=white)
    found = find_line_offsets(given[None])
    assert found is not None
    assert rms(found[0] - offsets) < 0.75 * rms(offsets)
    assert np.ptp(found[0], axis=1).max() < 1e-9


def test_column_noise_is_row_noise_of_the_turned_picture():
    given = picture("camera") + noise(1, 160, 1, sigma=0.04)
    found, turned = find_line_offsets(given[None]), find_line_offsets(given.T[None])
    np.testing.assert_allclose(turned[0].T, found[0], atol=1e-12)


@pytest.mark.parametrize("name", PICTURES)
def test_clean_and_noisy_pictures_have_none(name):
    whole = getattr(data, name)() / 255.0
    for sigma in (0.0, 0.06):
        given = whole + noise(0, *whole.shape, sigma=sigma)
        assert find_line_offsets(given[None]) is None


def structures() -> dict[str, np.ndarray]:
    y, x = np.mgrid[:96, :96]
    random = np.random.default_rng(0)
    blinds = np.where(y % 12 < 3, 0.2, 0.8)
    rungs = np.repeat(random.random(24), 4)[:, None] * np.ones(96)
    return {
        "fine waves": 0.5 + 0.3 * np.sin(1.5 * y),
        "coarse waves": 0.5 + 0.3 * np.sin(0.5 * y),
        "waves of two periods": 0.5 + 0.2 * np.sin(0.9 * y) + 0.2 * np.sin(2.1 * y),
        "blinds": blinds,
        "bars of two values": random.integers(0, 2, 96)[:, None] * np.ones(96),
        "wide bars": np.repeat(random.integers(0, 2, 48), 2)[:, None] * np.ones(96),
        "rungs of any grey": rungs,
        "a few lines": np.where(np.isin(y, (20, 21, 50, 83)), 0.0, 1.0),
        "bricks": np.where((y % 16 < 2) | ((x + 8 * (y // 16 % 2)) % 24 < 2), 0.3, 0.7),
        "staircase": (y // 8) / 12,
    }


@pytest.mark.parametrize("name", structures())
@pytest.mark.parametrize("sigma", [0.0, 0.02])
def test_structure_along_rows_or_columns_stays(name, sigma):
    given = structures()[name] + noise(0, 96, 96, sigma=sigma)
    assert find_line_offsets(given[None]) is None
    assert find_line_offsets(given.T[None]) is None


def test_each_channel_has_its_own_offsets():
    clean = np.stack([picture("camera"), picture("coins")])
    offsets = np.stack([noise(1, 160, 1, sigma=0.04), np.zeros((160, 1))])
    found = find_line_offsets(clean + offsets)
    assert found[0].any()
    assert not found[1].any()


@pytest.mark.parametrize("shape", [(1, 8, 100), (1, 100, 8), (1, 1, 1)])
def test_small_planes_are_left(shape):
    assert find_line_offsets(noise(0, *shape, sigma=0.1)) is None


def test_an_empty_plane_has_none():
    assert find_line_offsets(np.zeros((2, 64, 64))) is None
