"""The networks: sizes, levels, and kinds."""

import pytest
import torch
from torch import nn

from napari_dip.engine.architectures import build_network
from napari_dip.engine.layers import Pad
from napari_dip.engine.networks import NetworkSpec

SMALL = {"filters": (4, 6), "skips": (2, 2), "kernels_down": (3, 3), "kernels_up": (3, 3)}

KINDS = {
    "skip": NetworkSpec(**SMALL),
    "hourglass": NetworkSpec(**{**SMALL, "skips": (0, 0)}),
    "some skips": NetworkSpec(**{**SMALL, "skips": (0, 3)}),
    "kernels": NetworkSpec(**{**SMALL, "kernels_down": (5, 1), "kernels_up": (3, 7)}),
    "wide skip": NetworkSpec(**SMALL, kernel_skip=3),
    "average": NetworkSpec(**SMALL, downsampling="average"),
    "max": NetworkSpec(**SMALL, downsampling="max"),
    "nearest": NetworkSpec(**SMALL, upsampling="nearest"),
    "both": NetworkSpec(**SMALL, upsampling=("nearest", "bilinear")),
    "zero": NetworkSpec(**SMALL, padding="zero"),
    "no pointwise": NetworkSpec(**SMALL, pointwise=False),
    "half": NetworkSpec(**SMALL, shuffle=2),
    "third": NetworkSpec(**SMALL, shuffle=3),
    "unet": NetworkSpec("unet", (3, 4, 5)),
    "unet at half": NetworkSpec("unet", (3, 4, 5), shuffle=2),
    "unet, zero": NetworkSpec("unet", (3, 4, 5), padding="zero"),
    "resnet": NetworkSpec("resnet", (4, 4)),
    "one level": NetworkSpec("skip", (4,), (2,), (3,), (3,)),
    "six levels": NetworkSpec("skip", (2,) * 6, (1,) * 6, (3,) * 6, (3,) * 6),
}

SPACES = [(16, 16), (17, 23), (33, 16), (3, 16, 17), (4, 17, 16), (5, 16, 16)]


def size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_papers_network_has_its_number_of_parameters():
    assert size(build_network(NetworkSpec(), 32, 3, (64, 64))) == 2_217_831


@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_any_size_comes_out_as_it_went_in(kind, space):
    network = build_network(KINDS[kind], 3, 2, space)
    x = network(torch.rand(1, 3, *space))
    assert x.shape == (1, 2, *space)
    assert 0 <= x.min() <= x.max() <= 1
    x.mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_pixels_are_their_own_network(space):
    network = build_network(NetworkSpec("pixels"), 32, 2, space)
    x = network(torch.rand(1, 32, *space))
    assert x.shape == (1, 2, *space)
    assert torch.equal(x, torch.full_like(x, 0.5))
    assert [id(p) for p in network.parameters()] == [id(x)]


def test_levels_have_the_widths_skips_and_kernels_they_are_given():
    spec = NetworkSpec(
        "skip", (4, 6, 8), (0, 2, 3), (3, 5, 7), (7, 3, 5), padding="zero", pointwise=False
    )
    level = build_network(spec, 2, 1, (32, 32))[0]
    levels = [level, level.coarser, level.coarser.coarser]
    convs = [[m for m in part.down if isinstance(m, nn.Conv2d)] for part in levels]
    assert [[c.out_channels for c in two] for two in convs] == [[4, 4], [6, 6], [8, 8]]
    assert [[c.kernel_size[0] for c in two] for two in convs] == [[3, 3], [5, 5], [7, 7]]
    assert [[c.stride[0] for c in two] for two in convs] == [[2, 1]] * 3
    assert levels[0].skip is None
    assert [part.skip[0].out_channels for part in levels[1:]] == [2, 3]
    ups = [[m for m in part.join if isinstance(m, nn.Conv2d)] for part in levels]
    assert [[c.kernel_size[0] for c in one] for one in ups] == [[7], [3], [5]]
    assert [one[0].in_channels for one in ups] == [6, 2 + 8, 3 + 8]


