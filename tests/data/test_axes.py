"""Axes: which are fitted together, in words; their scale; how far apart slices are."""

import json

import numpy as np
import pytest
import tifffile

from napari_dip import Denoise, UserError
from napari_dip.data.axes import Axes, check_axes, guess_axes, plan_axes, with_alpha
from napari_dip.restoration.files import restore_file


@pytest.mark.parametrize(
    ("axes", "shape", "each", "fitted", "words"),
    [
        ("YX", (9, 9), None, "YX", "one image"),
        ("CZYX", (3, 25, 9, 9), None, "CZYX", "3 channels jointly, 25 slices in 3-D"),
        ("TYX", (40, 9, 9), None, "YX", "40 frames one by one"),
        ("TYX", (8, 9, 9), "", "ZYX", "8 frames in 3-D"),
        ("TZYX", (4, 5, 9, 9), None, "ZYX", "4 frames one by one, 5 slices in 3-D"),
        ("TZYX", (4, 5, 9, 9), "z", "ZYX", "4 frames in 3-D, 5 slices one by one"),
        ("TZYX", (1, 5, 9, 9), "", "ZYX", "5 slices in 3-D"),
        ("TCYX", (2, 3, 9, 9), "TC", "YX", "2 frames one by one, 3 channels one by one"),
        ("YXS", (9, 9, 3), None, "YXS", "3 colours jointly"),
        ("TYX", (1, 9, 9), None, "YX", "one image"),
    ],
)
def test_which_axes_are_fitted_together(axes, shape, each, fitted, words):
    fitting = plan_axes(axes, shape, each)
    kept = [i for i, a in enumerate(axes) if a not in fitting.loop_axes]
    assert "".join(fitting.fitted[i] for i in kept) == fitted
    assert fitting.words(shape) == words


def test_axes_that_can_not_be_fitted_together_are_refused():
    with pytest.raises(
        UserError, match="loop_axes: a fit has three dimensions at most; name T or Z"
    ):
        plan_axes("TZYX", (2, 3, 9, 9), "")
    with pytest.raises(UserError, match="loop_axes: X can't be fitted one by one"):
        plan_axes("TYX", (2, 9, 9), "X")


def test_omes_order_and_finer_grids():
    axes = Axes("ZYXC", (2.0, 0.5, 0.5, 1.0), ("micrometer",) * 3 + ("",))
    ordered, where = axes.ordered()
    assert (ordered.letters, where) == ("CZYX", (3, 0, 1, 2))
    assert ordered.scale == (1.0, 2.0, 0.5, 0.5)
    finer = axes.finer((4, 1, 1, 1))
    assert finer.scale == (0.5, 0.5, 0.5, 1.0)
    assert finer.origin == (-0.75, 0, 0, 0)


def test_anisotropy_is_the_ratio_of_z_and_x():
    um = ("micrometer",) * 3
    assert Axes("ZYX", (2.0, 0.5, 0.5), um).anisotropy() == 4
    assert Axes("ZYX", (2.0, 0.5, 0.5), ("", *um[1:])).anisotropy() == 1
    assert Axes("YX", (0.5, 0.5)).anisotropy() == 1


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((20, 30), "YX"),
        ((20, 30, 1), "YXS"),
        ((20, 30, 2), "YXC"),
        ((20, 30, 3), "YXS"),
        ((20, 30, 4), "YXC"),
        ((20, 30, 5), "ZYX"),
        ((3, 20, 30), "ZYX"),
        ((5, 20, 30, 3), "ZYXS"),
        ((5, 20, 30, 4), "ZYXC"),
    ],
)
def test_axes_are_guessed(shape, axes):
    assert guess_axes(shape) == axes


@pytest.mark.parametrize("samples", [2, 4])
def test_alpha_says_that_the_last_sample_is_transparency(samples):
    assert guess_axes((20, 30, samples), alpha=True) == "YXS"
    assert with_alpha("YXC", (20, 30, samples), True) == "YXS"
    assert with_alpha("CYX", (samples, 20, 30), True) == "SYX"
    assert with_alpha("YXS", (20, 30, samples), False) == "YXC"


def test_alpha_needs_two_or_four_samples():
    assert with_alpha("YXS", (20, 30, 3), False) == "YXS"
    for axes, shape in (("YX", (20, 30)), ("YXS", (20, 30, 3)), ("CYX", (5, 20, 30))):
        with pytest.raises(UserError, match=r"alpha: .* 2 or 4; leave it out"):
            with_alpha(axes, shape, True)


@pytest.mark.parametrize("shape", [(), (20,), (2, 3, 20, 30), (2, 3, 4, 20, 30), (2, 3, 20, 30, 3)])
def test_ambiguous_axes_have_to_be_given(shape):
    with pytest.raises(UserError, match=r"image: .* give axes, for instance axes=CZYX"):
        guess_axes(shape)


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ("YX", "axes: YX names 2 axes, but the image has 3"),
        ("YXX", "must name Y and X once"),
        ("ZYC", "must name Y and X once"),
        ("TYX", "axes: T has a length of 5, and only X, Y, Z, C and S are restored together"),
        ("?YX", "has a length of 5"),
    ],
)
def test_impossible_axes_are_refused(axes, said):
    with pytest.raises(UserError, match=said.replace("?", r"\?")):
        check_axes(axes, (5, 20, 30))


def test_two_kinds_of_channels_are_one_too_many():
    with pytest.raises(UserError, match="Z, C or S at most once"):
        check_axes("CYXS", (2, 20, 30, 3))


def test_a_stack_is_fitted_as_its_file_says(tmp_path):
    stack = np.random.default_rng(0).integers(0, 255, (4, 20, 20), dtype=np.uint8)
    about = {"axes": "ZYX", "unit": "um", "spacing": 1.0}
    path, out, report = (tmp_path / name for name in ("in.tif", "out.tif", "report.json"))
    tifffile.imwrite(path, stack, imagej=True, resolution=(5, 5), metadata=about)
    task = Denoise(iterations=1, filters=(4,))
    for given, used in ((None, 5.0), (2.0, 2.0)):
        chosen = task.replace(anisotropy=given)
        restore_file(path, out, chosen, report=report, overwrite=True, device="cpu")
        assert json.loads(report.read_text())["settings"]["anisotropy"] == pytest.approx(used)
