"""A tiny fit, for what the loop does rather than how well."""

import pytest
import torch

from napari_dip.engine.inputs import InputSpec
from napari_dip.engine.networks import NetworkSpec
from napari_dip.engine.operators import Identity
from napari_dip.engine.problem import FitSettings, Problem


@pytest.fixture
def problem():
    y, x = torch.meshgrid(torch.linspace(0, 1, 16), torch.linspace(0, 1, 20), indexing="ij")
    return Problem(torch.stack([x, y, x * y])[None], Identity())


@pytest.fixture
def settings():
    network = NetworkSpec("skip", (6, 6), (2, 2), (3, 3), (3, 3))
    return FitSettings(network, InputSpec(channels=4), iterations=25)
