import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from napari_dip.engine.layers import Pad, coarsened, conv, crop, halving, pool, shuffle, unshuffle


def counted(*shape: int) -> torch.Tensor:
    return torch.arange(torch.Size(shape).numel(), dtype=torch.float32).reshape(shape)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_shuffling_is_torchs(factor):
    x = counted(2, 3, 4 * factor, 5 * factor)
    apart = unshuffle(x, (factor, factor))
    torch.testing.assert_close(apart, F.pixel_unshuffle(x, factor))
    torch.testing.assert_close(shuffle(apart, (factor, factor)), F.pixel_shuffle(apart, factor))


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), min_size=2, max_size=3))
def test_shuffling_back_and_forth(axes):
    factors = [factor for factor, _ in axes]
    x = counted(1, 2, *(factor * side for factor, side in axes))
    apart = unshuffle(x, factors)
    assert list(apart.shape[2:]) == [side for _, side in axes]
    assert torch.equal(shuffle(apart, factors), x)


@pytest.mark.parametrize("side", range(2, 9))
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("padding", ["reflect", "zero"])
def test_convolutions_and_pools_keep_to_the_strides_of_a_level(side, kernel, padding):
    space = (side, 16)
    stride, coarse = halving(space, (1.0, 1.0))
    x = torch.rand(1, 2, *space)
    assert conv(2, 3, kernel, padding, space)(x).shape == (1, 3, *space)
    assert conv(2, 3, kernel, padding, space, stride=stride)(x).shape == (1, 3, *coarse)
    for kind in ("average", "max"):
        assert pool(kind, stride, 2)(x).shape == (1, 2, *coarse)


def test_short_axes_are_not_halved():
    assert halving((3, 16, 17), (1.0, 1.0, 1.0)) == ((1, 2, 2), (3, 8, 9))


def test_slices_that_lie_far_apart_are_halved_later():
    space, spacing, strides = (16, 64, 64), (4.0, 1.0, 1.0), []
    for _ in range(3):
        stride, space = halving(space, spacing)
        spacing = coarsened(spacing, stride)
        strides.append(stride)
    assert strides == [(1, 2, 2), (1, 2, 2), (2, 2, 2)]
    assert halving((16, 16, 16), (1.4, 1.0, 1.0))[0] == (2, 2, 2)
    assert halving((16, 16, 16), (0.25, 1.0, 1.0))[0] == (2, 1, 1)


def test_reflection_where_there_is_enough_to_mirror():
    def modes(space):
        return [m.mode for m in conv(1, 1, 5, "reflect", space).modules() if isinstance(m, Pad)]

    assert modes((3, 3)) == ["reflect"]
    assert modes((2, 3)) == ["replicate"]


def test_zero_padding_needs_no_layer_of_its_own():
    image = torch.ones(1, 1, 5, 5)
    layer = conv(1, 1, 3, "zero", (5, 5), bias=False)
    torch.nn.init.ones_(layer.weight)
    out = layer(image)[0, 0]
    assert out[2, 2] == 9
    assert out[0, 0] == 4


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("kernel", [3, 5])
def test_gradients_of_volumes_in_bfloat16_are_those_in_float32(depth, kernel):
    space = (depth, 8, 8)
    x, layer = torch.randn(1, 8, *space), conv(8, 32, kernel, "zero", space)
    layer.to(memory_format=torch.channels_last_3d)

    def gradient(dtype):
        layer.zero_grad()
        with torch.autocast("cpu", dtype, enabled=dtype is not torch.float32):
            layer(x).square().mean().backward()
        return torch.cat([p.grad.ravel() for p in layer.parameters()])

    exact = gradient(torch.float32)
    assert (gradient(torch.bfloat16) - exact).norm() < 0.05 * exact.norm()


def test_crop_keeps_the_first_pixels():
    assert torch.equal(crop(counted(1, 1, 4, 5), (2, 3)), counted(1, 1, 4, 5)[..., :2, :3])