def test_pooling_shrinks_instead_of_strides():
    network = build_network(KINDS["max"], 2, 1, (16, 16))
    assert sum(isinstance(m, nn.MaxPool2d) for m in network.modules()) == 2
    assert all(m.stride == (1, 1) for m in network.modules() if isinstance(m, nn.Conv2d))


def test_each_level_grows_back_in_its_own_way():
    level = build_network(KINDS["both"], 2, 1, (16, 16))[0]
    assert (level.mode, level.coarser.mode) == ("nearest", "bilinear")
    assert build_network(KINDS["skip"], 2, 1, (4, 16, 16))[0].mode == "trilinear"


def test_nearest_and_bilinear_give_different_pictures():
    z = torch.rand(1, 2, 16, 16)
    images = []
    for kind in ("skip", "nearest"):
        torch.manual_seed(0)
        images.append(build_network(KINDS[kind], 2, 1, (16, 16))(z))
    assert not torch.allclose(*images)


def test_every_level_but_the_coarsest_of_a_tiny_picture_is_padded_by_reflection():
    spec = NetworkSpec("skip", (2,) * 3, (0,) * 3, (5,) * 3, (3,) * 3)
    modes = [m.mode for m in build_network(spec, 1, 1, (16, 16)).modules() if isinstance(m, Pad)]
    assert modes.count("replicate") == 1  # the last level's second convolution, on 2 x 2
    assert modes.count("reflect") == len(modes) - 1


def test_no_padding_layers_with_zeros():
    assert not [
        m for m in build_network(KINDS["zero"], 1, 1, (16, 16)).modules() if isinstance(m, Pad)
    ]


def test_unet_widths():
    network = build_network(KINDS["unet"], 2, 1, (16, 16))
    convs = [m for m in network.downs.modules() if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels) for c in convs] == [(3, 4), (4, 4), (4, 5), (5, 5)]
    assert [(up.in_channels, up.out_channels) for up in network.ups] == [(4, 3), (5, 4)]


def test_resnet_has_a_block_for_each_entry():
    sizes = [
        size(build_network(NetworkSpec("resnet", (4,) * n), 2, 1, (16, 16))) for n in (1, 2, 3)
    ]
    assert sizes[1] - sizes[0] == sizes[2] - sizes[1] == 2 * (4 * 4 * 9 + 2 * 4)


@pytest.mark.parametrize("kind", ["skip", "unet"])
def test_slices_that_lie_far_apart_stay_longer(kind):
    """With slices four times as far apart, two levels halve the pixels of a slice alone."""
    widths = (4, 4, 4) if kind == "unet" else (4, 4)
    space, seen = (8, 16, 16), []
    for anisotropy in (1.0, 4.0):
        spec = NetworkSpec(
            kind=kind,
            filters=widths,
            skips=(2,) * len(widths),
            kernels_down=(3,) * len(widths),
            kernels_up=(3,) * len(widths),
            anisotropy=anisotropy,
        )
        network, sides = build_network(spec, 3, 1, space), set()
        for layer in network.modules():
            if isinstance(layer, torch.nn.Conv3d):
                layer.register_forward_hook(lambda m, i, out, s=sides: s.add(tuple(out.shape[2:])))
        assert network(torch.rand(1, 3, *space)).shape == (1, 1, *space)
        seen.append(sides)
    assert seen[0] == {(8, 16, 16), (4, 8, 8), (2, 4, 4)}
    assert seen[1] == {(8, 16, 16), (8, 8, 8), (8, 4, 4)}


def test_slices_are_not_shuffled():
    spec = NetworkSpec(filters=(4,), skips=(0,), kernels_down=(3,), kernels_up=(3,), shuffle=2)
    assert build_network(spec, 1, 1, (16, 16)).factors == (2, 2)
    assert build_network(spec, 1, 1, (8, 16, 16)).factors == (1, 2, 2)
    assert build_network(spec, 1, 1, (8, 16, 1)).factors == (1, 2, 1)
