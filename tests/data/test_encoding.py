import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_dip.data.encoding import encode, measure_intensity_range
from napari_dip.errors import UserError

DTYPES = ("uint8", "uint16", "int16", "int32", "uint64", "int64", "float32", "float64")
AXES = ("YX", "XY", "YXS", "SYX", "CYX", "YXC", "ZYX", "YXZ", "ZYXS", "CZYX", "TZCYX", "ZTYXS")


def smooth(shape, rng) -> np.ndarray:
    """Values in [0, 1], without isolated ones: a sum of waves."""
    grids = np.meshgrid(*(np.linspace(0, 3, n) for n in shape), indexing="ij")
    waves = sum(np.sin(rng.uniform(0.3, 2) * g + rng.uniform(0, 6)) for g in grids)
    return (waves - waves.min()) / (waves.max() - waves.min())


# Axes


def test_axes_may_be_in_lower_case(rng):
    _, _, encoding = encode(smooth((20, 30, 5), rng), "yxz")
    assert encoding.axes == "YXZ"


# Back and forth


@given(
    st.sampled_from(AXES),
    st.sampled_from(DTYPES),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_decoding_inverts_encoding(axes, dtype, whole_range, seed):
    rng = np.random.default_rng(seed)
    sides = {"Y": 17, "X": 20, "Z": 4, "C": 3, "S": 3, "T": 1}
    values = smooth([sides[a] for a in axes], rng)
    dtype = np.dtype(dtype)
    if dtype.kind in "ui":
        info = np.iinfo(dtype)
        top = np.nextafter(float(info.max), 0) if dtype.itemsize == 8 else info.max
        low, high = (info.min, top) if whole_range else (info.max // 20, info.max // 5)
    else:
        low, high = (0, 1) if whole_range else (-30.0, 500.0)
    image = np.clip(low + values * (float(high) - float(low)), low, high).astype(dtype)
    y, observed, encoding = encode(image, axes)
    assert y.dtype == torch.float32
    assert observed.all()
    assert y.shape == (3 if set(axes) & set("CS") else 1, *encoding.sides)
    assert -0.001 <= y.min() <= y.max() <= 1.001
    back = encoding.decode(y)
    assert (back.dtype, back.shape) == (image.dtype, image.shape)
    step = encoding.span * 2.0**-22  # of float32, which the fit computes in
    error = np.abs(back.astype(float) - image.astype(float)).max()
    assert error <= (step if dtype.kind == "f" or step > 0.5 else 0)


@pytest.mark.parametrize("value", [-5.0, 5.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_values_beyond_a_dtype_end_at_its_limits(dtype, value, rng):
    dtype = np.dtype(dtype)
    info = np.iinfo(dtype) if dtype.kind in "ui" else np.array([0, 1])
    top, bottom = (info.max, info.min) if dtype.kind in "ui" else (1, 0)
    image = (smooth((16, 16), rng) * float(top) * 0.999).astype(dtype)
    _, _, encoding = encode(image)
    out = encoding.decode(torch.full((1, 16, 16), value))
    np.testing.assert_allclose(out.astype(float), float(top if value > 0 else bottom), rtol=1e-12)


def test_floats_beyond_0_to_1_have_no_limits(rng):
    _, _, encoding = encode(smooth((16, 16), rng) * 300 - 100)
    assert encoding.decode(torch.full((1, 16, 16), 2.0)).min() > 300


def test_a_larger_tensor_is_laid_out_like_the_source(rng):
    image = (smooth((1, 3, 16, 20), rng) * 255).astype(np.uint8)
    _, _, encoding = encode(image, "TSYX")
    assert encoding.decode(torch.rand(3, 32, 40)).shape == (1, 3, 32, 40)
    assert encoding.decoded_shape((32, 40)) == (1, 3, 32, 40)


def test_a_difference_is_signed_and_in_the_images_units(rng):
    image = (300 + 1700 * smooth((16, 16), rng)).astype(np.uint16)
    _, _, encoding = encode(image)
    out = encoding.decode(torch.full((1, 16, 16), -0.5), relative=True)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, -0.5 * encoding.span)


# Missing pixels and transparency


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_missing(missing, rng):
    image = smooth((20, 20, 3), rng)
    clean, _, _ = encode(image)
    image[4:6, 7, 1] = missing
    y, observed, encoding = encode(image)
    assert (~observed).sum() == 2
    assert not observed[1, 4:6, 7].any()
    assert not y[~observed].any()
    torch.testing.assert_close(y[observed], clean[observed])
    mask = encoding.decode_mask(observed)
    np.testing.assert_array_equal(mask, np.isfinite(image))


@pytest.mark.parametrize("samples", [2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_transparency_comes_back_untouched(samples, dtype, rng):
    top = 255 if dtype is np.uint8 else 1
    image = (smooth((20, 24, samples), rng) * top).astype(dtype)
    image[..., -1] = (rng.random((20, 24)) * top).astype(dtype)
    y, _, encoding = encode(image, alpha=True)
    assert y.shape == (samples - 1, 20, 24)
    out = encoding.decode(torch.zeros_like(y))
    np.testing.assert_array_equal(out[..., -1], image[..., -1])
    assert (out.dtype, out.shape) == (image.dtype, image.shape)
    assert encoding.decode_mask(torch.zeros(samples - 1, 20, 24, dtype=torch.bool))[..., -1].all()


def test_transparency_is_enlarged_with_the_image(rng):
    image = (smooth((16, 16, 4), rng) * 255).astype(np.uint8)
    image[..., -1] = np.repeat([[0], [255]], 8, axis=0)
    _, _, encoding = encode(image, alpha=True)
    out = encoding.decode(torch.rand(3, 32, 32))
    assert out.shape == (32, 32, 4)
    assert (out[:14, :, 3] == 0).all()
    assert (out[18:, :, 3] == 255).all()


@pytest.mark.parametrize("samples", [2, 4])
@pytest.mark.parametrize(
    "how", [{}, {"alpha": False}, {"axes": "YXC"}, {"axes": "YXS", "alpha": False}]
)
def test_all_samples_are_fitted_where_none_is_transparency(samples, how, rng):
    image = (smooth((20, 24, samples), rng) * 255).astype(np.uint8)
    y, _, encoding = encode(image, **how)
    assert y.shape == (samples, 20, 24)
    assert encoding.alpha is None
    np.testing.assert_array_equal(encoding.decode(y), image)


def test_two_or_four_channels_are_not_transparent(rng):
    y, _, encoding = encode((smooth((4, 20, 20), rng) * 255).astype(np.uint8), "CYX")
    assert y.shape[0] == 4
    assert encoding.alpha is None


@pytest.mark.parametrize(
    ("axes", "shape", "fits"),
    [
        ("YXS", (20, 24, 3), [(20, 24), (20, 24, 3)]),
        ("YXS", (20, 24, 4), [(20, 24), (20, 24, 4)]),
        ("SYX", (3, 20, 24), [(20, 24), (3, 20, 24)]),
        ("ZYX", (5, 20, 24), [(5, 20, 24)]),
        ("TYX", (1, 20, 24), [(20, 24), (1, 20, 24)]),
        ("TCZYX", (1, 2, 5, 20, 24), [(5, 20, 24), (1, 5, 20, 24), (1, 2, 5, 20, 24)]),
    ],
)
def test_masks_that_match(axes, shape, fits, rng):
    _, _, encoding = encode(smooth(shape, rng), axes)
    for fit in fits:
        mask = np.zeros(fit)
        mask[..., 3, 5, *([0] * (axes[-1] == "S" and len(fit) == len(shape)))] = 1
        laid_out = encoding.match(mask)
        assert laid_out.shape[1:] == encoding.sides
        assert laid_out[0, ..., 3, 5].all()
        assert laid_out.astype(bool).sum() == laid_out[..., 3, 5].astype(bool).sum()
    assert encoding.match(np.zeros((24, 20))) is None
    assert encoding.match(np.zeros((2, *shape))) is None


# What can't be restored


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((0, 20)), "it is empty"),
        (np.zeros((20, 15)), "15 x 20 pixels is too small; at least 16 a side"),
        (np.zeros((20, 20)), "every pixel is 0; there is nothing to restore"),
        (np.full((20, 20, 3), 7, np.uint8), "every pixel is 7"),
        (np.full((20, 20), np.nan), "it has no finite pixel"),
        (np.zeros((20, 20), complex), "complex128 values can't be restored"),
        (np.zeros((20, 20), bool), "bool values can't be restored"),
        (np.full((20, 20), "a"), "<U1 values can't be restored"),
    ],
)
def test_arrays_that_are_no_images_are_refused(image, said):
    with pytest.raises(UserError, match=rf"^image: {said}") as caught:
        encode(image)
    assert "\n" not in str(caught.value)


def test_an_image_of_16_pixels_a_side_is_accepted(rng):
    y, _, _ = encode(smooth((16, 16), rng))
    assert y.shape == (1, 16, 16)


def test_encoding_does_not_change_the_given_array(rng):
    image = smooth((20, 20), rng)
    image[3, 3] = np.nan
    kept = image.copy()
    y, _, encoding = encode(image)
    y.fill_(9)
    encoding.decode(y)
    np.testing.assert_array_equal(image, kept)


@pytest.mark.parametrize("axes", ["YX", "YXS", "CYX"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_tiles_are_scaled_as_the_whole_image(axes, dtype, rng):
    shape = {"YX": (40, 32), "YXS": (40, 32, 3), "CYX": (3, 40, 32)}[axes]
    ramp = np.linspace(50, 150, 40).reshape([40 if a == "Y" else 1 for a in axes])
    image = (np.broadcast_to(ramp, shape) + rng.normal(0, 5, shape)).astype(dtype)
    whole, _, encoding = encode(image, axes)
    y = axes.index("Y")
    parts = np.split(image, 2, axis=y)
    intensity_range = measure_intensity_range(parts[0], axes) | measure_intensity_range(
        parts[1], axes
    )
    for number, part in enumerate(parts):
        scaled, _, own = encode(part, axes, intensity_range)
        np.testing.assert_allclose(own.black, encoding.black, atol=2)
        np.testing.assert_allclose(own.white, encoding.white, atol=2)
        assert own.limits == encoding.limits
        half = whole[:, 20 * number : 20 * number + 20]
        np.testing.assert_allclose(scaled.numpy(), half.numpy(), atol=0.03)
        np.testing.assert_array_equal(own.decode(scaled).astype(int), part.astype(int))


def test_a_constant_or_empty_tile_is_accepted():
    flat = np.full((16, 16), 7, np.uint8)
    intensity_range = measure_intensity_range(np.arange(256, dtype=np.uint8).reshape(16, 16), "YX")
    y, _, encoding = encode(flat, "YX", intensity_range)
    assert (encoding.decode(y) == 7).all()
    with pytest.raises(UserError, match="nothing to restore"):
        encode(flat, "YX")
    assert measure_intensity_range(np.full((16, 16), np.nan), "YX") is None
