"""Gains over a smooth fill, invariants and extreme inputs of the non-local fill."""

import numpy as np
import pytest
import torch

from napari_dip.engine.nonlocal_inpainting import fill_nonlocal
from napari_dip.engine.patch_matching import Search, match_patches, reference_places
from napari_dip.tasks.inpaint import smoothly_filled


def texture(side: int = 48, channels: int = 1) -> torch.Tensor:
    """Slanted stripes, weaker in each further channel."""
    x = torch.arange(side, dtype=torch.float32)
    plane = torch.sin(1.7 * x + 0.9 * x[:, None])
    return torch.stack([0.5 + (0.3 - 0.1 * channel) * plane for channel in range(channels)])


def known_pixels(shape: tuple[int, ...], missing: float = 0.5) -> torch.Tensor:
    """The same pixels in all channels."""
    draw = torch.rand(shape[1:], generator=torch.Generator().manual_seed(0))
    return (draw >= missing).expand(shape)


def smooth(y: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(smoothly_filled(y.numpy(), ~observed[0].numpy())).float()


def rms(error: torch.Tensor) -> float:
    return float(error.double().square().mean().sqrt())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [0.0, 0.05])
def test_texture_is_filled_better_than_smoothly(channels, sigma):
    clean = texture(channels=channels)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    observed = known_pixels(clean.shape)
    y = (clean + sigma * noise) * observed
    start = smooth(y, observed)
    filled = fill_nonlocal(y, observed, start)
    missing = ~observed
    assert rms((filled - clean)[missing]) < 0.5 * rms((start - clean)[missing])


def test_thorough_passes_fill_texture_too():
    clean = texture()
    observed = known_pixels(clean.shape)
    start = smooth(clean * observed, observed)
    filled = fill_nonlocal(clean * observed, observed, start, thorough=True)
    assert rms(filled - clean) < 0.5 * rms(start - clean)


def test_known_pixels_are_kept_and_values_of_missing_ones_are_not_used():
    clean = texture()
    observed = known_pixels(clean.shape)
    start = smooth(clean * observed, observed)
    filled = fill_nonlocal(torch.where(observed, clean, 0.0), observed, start)
    assert torch.equal(filled[observed], clean[observed])
    other = fill_nonlocal(torch.where(observed, clean, 7.0), observed, start)
    torch.testing.assert_close(filled, other)


def test_pixels_missing_in_one_channel_only_are_filled():
    clean = texture(channels=3)
    observed = torch.ones_like(clean, dtype=torch.bool)
    observed[1] = known_pixels(clean[:1].shape)[0]
    start = torch.where(observed, clean, 0.5)
    filled = fill_nonlocal(clean * observed, observed, start)
    assert torch.equal(filled[[0, 2]], clean[[0, 2]])
    assert rms(filled - clean) < 0.5 * rms(start - clean)


@pytest.mark.parametrize("shape", [(1, 5, 30), (2, 7, 7), (1, 8, 40), (1, 33, 21)])
def test_small_images_are_filled(shape):
    observed = known_pixels(shape, 0.3)
    y = torch.full(shape, 0.25)
    filled = fill_nonlocal(y * observed, observed, y)
    torch.testing.assert_close(filled, y, atol=1e-3, rtol=0)


@pytest.mark.parametrize("known", [False, True])
def test_nothing_to_do_where_nothing_or_everything_is_known(known):
    y = texture()
    observed = torch.full_like(y, known, dtype=torch.bool)
    start = torch.full_like(y, 0.5)
    assert torch.equal(fill_nonlocal(y, observed, start), y if known else start)


def test_a_hole_deeper_than_a_patch_is_filled_with_finite_values():
    clean = texture(64)
    observed = torch.ones_like(clean, dtype=torch.bool)
    observed[:, 20:44, 20:44] = False
    filled = fill_nonlocal(clean * observed, observed, smooth(clean * observed, observed))
    assert bool(torch.isfinite(filled).all())
    assert filled.min() > -0.5
    assert filled.max() < 1.5


def test_places_of_references_are_in_the_order_of_their_groups():
    image = torch.rand((1, 40, 52), generator=torch.Generator().manual_seed(2))
    search = Search(patch=5, group=4, step=3, radius=6, start=(0, 2, 1), count=(1, 9, 11))
    places = reference_places(search, 40 - 5 + 1, 52 - 5 + 1)
    groups = match_patches(image[:, None], search, None)
    assert len(places) == 9 * 11
    assert bool((groups == places[:, None]).any(1).all())  # a patch is in its own group
    expected = [(2 + 3 * row) * 48 + 1 + 3 * column for row in range(9) for column in range(11)]
    np.testing.assert_array_equal(np.sort(places), expected)


# Volumes


def drifting_waves(*space: int) -> torch.Tensor:
    z, y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in space), indexing="ij")
    return (0.5 + 0.3 * torch.sin(0.9 * x + 0.4 * z) * torch.sin(0.8 * y))[None]


def test_a_volume_is_filled_better_than_its_planes():
    clean = drifting_waves(8, 24, 24)
    observed = known_pixels(clean.shape)
    y = clean * observed
    start = torch.cat([smooth(y[:, i], observed[:, i])[:, None] for i in range(8)], 1)
    planes = [fill_nonlocal(y[:, i], observed[:, i], start[:, i]) for i in range(8)]
    filled = fill_nonlocal(y, observed, start)
    assert torch.equal(filled[observed], y[observed])
    assert rms(filled - clean) < 0.7 * rms(torch.stack(planes, 1) - clean)


def test_a_lost_slice_is_filled_from_its_neighbours():
    clean = drifting_waves(7, 20, 20)
    observed = torch.ones_like(clean, dtype=torch.bool)
    observed[:, 3] = False
    start = torch.where(observed, clean, ((clean[:, 2] + clean[:, 4]) / 2)[:, None])
    filled = fill_nonlocal(clean * observed, observed, start)
    assert rms(filled - clean) <= rms(start - clean)


@pytest.mark.parametrize("space", [(1, 9, 9), (2, 7, 12), (3, 8, 7), (5, 16, 9)])
def test_small_volumes(space):
    clean = drifting_waves(*space)
    observed = known_pixels(clean.shape, 0.3)
    start = torch.where(observed, clean, 0.5)
    filled = fill_nonlocal(clean * observed, observed, start)
    assert filled.shape == clean.shape
    assert rms(filled - clean) < 1.2 * rms(start - clean)


def test_tiles_of_a_volume_do_not_change_the_result(monkeypatch):
    clean = drifting_waves(6, 20, 22)
    observed = known_pixels(clean.shape)
    start = torch.where(observed, clean, 0.5)
    whole = fill_nonlocal(clean * observed, observed, start)
    monkeypatch.setattr("napari_dip.engine.nonlocal_inpainting._VOLUME_TILE", (1, 3, 4))
    assert rms(fill_nonlocal(clean * observed, observed, start) - whole) < 1e-3
