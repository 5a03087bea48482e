import pytest
import torch

from napari_dip.engine.architectures import build_network
from napari_dip.engine.networks import NetworkSpec
from napari_dip.errors import UserError
from napari_dip.studies.lab.architectures import architecture

NAMES = ("hourglass-1", "hourglass-3-nearest", "skip-5", "skip-2-bilinear", "unet-3", "resnet-2")


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_a_network(name):
    settings = architecture(name, width=6)
    network = build_network(NetworkSpec(kind=settings.pop("network"), **settings), 2, 3, (24, 20))
    assert network(torch.rand(1, 2, 24, 20)).shape == (1, 3, 24, 20)


def test_a_name_says_kind_depth_and_upsampling():
    hourglass = architecture("hourglass-3-nearest", width=6)
    assert hourglass["filters"] == (6, 6, 6)
    assert hourglass["skips"] == (0, 0, 0)
    assert hourglass["upsampling"] == ("nearest",) * 3
    skip = architecture("skip-2", width=6)
    assert (skip["skips"], skip["upsampling"]) == ((4, 4), ("bilinear",) * 2)
    assert architecture("unet-5", width=128)["filters"] == (8, 16, 32, 64, 128, 128)
    assert architecture("resnet-8", width=6)["filters"] == (32,) * 8
    kinds = [architecture(name, 6)["network"] for name in NAMES]
    assert kinds == ["skip"] * 4 + ["unet", "resnet"]


@pytest.mark.parametrize("name", ["skip", "skip-0", "skip-13", "vgg-3", "unet-3 ", ""])
def test_other_names_are_refused(name):
    with pytest.raises(UserError, match="architectures: expected hourglass-N"):
        architecture(name, width=6)
