"""Point spread functions as they are measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_dip import Deblur, UserError, prepare
from napari_dip.data.psf import mended_psf

SPACE = (64, 72)


def spot(n=31, at=(0.0, 0.0), width=1.5):
    """A Gaussian spot in n x n pixels, this far from the middle pixel."""
    y, x = np.mgrid[:n, :n] - n // 2
    return np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * width**2))


def mended(psf, sides=SPACE, letters="YX"):
    """The PSF as it is used, with a sum of 1, and the notes as one text."""
    values, notes = mended_psf(np.asarray(psf), sides, letters)
    assert (values >= 0).all()
    return values / values.sum(dtype=float), "; ".join(map(str, notes))


def difference(psf, clean):
    """The largest difference of two PSFs around their middle pixels, as a part of the peak."""
    reach = max(*psf.shape, *clean.shape)
    wide = []
    for values in (psf, clean):
        before = [reach - n // 2 for n in values.shape]
        after = [reach - n + n // 2 for n in values.shape]
        wide.append(np.pad(values, list(zip(before, after, strict=True))))
    return np.abs(wide[0] - wide[1]).max() / wide[1].max()


CLEAN = {
    "a spot": spot(11),
    "a spot that is cut off": spot(5),
    "a wide spot": spot(21, width=7),
    "a wide spot that is cut off": spot(21, width=10),
    "a long tail": 1 / (1 + np.hypot(*(np.mgrid[:21, :21] - 10)) ** 2 / 4),
    "a box": np.ones((3, 3)),
    "a large box": np.ones((15, 15), np.uint8),
    "a disc": (np.hypot(*(np.mgrid[:21, :21] - 10)) <= 10).astype(np.float32),
    "a ring": (abs(np.hypot(*(np.mgrid[:21, :21] - 10)) - 8) < 1).astype(float),
    "a motion": np.eye(9),
    "a motion along x": np.ones((1, 7)),
    "a double image": np.array([[1.0, 0, 0, 0, 1]]),
    "another shape": spot(31)[:, 10:21],
    "16 bits": (spot(15) * 65535).astype(np.uint16),
}


@pytest.mark.parametrize("psf", CLEAN.values(), ids=CLEAN)
def test_a_clean_psf_stays_as_it_is(psf):
    values, notes = mended_psf(psf, SPACE, "YX")
    assert values is psf
    assert notes == []


NOISE = np.random.default_rng(0).normal(0, 1, (31, 31))

MEASURED = {
    "a background of 8 bits": ((spot() * 245 + 10).astype(np.uint8), "background of 10", 0.03),
    "a background of floats": (spot() + 0.3, "a background of 0.3 ", 0.01),
    "a negative background": (spot() - 0.1, "a background of -0.1 ", 0.01),
    "a background with noise": (spot() + 0.1 + 0.01 * NOISE, "a background of 0.099 ", 0.06),
    "noise without a background": (spot() + 0.02 * NOISE, "noise around its spot", 0.12),
    "few photons": (
        np.random.default_rng(2).poisson(400 * spot() + 2),
        "a background of 2.1",
        0.15,
    ),
    "few photons on a weak background": (
        np.random.default_rng(0).poisson(50 * spot() + 0.3),
        "a background of 0.3",
        0.3,
    ),
    "off the middle": (spot(at=(0, 4)), "moved to the middle, by 4 pixels along X", 0.001),
    "off along both axes": (spot(at=(-3, 6)), "3 pixels along Y and 6 pixels along X", 0.001),
    "off by part of a pixel": (spot(at=(2.5, 0)), "by 2.5 pixels along Y", 0.02),
    "an even size": (spot(30, at=(-0.5, -0.5)), "by 0.5 pixels along Y and 0.5", 0.02),
    "the order of an FFT": (np.fft.ifftshift(spot()), "shifted along Y and X", 1e-9),
    "the order of an FFT of even size": (np.fft.ifftshift(spot(32)), "shifted along Y and X", 1e-9),
    "the order of an FFT along x": (np.fft.ifftshift(spot(), 1), "shifted along X", 1e-9),
    "an FFT on a background": (np.fft.ifftshift(spot()) + 0.05, "a background of 0.05 ", 0.01),
    "off on a background": (spot(at=(5, 0)) * 200 + 20, "by 5 pixels along Y", 0.01),
    "far larger than the image": (spot(301), "larger than the image and cropped", 0.01),
    "of negative values": (spot(11) - 0.002, "negative values are set to 0", 0.03),
}


@pytest.mark.parametrize(("psf", "said", "most"), MEASURED.values(), ids=MEASURED)
def test_a_measured_psf_is_mended_with_a_note(psf, said, most):
    values, notes = mended(psf)
    assert said in notes
    assert all(k <= n for k, n in zip(values.shape, SPACE, strict=True))
    assert difference(values, spot() / spot().sum()) < most
    centre = [
        (values * (np.indices(values.shape)[i] - n // 2)).sum() for i, n in enumerate(values.shape)
    ]
    assert np.abs(centre).max() < 0.31


@pytest.mark.parametrize("dtype", [bool, np.int16, np.uint32, np.float16, np.float64, ">f4"])
def test_any_real_dtype_is_taken(dtype):
    disc = np.hypot(*(np.mgrid[:7, :7] - 3)) <= 3
    values, notes = mended(disc.astype(dtype))
    np.testing.assert_allclose(values, disc / disc.sum())
    assert ("true and false" in notes) == (dtype is bool)


@pytest.mark.parametrize("scale", [1e-60, 1e-38, 1e60])
def test_its_scale_does_not_matter(scale):
    values, notes = mended_psf(spot(11) * scale, SPACE, "YX")
    single = values.astype(np.float32)
    np.testing.assert_allclose(single / single.sum(), spot(11) / spot(11).sum(), rtol=1e-5)
    assert notes == []


@pytest.mark.parametrize("shape", [(1, 11, 11), (11, 11, 1), (1, 11, 1, 11), (1, 1, 11, 11)])
def test_axes_of_length_1_are_left_out(shape):
    values, notes = mended_psf(spot(11).reshape(shape), SPACE, "YX")
    np.testing.assert_array_equal(values, spot(11))
    assert notes == []


@pytest.mark.parametrize("samples", [3, 4])
def test_colours_are_averaged(samples):
    psf = np.repeat((255 * spot(11))[..., None].astype(np.uint8), samples, axis=-1)
    psf[..., 3:] = 255
    values, notes = mended(psf)
    assert difference(values, spot(11) / spot(11).sum()) < 0.03
    assert "psf: it is in colour, and the mean of its colours is taken" in notes


def test_a_volume_has_thin_kernels_and_thick_ones():
    y, z = spot(15)[None], np.exp(-((np.mgrid[:11] - 5) ** 2) / 2)[:, None, None]
    sides = (20, *SPACE)
    assert mended_psf(y, sides, "ZYX") == (y, [])
    thick = y * z
    assert mended_psf(thick, sides, "ZYX")[0] is thick
    for psf, said in (
        (thick + 0.04, "a background of 0.04 "),
        (np.roll(thick, 2, 0), "along Z"),
        (np.fft.ifftshift(thick), "shifted along Z and Y and X"),
        (np.fft.ifftshift(y, 2), "shifted along X"),
        (y + 0.04, "a background of 0.04 "),
    ):
        values, notes = mended(psf, sides, "ZYX")
        assert said in notes
        clean = y if psf.shape[0] == 1 else thick
        assert (
            np.abs(
                np.array(values.shape) // 2 - np.unravel_index(values.argmax(), values.shape)
            ).max()
            == 0
        )
        assert values.max() == pytest.approx(clean.max() / clean.sum(), rel=0.1)


REFUSED = [
    (np.zeros((5, 5)), "every value is 0; give"),
    (np.zeros((0, 5)), "it is empty"),
    (np.where(np.eye(5) > 0, np.nan, 1), "5 of its 25 values are not finite numbers; set them"),
    (np.fft.fft2(spot(11)), "complex, as an optical transfer function's; give its inverse"),
    (np.array([["a"]]), "its values are <U1; give real numbers"),
    (np.ones((5, 5, 5)), r"it has 3 axes of shape \(5, 5, 5\), .* in focus, such as psf\[2\]"),
    (np.ones(9), "it has 1 axes"),
    (np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]), "50 % of its light is negative"),
    (spot(11) - 0.4 * spot(11, width=3), "of its light is negative"),
    (-spot(11), "no value is above 0"),
    (np.ones((65, 65)), "its light reaches over 65 x 65 pixels .* more than the image's 64 x 72"),
]


@pytest.mark.parametrize(("psf", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_no_psf_is_refused_with_the_right_reason(psf, said):
    with pytest.raises(UserError, match=f"^psf: .*{said}"):
        mended_psf(psf, SPACE, "YX")


def test_a_plane_for_a_volume_is_refused_with_the_remedy():
    with pytest.raises(UserError, match=r"psf: it has 2 axes .* give it the shape \(1, y, x\)"):
        mended_psf(spot(11), (20, *SPACE), "ZYX")


def test_what_can_not_be_mended_is_said():
    values, notes = mended(np.ones((2, 2)))
    assert values.shape == (2, 2)
    assert "its middle lies between pixels, so the result is displaced by 0.5 pixels" in notes
    assert "a single point, so no blur is undone" in mended(np.pad([[3]], 2))[1]


@given(st.integers(-5, 5), st.integers(-5, 5), st.sampled_from([0.0, 0.02, 0.3]), st.booleans())
def test_whatever_is_measured_together_is_mended_together(dy, dx, background, in_fft_order):
    psf = spot(33, at=(dy, dx)) + background
    if in_fft_order and not (dy or dx):
        psf = np.fft.ifftshift(psf)
    values, _ = mended(psf)
    assert difference(values, spot(33) / spot(33).sum()) < 0.03


def test_mending_goes_into_a_job_and_its_notes(rng):
    image = rng.random(SPACE)
    task = Deblur(iterations=1, filters=(4,))
    job = prepare(image, task, psf=np.roll(spot(21), 3, 1) + 0.1)
    clean = prepare(image, task, psf=spot(21))
    assert (
        difference(
            job.measurement.psf.numpy() / float(job.measurement.psf.sum()),
            spot(21) / spot(21).sum(),
        )
        < 0.01
    )
    assert [note.about for note in job.notes] == ["psf", "psf"]
    assert clean.notes == ()
    with pytest.raises(UserError, match=r"psf: a background of 0\.1 is subtracted.*--strict"):
        prepare(image, task, psf=spot(21) + 0.1, strict=True)
