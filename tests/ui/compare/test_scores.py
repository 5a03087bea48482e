import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_dip.ui.compare.displayed_slice import displayed_slice
from napari_dip.ui.compare.scores import noise_of, score

rng = np.random.default_rng(0)


def images(*arrays, **kwargs):
    viewer = ViewerModel()
    layers = [Image(array, name=f"{i}", **kwargs) for i, array in enumerate(arrays)]
    for layer in layers:
        viewer.add_layer(layer)
    return [displayed_slice(layer, viewer.dims) for layer in layers]


def test_figures_against_a_reference():
    truth = np.tile(np.linspace(0, 1, 32), (32, 1))
    noisy = truth + rng.normal(0, 0.1, truth.shape)
    a, b, reference = images(truth, noisy, truth)
    same, worse = score((a, b), reference)
    assert (same.psnr, same.ssim) == (np.inf, 1)
    assert worse.psnr == pytest.approx(20, abs=1)
    assert worse.ssim < 0.9
    assert worse.noise == pytest.approx(0.1, rel=0.3)
    assert same.noise < 0.01


def test_without_a_reference_there_is_the_noise():
    (a,) = images(rng.normal(0, 10, (32, 32, 3)), rgb=True)
    (figures,) = score((a,), None)
    assert (figures.psnr, figures.ssim, figures.why) == (None, None, "")
    assert figures.noise == pytest.approx(10, rel=0.2)


def test_transparency_has_no_figures():
    colours = rng.normal(120, 10, (32, 32, 4)).clip(0, 255).astype(np.uint8)
    opaque = colours.copy()
    opaque[..., 3] = 255
    a, reference = images(colours, opaque, rgb=True)
    (figures,) = score((a,), reference)
    assert figures.psnr == np.inf
    assert figures.noise == pytest.approx(10, rel=0.2)


def test_the_noise_of_a_image_with_holes_is_that_beside_them():
    image = rng.normal(100, 10, (64, 64))
    image[10:20, 10:20] = np.nan
    assert noise_of(image) == pytest.approx(10, rel=0.2)


@pytest.mark.parametrize("value", [3.0, np.nan])
def test_a_constant_image_has_no_noise(value):
    assert noise_of(np.full((16, 16), value)) == 0


def test_missing_pixels_leave_psnr_and_take_ssim():
    truth = rng.random((32, 32))
    holes = truth + 0.1
    holes[3, 4] = np.nan
    a, reference = images(holes, truth)
    (figures,) = score((a,), reference)
    assert figures.psnr == pytest.approx(20)
    assert np.isnan(figures.ssim)


def test_a_small_image_has_no_ssim():
    a, reference = images(rng.random((4, 30)), rng.random((4, 30)))
    (figures,) = score((a,), reference)
    assert np.isnan(figures.ssim)
    assert figures.psnr > 0


def test_of_another_shape_only_the_noise_is_measured():
    small, large, reference = images(*(rng.random((n, 30)) for n in (20, 40, 40)))
    other, same = score((small, large), reference)
    assert other.psnr is other.ssim is None
    assert other.noise > 0
    assert other.why == (
        "'0' has the shape (20, 30), the reference (40, 30); PSNR and SSIM need the same shape"
    )
    assert same.psnr > 0


def test_another_range_says_why():
    unit, reference = images(rng.random((20, 30)), np.full((20, 30), 99, np.uint8))
    (figures,) = score((unit,), reference)
    assert figures.psnr is None
    assert "one range" in figures.why
