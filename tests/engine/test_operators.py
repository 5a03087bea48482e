import numpy as np
import pytest
import scipy.ndimage
import torch

from napari_dip.engine.operators import Blur, Downsample, Identity, Mask, lanczos2, resize

SPACE = {2: (5, 6), 3: (3, 4, 5)}


def some(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def hole(ndim: int) -> torch.Tensor:
    return some(*SPACE[ndim], seed=3) > 0.4


OPERATORS = {
    "identity": (Identity(), 2),
    "mask": (Mask(hole(2)), 2),
    "mask for each channel": (Mask(some(1, 2, *SPACE[2], seed=3) > 0.4), 2),
    "mask, 3-D": (Mask(hole(3)), 3),
    "mask of downsampling": (Mask(hole(2), Downsample(4, 4)), 2),
    "mask of blur": (Mask(hole(2), Blur(some(3, 4))), 2),
    **{f"downsampling {f}": (Downsample(f, f), 2) for f in (1, 2, 3, 4, 8)},
    "downsampling of z": (Downsample(3, 1, 1), 3),
    "downsampling 2, 3-D": (Downsample(2, 2, 2), 3),
    "downsampling 3, 3-D": (Downsample(3, 3, 3), 3),
    "blur, odd": (Blur(some(3, 5)), 2),
    "blur, even": (Blur(some(4, 2)), 2),
    "blur by a pixel": (Blur(torch.ones(1, 1)), 2),
    "blur, 3-D": (Blur(some(2, 3, 3)), 3),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_are_linear(name):
    operator, ndim = OPERATORS[name]
    image_shape = operator.image_shape(SPACE[ndim])
    a, b = some(1, 2, *image_shape), some(1, 2, *image_shape, seed=1)
    assert operator(a).shape == (1, 2, *SPACE[ndim])
    torch.testing.assert_close(
        operator(2 * a - b).double(), (2 * operator(a) - operator(b)).double(), atol=1e-5, rtol=0
    )


def test_a_mask_sets_unobserved_pixels_to_0():
    observed = torch.tensor([[True, False], [False, True]])
    assert Mask(observed)(torch.ones(1, 1, 2, 2)).tolist() == [[[[1, 0], [0, 1]]]]


def test_lanczos2_by_its_formula():
    """The 16 taps of 4x: L(t) = sinc(t) sinc(t / 2) at half-pixel phases, scaled to sum 1."""
    t = (np.arange(16) - 7.5) / 4
    formula = 8 * np.sin(np.pi * t) * np.sin(np.pi * t / 2) / (2 * np.pi * t) ** 2
    np.testing.assert_allclose(lanczos2(4), formula / formula.sum(), atol=1e-12)


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 8])
def test_lanczos2_is_a_symmetric_low_pass_of_gain_1(factor):
    kernel = lanczos2(factor)
    assert len(kernel) % 2 == factor % 2
    assert kernel.sum().item() == pytest.approx(1)
    torch.testing.assert_close(kernel, kernel.flip(0))


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_downsampling_is_a_separable_filter_at_the_blocks_centres(factor, ndim):
    space = (6,) * ndim
    x = some(1, 1, *(factor * n for n in space))
    expected = x[0, 0].numpy()
    kernel = lanczos2(factor).numpy()
    for axis in range(ndim):
        wide = np.pad(
            expected,
            [(len(kernel), len(kernel)) if a == axis else (0, 0) for a in range(ndim)],
            mode="edge",
        )
        centres = [len(kernel) + factor * i + (factor - 1) / 2 for i in range(6)]
        starts = [round(c - (len(kernel) - 1) / 2) for c in centres]
        taken = [
            np.tensordot(kernel, wide.take(range(s, s + len(kernel)), axis), (0, axis))
            for s in starts
        ]
        expected = np.stack(taken, axis)
    np.testing.assert_allclose(Downsample(*[factor] * ndim)(x)[0, 0], expected, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_downsampling_keeps_brightness_and_position(factor):
    operator = Downsample(factor, factor)
    n = 12
    flat = operator(torch.full((1, 1, n * factor, n * factor), 0.3))
    torch.testing.assert_close(flat, torch.full((1, 1, n, n), 0.3))
    ramp = torch.arange(n * factor, dtype=torch.float64).expand(1, 1, n * factor, -1)
    centres = torch.arange(n, dtype=torch.float64) * factor + (factor - 1) / 2
    inside = slice(2, n - 2)
    small = operator(ramp)[0, 0, :, inside]
    torch.testing.assert_close(small, centres[inside].expand(n, -1), atol=1e-4, rtol=0)


def test_downsampling_by_1_is_the_identity():
    x = some(1, 2, 5, 6)
    torch.testing.assert_close(Downsample(1, 1)(x), x, atol=1e-7, rtol=0)


def test_downsampling_by_0_is_refused():
    with pytest.raises(ValueError, match=r"factors: \(0, 0\) must be at least 1"):
        Downsample(0, 0)


@pytest.mark.parametrize("sides", [(3, 3), (4, 4), (2, 5), (1, 4), (2, 3, 4)])
def test_blur_is_a_convolution(sides):
    psf = some(*sides, dtype=torch.float32)
    operator = Blur(psf)
    space = (7, 8, 9)[: len(sides)]
    x = some(1, 1, *operator.image_shape(space), dtype=torch.float32)
    seen = operator.crop_to_visible(x)
    assert seen.shape[2:] == operator(x).shape[2:] == space
    whole = scipy.ndimage.convolve(x[0, 0].numpy(), (psf / psf.sum()).numpy())
    # Where the visible part begins in x, told from a picture of positions.
    places = torch.arange(x.numel()).reshape(x.shape)
    first = np.unravel_index(int(operator.crop_to_visible(places)[0, 0].flatten()[0]), x.shape[2:])
    inside = tuple(slice(a, a + n) for a, n in zip(first, space, strict=True))
    np.testing.assert_allclose(operator(x)[0, 0], whole[inside], atol=1e-5)


@pytest.mark.parametrize("sides", [(3, 3), (4, 4), (2, 5), (5, 2), (3, 4, 2)])
def test_what_is_visible_lies_where_a_sharp_psf_puts_it(sides):
    psf = torch.zeros(sides)
    psf[tuple(side // 2 for side in sides)] = 5.0
    operator = Blur(psf)
    x = some(1, 2, *operator.image_shape((6, 7, 8)[: len(sides)]), dtype=torch.float32)
    torch.testing.assert_close(operator(x), operator.crop_to_visible(x), atol=1e-6, rtol=0)


def test_a_blur_of_whole_numbers_is_scaled_to_sum_1():
    flat = torch.full((1, 1, 8, 8), 0.25)
    out = Blur(torch.tensor([[1, 2, 1], [0, 4, 0], [3, 0, 1]]))(flat)
    torch.testing.assert_close(out, torch.full((1, 1, 6, 6), 0.25))


@pytest.mark.parametrize(
    ("old", "new"), [((4, 6), (8, 12)), ((4, 6), (6, 4)), ((2, 4, 4), (4,) * 3)]
)
def test_resizing_keeps_a_constant(old, new):
    out = resize(torch.full((1, 2, *old), 0.5), new)
    torch.testing.assert_close(out, torch.full((1, 2, *new), 0.5))


def test_resize_to_the_same_size_changes_nothing():
    x = some(1, 2, 4, 6)
    assert torch.equal(resize(x, (4, 6)), x)
