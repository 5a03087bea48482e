import numpy as np
import pytest
import skimage.data
import torch

from napari_dip.noise.impulse import find_impulses

SCENE = skimage.data.camera()[160:288, 160:288]


def found(picture: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Impulses of a grey or colour picture, 0 to 255."""
    y = torch.from_numpy(np.atleast_3d(picture).transpose(2, 0, 1)[None] / 255).float()
    observed = torch.ones_like(y, dtype=torch.bool)
    if known is not None:
        observed &= torch.from_numpy(known)
    return find_impulses(y, observed)[0].numpy()


def hit(picture: np.ndarray, fraction: float, values=(0, 255)) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    where = random.random(picture.shape) < fraction
    return np.where(where, random.choice(values, picture.shape), picture), where


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.4])
def test_salt_and_pepper_are_found(fraction):
    picture, where = hit(SCENE, fraction)
    impulses = found(picture)[0]
    changed = where & (abs(picture - SCENE.astype(float)) > 30)
    assert (impulses & changed).sum() > 0.95 * changed.sum()
    assert (impulses & ~where).mean() < 0.005


def test_dead_pixels_are_found_in_the_channel_that_has_them():
    colour = np.stack([SCENE] * 3, axis=2)
    colour[..., 1], where = hit(SCENE, 0.02, values=(0,))
    impulses = found(colour)
    assert impulses[1][where & (SCENE > 30)].mean() > 0.95
    assert not impulses[[0, 2]].any()


def test_other_noise_and_clean_images_have_no_impulses():
    random = np.random.default_rng(0)
    assert not found(SCENE).any()
    for sigma in (10, 25, 75, 120):
        noisy = np.clip(np.rint(SCENE + random.normal(0, sigma, SCENE.shape)), 0, 255)
        assert not found(noisy).any()
    for photons in (3, 30):
        counts = random.poisson(SCENE / 255 * photons)
        assert not found(np.clip(counts / photons * 255, 0, 255)).any()


@pytest.mark.parametrize("name", ["moon", "page", "text", "cell", "coins", "coffee", "retina"])
def test_photographs_have_no_impulses(name):
    picture = getattr(skimage.data, name)()[:300, :300]
    assert found(picture).mean() < 0.001


def test_missing_pixels_are_no_impulses():
    picture, _ = hit(SCENE, 0.1)
    assert not found(picture, known=np.zeros(SCENE.shape, bool)).any()
    known = np.ones(SCENE.shape, bool)
    known[:64] = False
    assert not found(picture, known)[:, :64].any()


def test_flat_images_have_no_impulses():
    assert not found(np.zeros((32, 32))).any()
