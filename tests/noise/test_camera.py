import numpy as np
import pytest

from napari_dip.noise.camera import (
    CameraNoise,
    estimate_camera_noise,
    estimate_sparse_counts,
)


@pytest.fixture
def camera():
    """Take pictures of waves of light: (photons at white, read noise in photons) to counts."""

    def prepare_measurement(
        photons: float, read_noise: float = 0.0, gain: float = 10.0, offset: float = 100.0
    ):
        random = np.random.default_rng(0)
        y, x = np.mgrid[-1:1:128j, -1:1:128j]
        scene = 0.5 + 0.45 * np.sin(4 * x) * np.cos(3 * y)
        seen = random.poisson(photons * scene) + random.normal(0, read_noise, scene.shape)
        return offset + gain * seen

    return prepare_measurement


@pytest.mark.parametrize(("photons", "read_noise"), [(30, 0), (30, 1), (200, 3)])
def test_a_cameras_gain_is_estimated(camera, photons, read_noise):
    found = estimate_camera_noise([camera(photons, read_noise)])
    assert found.gain == pytest.approx(10, rel=0.25)
    # Offset and read noise are told together: by the noise at some light.
    bright = found.gain * (100 + 10 * photons - found.offset) + found.read_noise**2
    assert bright == pytest.approx(100 * (photons + read_noise**2), rel=0.25)


def test_uniform_noise_is_not_taken_for_a_cameras():
    random = np.random.default_rng(0)
    ramp = np.linspace(0, 200, 128) + random.normal(0, 10, (128, 128))
    assert estimate_camera_noise([ramp]) is None
    assert estimate_camera_noise([np.clip(np.rint(ramp), 0, 255)]) is None


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((64, 64)),
        np.tile(np.arange(64.0), (64, 1)),
        np.where(np.random.default_rng(0).random((64, 64)) < 0.1, 255.0, 20.0),
        np.random.default_rng(0).random((4, 5)),
    ],
    ids=["constant", "clean", "impulses", "tiny"],
)
def test_images_without_camera_noise_give_none(picture):
    assert estimate_camera_noise([picture]) is None


def test_channels_and_slices_are_estimated_together(camera):
    stack = np.stack([camera(30), camera(30)])
    assert estimate_camera_noise([stack, stack]).gain == pytest.approx(10, rel=0.25)


def test_the_noise_map_grows_with_brightness():
    flat = np.full((16, 32), 1100.0)
    flat[:, :16] = 100
    std = CameraNoise(gain=10, offset=100, read_noise=20).std(flat)
    assert std[8, 28] == pytest.approx((10 * 1000 + 400) ** 0.5)
    assert std[8, 2] == pytest.approx(20, rel=0.01)


def test_no_pixel_of_the_noise_map_is_0():
    dark = np.linspace(0, 1000, 32) * np.ones((16, 1))
    std = CameraNoise(gain=10, offset=500).std(dark)
    assert std.min() > 0.05 * std.max()


def test_stabilized_noise_has_a_deviation_of_one_and_comes_back_without_a_bias():
    camera = CameraNoise(gain=3.0, offset=50.0, read_noise=4.0)
    random = np.random.default_rng(0)
    for photons in (3.0, 10.0, 100.0):
        seen = 50 + 3 * random.poisson(photons, 200_000) + random.normal(0, 4, 200_000)
        stable = camera.stabilized(seen)
        assert 0.9 < stable.std() < 1.05
        assert camera.from_stabilized(stable.mean()) == pytest.approx(50 + 3 * photons, rel=0.01)


def test_nothing_below_the_offset_comes_back():
    camera = CameraNoise(gain=2.0, offset=10.0)
    assert (camera.from_stabilized(np.array([-5.0, 0.0, 0.5])) == 10).all()


@pytest.mark.parametrize("photons", [0.1, 0.3])
def test_sparse_counts_are_found_where_most_pixels_saw_nothing(photons):
    light = photons * (1 + np.sin(np.linspace(0, 6, 96))) * np.ones((96, 1))
    counts = np.random.default_rng(0).poisson(light)
    assert estimate_sparse_counts([100.0 + 5 * counts]) == CameraNoise(5.0, 100.0)


def test_lines_many_photons_and_fractions_are_no_sparse_counts():
    lines = np.zeros((64, 64))
    lines[20:22] = lines[:, 40:43] = 255
    random = np.random.default_rng(0)
    many = random.poisson(3, (64, 64)).astype(float)
    fractions = random.poisson(0.2, (64, 64)) * random.uniform(1, 2, (64, 64))
    assert [estimate_sparse_counts([v]) for v in (lines, many, fractions)] == [None] * 3
