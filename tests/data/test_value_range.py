"""Which values become black and white."""

import numpy as np
import pytest

from napari_dip.data.encoding import encode
from napari_dip.data.value_range import RANGE_MARGIN, nominal_range

RAMP = np.add.outer(np.linspace(0, 0.5, 20), np.linspace(0, 0.5, 20))
"""From 0 to 1, without isolated values."""


def test_an_image_that_fills_its_range_keeps_it():
    _, _, encoding = encode((20 + 200 * RAMP).astype(np.uint8))
    assert (encoding.black, encoding.white) == (0, 255)
    _, _, encoding = encode(0.1 + 0.7 * RAMP)
    assert (encoding.black, encoding.white) == (0, 1)


def test_a_microscopes_frame_stays_in_its_units():
    image = (300 + 1700 * RAMP).astype(np.uint16)
    y, _, encoding = encode(image)
    assert encoding.black == pytest.approx(300 - RANGE_MARGIN * 1700, abs=2)
    assert encoding.white == pytest.approx(2000 + RANGE_MARGIN * 1700, abs=2)
    assert y.min() == pytest.approx(RANGE_MARGIN / (1 + 2 * RANGE_MARGIN), abs=0.01)
    assert y.max() == pytest.approx(1 - RANGE_MARGIN / (1 + 2 * RANGE_MARGIN), abs=0.01)


@pytest.mark.parametrize("broken", [[(5, 5)], [(5, 5), (5, 6), (6, 5)]], ids=["one", "three"])
def test_hot_and_dead_pixels_do_not_widen_the_range(broken):
    image = (300 + 1700 * RAMP).astype(np.uint16)
    clean, _, expected = encode(image)
    for value in (65535, 0):
        spoilt = image.copy()
        spoilt[tuple(zip(*broken, strict=True))] = value
        y, _, encoding = encode(spoilt)
        assert encoding.span == pytest.approx(expected.span, rel=0.2)
        assert y.abs().max() <= 1.25
        assert y[0, 12, 12] == pytest.approx(clean[0, 12, 12].item(), abs=0.15)


@pytest.mark.parametrize("sigma", [0.7, 0.85, 1.0, 1.5])
def test_the_image_of_a_point_keeps_its_height(sigma, rng):
    """As sharp as a microscope samples it: a third of a hot pixel's neighbours are bright too."""
    y, x = np.mgrid[:40, :40]
    spot = 2000 * np.exp(-((y - 20) ** 2 + (x - 20) ** 2) / 2 / sigma**2)
    image = (100 + 3 * rng.standard_normal(spot.shape) + spot).astype(np.uint16)
    tensor, _, encoding = encode(image)
    assert tensor.max() <= 1  # where the network's images end
    assert encoding.decode(tensor).max() == image.max()


def test_channels_have_ranges_of_their_own_and_samples_share_one():
    base = RAMP
    image = np.stack([300 + 1000 * base, 10 + 50 * base]).astype(np.uint16)
    _, _, own = encode(image, "CYX")
    assert own.white - own.black == pytest.approx([1200, 60], rel=0.02)
    _, _, shared = encode(np.concatenate([image, image[:1]]), "SYX")
    assert len(set(shared.black)) == len(set(shared.white)) == 1


def test_one_empty_channel_is_accepted():
    image = np.stack([(900 * RAMP).astype(np.uint16), np.zeros((20, 20), "u2")])
    y, _, encoding = encode(image, "CYX")
    np.testing.assert_array_equal(encoding.decode(y), image)


def test_an_image_of_isolated_points_has_a_range():
    image = np.zeros((20, 20), np.uint16)
    image[::5, ::5] = 700
    y, _, encoding = encode(image)
    np.testing.assert_array_equal(encoding.decode(y), image)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.zeros(3, np.uint8), (0, 255)),
        (np.zeros(3, np.int16), (-32768, 32767)),
        (np.array([0.2, 0.7]), (0, 1)),
        (np.array([0.2, np.nan, 3.0]), (0.2, 3)),
        (np.array([-0.1, 0.9, np.inf]), (-0.1, 0.9)),
    ],
)
def test_black_and_white_of_dtypes(image, expected):
    assert nominal_range(image.dtype, image) == expected
