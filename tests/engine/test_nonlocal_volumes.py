"""Gains, invariances and extreme inputs of non-local denoising of volumes, on made-up ones."""

import math

import pytest
import torch
import torch.nn.functional as F

from napari_dip.engine import nonlocal_denoising
from napari_dip.engine.nonlocal_denoising import (
    denoise_nonlocal,
    gaussian_correlation,
    refine_nonlocal,
)
from napari_dip.engine.nonlocal_passes import CUBE_PASSES, SLICE_PASSES
from napari_dip.engine.patch_groups import denoise_groups
from napari_dip.engine.patch_matching import Search, match_patches, reference_places
from napari_dip.engine.patch_noise import Noise, between_places

SIGMA = 0.1


def waves(*space: int, drift: float = 0.3) -> torch.Tensor:
    """Waves that drift from slice to slice: (1, z, y, x), in [0.25, 0.75]."""
    z, y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in space), indexing="ij")
    return (0.5 + 0.25 * torch.sin(0.8 * x + drift * z) * torch.sin(0.7 * y))[None]


def unlike_slices(*space: int) -> torch.Tensor:
    """Fine waves whose direction is another one in each slice: (1, z, y, x)."""
    z, y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in space), indexing="ij")
    return (0.5 + 0.25 * torch.sin(1.5 * (torch.cos(2.4 * z) * x + torch.sin(2.4 * z) * y)))[None]


def noise_like(clean: torch.Tensor, blur: float = 0.0) -> torch.Tensor:
    """Noise of standard deviation `SIGMA`, white or correlated within slices."""
    return SIGMA * Noise(SIGMA, gaussian_correlation(blur) if blur else None).drawn(clean)


def rms(error: torch.Tensor) -> float:
    return float(error.double().square().mean().sqrt())


def gain(result: torch.Tensor, noisy: torch.Tensor, clean: torch.Tensor) -> float:
    """By how much the PSNR of the result is above that of the noisy image, in dB."""
    return 20 * math.log10(rms(noisy - clean) / rms(result - clean))


def by_slice(noisy: torch.Tensor) -> torch.Tensor:
    return torch.stack([denoise_nonlocal(plane, SIGMA) for plane in noisy.unbind(1)], 1)


@pytest.fixture(scope="module")
def clean() -> torch.Tensor:
    return waves(8, 40, 40)


@pytest.fixture(scope="module")
def noisy(clean: torch.Tensor) -> torch.Tensor:
    # Another draw than that of the choice of passes, which is the same at each call.
    return clean + SIGMA * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def denoised(noisy: torch.Tensor) -> torch.Tensor:
    return denoise_nonlocal(noisy, SIGMA)


# What is gained


def test_a_volume_is_denoised_better_than_its_slices(clean, noisy, denoised):
    assert gain(denoised, noisy, clean) > gain(by_slice(noisy), noisy, clean) + 1


def test_slices_with_nothing_in_common_are_denoised_as_well_as_one_by_one():
    clean = unlike_slices(6, 48, 48)
    noisy = clean + SIGMA * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    together = gain(denoise_nonlocal(noisy, SIGMA), noisy, clean)
    assert together > gain(by_slice(noisy), noisy, clean) - 0.3


def test_passes_are_chosen_by_how_alike_slices_are(noisy):
    noise = Noise(SIGMA)
    assert nonlocal_denoising._choose_passes(noisy, noise) is CUBE_PASSES
    unlike = unlike_slices(6, 48, 48)
    unlike = unlike + SIGMA * torch.randn(unlike.shape, generator=torch.Generator().manual_seed(1))
    assert nonlocal_denoising._choose_passes(unlike, noise) is SLICE_PASSES


def test_correlated_noise_is_removed_better_if_its_correlation_is_told(clean):
    white = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    kernel = torch.exp(-0.5 * (torch.arange(-6, 7) / 1.2) ** 2)
    blurred = F.conv2d(white[0][:, None], (kernel[:, None] * kernel)[None, None], padding=6)
    noisy = clean + SIGMA * blurred[:, 0][None] / blurred.std()
    told = denoise_nonlocal(noisy, SIGMA, correlation=gaussian_correlation(1.2))
    assert gain(told, noisy, clean) > gain(denoise_nonlocal(noisy, SIGMA), noisy, clean) + 2


def test_the_clean_volume_as_pilot_is_better_than_none(clean, noisy, denoised):
    refined = refine_nonlocal(noisy, clean, SIGMA)
    assert gain(refined, noisy, clean) > gain(denoised, noisy, clean)


# What does not change


def test_tiles_do_not_change_the_result(noisy, denoised, monkeypatch):
    monkeypatch.setattr(nonlocal_denoising, "_VOLUME_TILE", (2, 5, 7))
    assert rms(denoise_nonlocal(noisy, SIGMA) - denoised) < 0.01 * SIGMA


def test_two_runs_agree_exactly(noisy, denoised):
    assert torch.equal(denoise_nonlocal(noisy, SIGMA), denoised)


