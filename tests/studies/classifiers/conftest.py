"""torchvision, made to import beside any torch; and the small classifier of digits."""

import sys
from importlib.util import find_spec

import pytest
import torch

from .digits import trained


@pytest.fixture(scope="session")
def torchvision():
    """The library; its build for GPUs, beside a torch for CPUs, has to be told of two operators."""
    if find_spec("torchvision") is None:
        pytest.skip("not installed: torchvision; pip install --no-deps torchvision")
    try:
        import torchvision
    except RuntimeError:
        for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision

        torchvision.operators_of_these_tests = library  # they are gone with it
    return torchvision


@pytest.fixture(scope="session")
def digits_classifier():
    return trained()
