"""Matching and the weights of combinations, compared with their formulas."""

import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter

from napari_dip.engine.nonlocal_denoising import gaussian_correlation
from napari_dip.engine.patch_groups import denoise_groups
from napari_dip.engine.patch_matching import Search, match_patches
from napari_dip.engine.patch_noise import Noise


def some(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def blurred_noise(side: int, blur: float) -> torch.Tensor:
    """White noise after a Gaussian blur, of standard deviation 1: (1, side, side)."""
    white = torch.randn(side, side, generator=torch.Generator().manual_seed(0))
    blurred = torch.from_numpy(gaussian_filter(white.numpy(), blur, mode="wrap"))
    return (blurred / blurred.std())[None]


def test_groups_are_the_nearest_patches_in_reach():
    guide = some(2, 20, 24)
    search = Search(patch=5, group=7, step=4, radius=6, start=(0, 0, 0), count=(1, 4, 5))
    groups = match_patches(guide[:, None], search, None)
    assert groups.shape == (20, 7)
    columns = 24 - 5 + 1
    patches = F.unfold(guide[None], 5)[0].T
    place = torch.arange(len(patches))
    for i, members in enumerate(groups):
        row, column = 4 * (i // 5), 4 * (i % 5)
        distances = (patches - patches[row * columns + column]).square().sum(1)
        outside = (place // columns - row).abs().maximum((place % columns - column).abs()) > 6
        distances[outside] = torch.inf
        assert set(members.tolist()) == set(distances.topk(7, largest=False).indices.tolist())


def test_members_of_a_group_lie_in_an_image_of_any_values():
    guide = 1e6 * some(1, 9, 9)
    search = Search(patch=5, group=9, step=4, radius=4, start=(0, 0, 0), count=(1, 2, 2))
    groups = match_patches(guide[:, None], search, None)
    assert int(groups.min()) >= 0
    assert int(groups.max()) < 25


def test_correlated_noise_does_not_draw_groups_to_neighbours():
    """A flat image, where all patches are alike but for the noise."""
    noise = Noise(0.1, gaussian_correlation(1.5))
    guide = 0.1 * blurred_noise(90, 1.5)
    search = Search(patch=5, group=12, step=8, radius=12, start=(0, 16, 16), count=(1, 6, 6))
    columns = guide.shape[2] - 5 + 1

    def neighbours(groups: torch.Tensor) -> float:
        """Fraction of the members that lie 1 or 2 pixels from the reference patch."""
        reference = torch.arange(36)[:, None]
        dy = groups // columns - (16 + 8 * (reference // 6))
        dx = groups % columns - (16 + 8 * (reference % 6))
        apart = dy.abs().maximum(dx.abs())
        return float(((apart > 0) & (apart < 3)).float().mean())

    told = neighbours(match_patches(guide[:, None], search, noise))
    assert told < 0.5 * neighbours(match_patches(guide[:, None], search, None))


@pytest.mark.parametrize("count", [6, 30], ids=["fewer patches than pixels", "more patches"])
def test_weights_from_a_pilot_have_the_least_risk(count):
    """T = (X'X + n sigma² I)^-1 X'X, for one group; without a group's mean value."""
    noisy, pilot = some(8, 10), some(8, 10, seed=1)
    search = Search(patch=4, group=count, step=1, radius=9, start=(0, 0, 0), count=(1, 1, 1))
    places = torch.randperm(35, generator=torch.Generator().manual_seed(2))[:count]
    values, weights = denoise_groups(
        noisy[None], pilot[None], places[None], Noise(0.3), search, False
    )
    y, x = (F.unfold(p[None, None], 4)[0].T.double()[places] for p in (noisy, pilot))
    mean = x.mean()
    gram = (x - mean) @ (x - mean).T
    combination = torch.linalg.solve(gram + 16 * 0.3**2 * torch.eye(count), gram)
    estimate = mean + combination.T @ (y - mean)
    weight = 1 / (combination.square().sum(0) + 1e-3)
    expected, total = torch.zeros(2, 8, 10, dtype=torch.float64)
    for place, patch, each in zip(places.tolist(), estimate, weight, strict=True):
        box = (slice(place // 7, place // 7 + 4), slice(place % 7, place % 7 + 4))
        expected[box] += each * patch.view(4, 4)
        total[box] += each
    torch.testing.assert_close(weights[0].double(), total, rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(values[0].double(), expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("blur", [0.7, 1.5])
def test_halved_noise(blur):
    halved = F.avg_pool2d(blurred_noise(600, blur), 2)[0]
    told = Noise(1.0, gaussian_correlation(blur)).halved()
    assert told.sigma == pytest.approx(float(halved.std()), rel=0.04)
    middle = told.correlation.shape[0] // 2
    measured = float((halved[1:] * halved[:-1]).mean() / halved.var())
    assert float(told.correlation[middle, middle + 1]) == pytest.approx(measured, abs=0.04)


def test_halved_white_noise_is_white_and_half_as_strong():
    assert Noise(0.2).halved() == Noise(0.1)
    told = Noise(0.2, torch.ones(1, 1)).halved()
    assert told.sigma == pytest.approx(0.1)
    assert told.correlation.count_nonzero() == 1
