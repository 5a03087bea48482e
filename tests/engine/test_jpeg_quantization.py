"""Grid, sampling and steps of JPEGs that Pillow wrote, found from their pixels alone."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import truncnorm

from napari_dip.engine.jpeg_quantization import (
    _truncated_mean,
    find_quantization,
    from_luma_chroma,
    to_luma_chroma,
)

OWN_STEPS = [3 + (k * 7) % 40 for k in range(64)]
"""A table that is no multiple of the standard's."""


@pytest.fixture
def scene(rng):
    """Coloured waves with grain, 112 x 128."""
    y, x = np.mgrid[:112, :128]
    waves = [128 + 70 * np.sin(y / a + x / b) for a, b in ((5, 9), (11, 7), (8, -6))]
    image = np.stack(waves, -1) + rng.normal(0, 12, (112, 128, 1))
    return image.clip(4, 251).astype(np.uint8)


def compressed(image, **options):
    """Levels (channels, y, x) after compression, and the tables by name."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", **options)
    opened = Image.open(file)
    levels = np.array(opened, np.float32)
    return (levels[None] if levels.ndim == 2 else np.moveaxis(levels, -1, 0)), opened.quantization


def found(levels, observed=None):
    if observed is None:
        observed = np.ones(levels.shape[1:], bool)
    levels = torch.from_numpy(np.ascontiguousarray(levels))
    return find_quantization(levels, torch.from_numpy(observed))


def tables(quantization):
    return [each.steps.flatten().int().tolist() for each in quantization.components]


@pytest.mark.parametrize("quality", [8, 25, 50, 90])
def test_the_steps_of_a_grey_image_are_found(scene, quality):
    levels, true = compressed(scene[..., 0], quality=quality)
    assert len(found(levels).components) == 1
    same = np.array(tables(found(levels))[0]) == np.array(true[0])
    assert same.sum() >= 63  # few coefficients tell the coarsest steps


@pytest.mark.parametrize(("subsampling", "sampling"), [(0, (1, 1)), (1, (1, 2)), (2, (2, 2))])
@pytest.mark.parametrize("quality", [20, 75])
def test_the_sampling_of_chroma_is_found(scene, quality, subsampling, sampling):
    levels, true = compressed(scene, quality=quality, subsampling=subsampling)
    quantization = found(levels)
    assert tables(quantization) == [list(true[0]), list(true[1]), list(true[1])]
    assert [each.sampling for each in quantization.components[1:]] == [sampling, sampling]


@pytest.mark.parametrize(("top", "left"), [(3, 5), (8, 0), (9, 14)])
def test_the_grid_is_found_after_cropping(scene, top, left):
    levels, _ = compressed(scene, quality=40)
    luma, *chroma = found(levels[:, top:, left:]).components
    assert luma.start == (-top % 8, -left % 8)
    assert {each.start for each in chroma} == {(-top % 16, -left % 16)}


def test_steps_that_are_not_the_standards_are_found(scene):
    levels, true = compressed(scene[..., 0], qtables=[OWN_STEPS])
    steps = np.array(tables(found(levels))[0])
    assert (steps == np.array(true[0])).mean() > 0.9


def test_bounds_hold_the_uncompressed_image(scene):
    clean = torch.from_numpy(np.moveaxis(scene, -1, 0).astype(np.float32))
    levels, _ = compressed(scene, quality=20)
    for component, plane in zip(found(levels).components, to_luma_chroma(clean), strict=True):
        value = component.coefficients(plane)
        inside = (value >= component.lower - 3) & (value <= component.upper + 3)
        assert inside.float().mean() > 0.995


def test_the_expected_error_is_near_the_true_one(scene):
    for quality in (75, 90):
        levels, _ = compressed(scene[..., 0], quality=quality)
        error = np.sqrt(np.mean((levels[0] - scene[..., 0]) ** 2))
        assert 0.6 * error < found(levels).components[0].deviation < 2 * error


def test_images_that_are_no_jpeg_have_no_quantization(scene, rng):
    clean = np.moveaxis(scene, -1, 0).astype(np.float32)
    file, _ = compressed(scene, quality=30)
    resized = Image.fromarray(np.moveaxis(file, 0, -1).astype(np.uint8)).resize((180, 160), 3)
    flat = np.full((1, 64, 64), 100, np.float32)
    for levels in (clean, clean[:1], np.moveaxis(np.array(resized, np.float32), -1, 0), flat):
        assert found(levels) is None
    assert found(np.rint(rng.uniform(0, 255, (3, 64, 64))).astype(np.float32)) is None


def test_images_smaller_than_two_blocks_have_no_quantization():
    assert found(np.zeros((1, 15, 40), np.float32)) is None


def test_missing_pixels_bound_nothing(scene):
    levels, true = compressed(scene[..., 0], quality=25)
    observed = np.ones(levels.shape[1:], bool)
    observed[16:20, 24:30] = False
    levels[0][~observed] = 0
    luma = found(levels, observed).components[0]
    assert tables(found(levels, observed)) == [list(true[0])]
    unbounded = torch.isinf(luma.lower).flatten(2).all(2)
    assert unbounded.nonzero().tolist() == [[2, 3]]


def test_clipped_blocks_do_not_hide_the_steps(scene):
    image = scene[..., 0].astype(int) * 2 - 128
    levels, true = compressed(image.clip(0, 255).astype(np.uint8), quality=30)
    assert tables(found(levels)) == [list(true[0])]


def test_an_estimate_is_brought_into_its_bounds(scene):
    levels, _ = compressed(scene[..., 0], quality=20)
    luma = found(levels).components[0]
    moved = luma.constrain(torch.zeros(levels.shape[1:]), 1e-3)
    value = luma.coefficients(moved)
    assert ((value >= luma.lower - 0.01) & (value <= luma.upper + 0.01)).all()


def test_colours_come_back():
    image = 255 * torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(from_luma_chroma(to_luma_chroma(image)), image, atol=1e-3)
    grey = image[:1]
    assert torch.allclose(from_luma_chroma(to_luma_chroma(grey)), grey, atol=1e-3)


def test_wrong_channels_are_an_error():
    with pytest.raises(ValueError, match=r"image: expected \(1 or 3, y, x\), got \(2, 32, 32\)"):
        found(np.zeros((2, 32, 32), np.float32))


def test_the_mean_of_a_cut_normal_distribution_is_scipys(rng):
    """Also where the bounds are far away from its middle."""
    middle = rng.normal(0, 20, 200)
    lower = rng.normal(0, 20, 200)
    upper = lower + rng.uniform(0.5, 60, 200)
    expected = truncnorm.mean((lower - middle) / 4, (upper - middle) / 4, middle, 4)
    given = (torch.from_numpy(each).float() for each in (middle, lower, upper))
    m, low, high = given
    assert torch.allclose(
        _truncated_mean(m, 4.0, low, high), torch.from_numpy(expected).float(), atol=0.02
    )
