"""Descriptions of networks, and the registry of their kinds."""

import pytest

from napari_dip.engine.networks import NetworkSpec

SMALL = {"filters": (4, 6), "skips": (2, 2), "kernels_down": (3, 3), "kernels_up": (3, 3)}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"filters": ()}, "filters: .* at least one level"),
        ({"filters": (4, 0)}, "filters: .* above 0"),
        ({"skips": (4,)}, "skips: 1 entries, but filters has 2 levels"),
        ({"kernels_down": (3, 3, 3)}, "kernels_down: 3 entries"),
        ({"kernels_up": (3,)}, "kernels_up: 1 entries"),
        ({"upsampling": ("nearest",)}, "upsampling: 1 entries"),
        ({"kernels_down": (3, 4)}, "kernels_down: .* must be odd"),
        ({"kernels_up": (2, 3)}, "kernels_up: .* must be odd"),
        ({"kernel_skip": 2}, "kernel_skip: .* must be odd"),
        ({"kind": "resnet"}, "filters: a ResNet's blocks are equally wide"),
    ],
)
def test_specifications_that_no_network_can_have_are_refused(values, said):
    with pytest.raises(ValueError, match=said):
        NetworkSpec(**{**SMALL, **values})
