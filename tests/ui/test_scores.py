import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_dip.errors import UserError
from napari_dip.ui.scores import picture_of, score

rng = np.random.default_rng(0)


def pictures(*arrays, **kwargs):
    layers = [Image(array, **kwargs) for array in arrays]
    viewer = ViewerModel()
    for layer in layers:
        viewer.add_layer(layer)
    return [picture_of(layer, viewer.dims) for layer in layers]


def test_figures_against_a_reference():
    truth = np.tile(np.linspace(0, 1, 32), (32, 1))
    noisy = truth + rng.normal(0, 0.1, truth.shape)
    a, b, reference = pictures(truth, noisy, truth)
    same, worse = score(((a, b), reference))
    assert (same.psnr, same.ssim) == (np.inf, 1)
    assert worse.psnr == pytest.approx(20, abs=1)
    assert worse.ssim < 0.9
    assert worse.noise == pytest.approx(0.1, rel=0.3)
    assert same.noise < 0.01


def test_without_a_reference_there_is_the_noise():
    (a,) = pictures(rng.normal(0, 10, (32, 32, 3)), rgb=True)
    (figures,) = score(((a,), None))
    assert (figures.psnr, figures.ssim) == (None, None)
    assert figures.noise == pytest.approx(10, rel=0.2)


def test_a_slice_of_a_stack_is_compared():
    (a,) = pictures(rng.random((3, 20, 30)))
    assert a.read().shape == (20, 30)


def test_other_shapes_are_refused():
    a, reference = pictures(rng.random((20, 30)), rng.random((40, 60)))
    with pytest.raises(UserError, match=r"\(20, 30\).*\(40, 60\)"):
        score(((a,), reference))