def test_a_volume_of_one_slice_is_a_plane(noisy):
    plane = noisy[:, 0]
    assert torch.equal(
        denoise_nonlocal(plane[:, None], SIGMA)[:, 0], denoise_nonlocal(plane, SIGMA)
    )


# Kinds of input


@pytest.mark.parametrize("space", [(2, 4, 4), (3, 5, 9), (5, 12, 4), (1, 7, 9), (9, 16, 15)])
@pytest.mark.parametrize("blur", [0.0, 1.0])
def test_small_volumes(space, blur):
    clean = waves(*space)
    noisy = clean + noise_like(clean, blur)
    correlation = gaussian_correlation(blur) if blur else None
    for result in (
        denoise_nonlocal(noisy, SIGMA, correlation=correlation),
        refine_nonlocal(noisy, clean, SIGMA, correlation=correlation),
    ):
        assert result.shape == noisy.shape
        assert rms(result - clean) < 3 * rms(noisy - clean)


@pytest.mark.parametrize("channels", [2, 3])
def test_all_channels_of_a_volume_are_denoised(channels):
    clean = torch.cat([waves(4, 24, 24, drift=0.1 * c) for c in range(channels)])
    noisy = clean + SIGMA * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    result = denoise_nonlocal(noisy, SIGMA)
    for channel in range(channels):
        assert rms(result[channel] - clean[channel]) < 0.6 * SIGMA


def test_a_constant_volume_is_returned():
    constant = torch.full((1, 3, 9, 9), 0.3)
    assert torch.equal(denoise_nonlocal(constant, SIGMA), constant)


def test_a_volume_without_slices_is_refused():
    with pytest.raises(ValueError, match=r"y: expected .* got \(1, 0, 8, 8\)"):
        denoise_nonlocal(torch.zeros(1, 0, 8, 8), SIGMA)


# Groups


def test_groups_are_the_nearest_cubes_in_reach():
    guide = torch.rand((2, 6, 12, 13), generator=torch.Generator().manual_seed(0))
    search = Search(4, 9, 3, 3, (0, 0, 0), (2, 3, 3), depth=2, slice_step=2, slice_radius=1)
    groups = match_patches(guide, search, None)
    rows, columns = 12 - 4 + 1, 13 - 4 + 1
    cubes = guide.unfold(1, 2, 1).unfold(2, 4, 1).unfold(3, 4, 1)  # channels, z, y, x, sides
    cubes = cubes.permute(1, 2, 3, 0, 4, 5, 6).reshape(5 * rows * columns, -1)
    place = torch.arange(len(cubes))
    z, y, x = place // (rows * columns), place // columns % rows, place % columns
    references = reference_places(search, rows, columns)
    assert len(references) == len(groups) == 18
    for own, members in zip(references, groups, strict=True):
        distances = (cubes - cubes[own]).square().sum(1)
        apart = (y - y[own]).abs().maximum((x - x[own]).abs())
        distances[((z - z[own]).abs() > 1) | (apart > 3)] = torch.inf
        assert set(members.tolist()) == set(distances.topk(9, largest=False).indices.tolist())


def test_sums_of_cubes_have_the_weights_of_all_cubes_that_cover_a_voxel():
    """A pilot without structure and no noise to speak of: the estimate is the group's mean."""
    noisy = torch.rand((4, 8, 9), generator=torch.Generator().manual_seed(0))
    search = Search(3, 1, 1, 0, (0, 0, 0), (3, 6, 7), depth=2)
    places = torch.arange(3 * 6 * 7)[:, None]
    pilot = torch.full_like(noisy, 0.5)
    values, weights = denoise_groups(noisy, pilot, places, Noise(0.1), search, False)
    torch.testing.assert_close(values / weights, pilot)
    one = weights[0, 0, 0]
    # A voxel in the middle is in 2 x 3 x 3 cubes, the one in the corner in one.
    assert float(weights[2, 4, 4] / one) == pytest.approx(18, rel=1e-4)


def test_noise_is_shared_within_slices_only():
    table = torch.arange(49, dtype=torch.float32).view(7, 7)
    rows, columns = 3, 4
    places = torch.tensor([0, 1, 6, 12, 12 + 6])
    shared = between_places(table, places, rows, columns)
    assert float(shared[0, 0]) == float(table[3, 3])
    assert float(shared[2, 1]) == float(table[3 + 1, 3 + 1])
    assert bool((shared[:3, 3:] == 0).all())
    assert float(shared[4, 3]) == float(table[3 + 1, 3 + 2])


def test_noise_is_drawn_as_correlated_as_it_is():
    drawn = Noise(1.0, gaussian_correlation(1.2)).drawn(torch.zeros(1, 4, 128, 128))
    neighbours = float((drawn[..., 1:] * drawn[..., :-1]).mean())
    assert float(drawn.std()) == pytest.approx(1, abs=0.05)
    assert neighbours == pytest.approx(math.exp(-1 / (4 * 1.2**2)), abs=0.05)
    assert abs(float((drawn[:, 1:] * drawn[:, :-1]).mean())) < 0.05
