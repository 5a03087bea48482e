import math

import pytest
import torch

from napari_dip.engine.inputs import FreshNoise, InputSpec, PooledNoise


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("space", [(17, 40), (3, 16, 20)])
def test_noise_is_uniform_in_its_range(space):
    z = InputSpec(channels=32).make(space, seeded())
    assert z.shape == (1, 32, *space)
    assert 0 <= z.min() < 0.001
    assert 0.099 < z.max() <= 0.1
    assert z.mean().item() == pytest.approx(0.05, abs=0.002)
    assert InputSpec(scale=1.0).make(space, seeded()).max() > 0.9


def test_the_seed_decides():
    def make(seed):
        return InputSpec().make((16, 16), seeded(seed))

    assert torch.equal(make(1), make(1))
    assert not torch.equal(make(1), make(2))


def test_meshgrid_is_x_then_y():
    x, y = InputSpec("meshgrid").make((3, 5), seeded())[0]
    assert x[0].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert torch.equal(x, x[:1].expand(3, 5))
    assert y[:, 0].tolist() == [0, 0.5, 1]
    assert torch.equal(y, y[:, :1].expand(3, 5))


def test_meshgrid_of_a_volume_is_x_y_z():
    grid = InputSpec("meshgrid").make((2, 3, 5), seeded())[0]
    assert [int(torch.diff(channel, dim=d).any()) for channel in grid for d in range(3)] == [
        *(0, 0, 1),
        *(0, 1, 0),
        *(1, 0, 0),
    ]


def test_an_input_image_is_copied():
    image = torch.rand(1, 3, 16, 16)
    z = InputSpec("image").make((16, 16), seeded(), image)
    assert torch.equal(z, image)
    z.zero_()
    assert image.any()


def test_an_image_input_without_an_image_is_refused():
    with pytest.raises(ValueError, match="needs an image"):
        InputSpec("image").make((16, 16), seeded())


@pytest.mark.parametrize("kind", [FreshNoise, PooledNoise])
@pytest.mark.parametrize("space", [(64, 80), (5, 32, 33)])
def test_perturbations_have_their_mean_and_spread(kind, space):
    z = InputSpec(channels=4).make(space, seeded())
    before = z.clone()
    noise = kind(z, 0.25, seeded(1))
    drawn = torch.stack([noise() for _ in range(30)])
    assert drawn.shape == (30, *z.shape)
    assert torch.equal(z, before)
    # From one pool the draws are dependent, so their mean is that of the pool's own pixels.
    assert drawn.mean().item() == pytest.approx(0, abs=0.02)
    assert drawn.std().item() == pytest.approx(0.25, rel=0.03)
    assert len({float(one.flatten()[7]) for one in drawn}) > 20
    # A pixel changes over the iterations as much as over the picture.
    assert drawn.std(dim=0).mean().item() == pytest.approx(0.25, rel=0.1)


@pytest.mark.parametrize("kind", [FreshNoise, PooledNoise])
def test_no_perturbation_without_sigma(kind):
    assert kind(torch.rand(1, 2, 16, 16), 0, seeded())() is None


@pytest.mark.parametrize("kind", [FreshNoise, PooledNoise])
def test_perturbations_follow_the_seed(kind):
    def draw(seed):
        noise = kind(torch.zeros(1, 2, 16, 16), 1.0, seeded(seed))
        return torch.stack([noise() for _ in range(3)])

    assert torch.equal(draw(3), draw(3))
    assert not torch.equal(draw(3), draw(4))


def test_a_pools_windows_come_with_both_signs():
    noise = PooledNoise(torch.zeros(1, 2, 16, 16), 1.0, seeded())
    noise.pool.fill_(0.5)
    assert {float(noise().mean()) for _ in range(20)} == {-0.5, 0.5}


@pytest.mark.parametrize("kind", [FreshNoise, PooledNoise])
@pytest.mark.parametrize("space", [(80, 90), (4, 80, 90)])
def test_correlated_noise_keeps_its_variance(kind, space):
    noise = kind(
        torch.zeros(1, 2, *space), 0.5, torch.Generator().manual_seed(0), correlation=1.0
    )()
    assert noise.shape == (1, 2, *space)
    inner = noise[..., 4:-4, 4:-4]
    assert inner.std() == pytest.approx(0.5, rel=0.1)
    # A Gaussian's autocorrelation: exp(-d^2 / 4) at a blur of 1.
    for axis in (-1, -2):
        shared = (inner * inner.roll(1, axis)).mean() / inner.square().mean()
        assert shared == pytest.approx(math.exp(-1 / 4), abs=0.1)
    if len(space) == 3:
        slices = (inner[:, :, 1:] * inner[:, :, :-1]).mean() / inner.square().mean()
        assert abs(slices) < 0.1
