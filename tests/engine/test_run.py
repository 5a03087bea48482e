"""How an iteration looks at the network."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from napari_dip.engine.inputs import InputSpec
from napari_dip.engine.physics import Identity
from napari_dip.engine.problem import Problem
from napari_dip.engine.run import Run


class Recorder(nn.Module):
    """A network that gives back what it is shown, and keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = []

    def forward(self, z):
        self.seen.append(z)
        return z


@pytest.mark.parametrize("space", [(8, 10), (3, 8, 10)])
def test_an_image_is_moved_under_the_block_grid_within_its_slices(settings, space):
    y = torch.rand(1, 1, *space)
    spec = replace(settings, input=InputSpec("image"))
    spec = replace(spec, network=replace(spec.network, shuffle=2))
    run = Run(Problem(y, Identity(), guide=y), spec, 0, torch.device("cpu"))
    run.network = Recorder()
    for iteration in range(8):
        assert torch.equal(run.spin(y, iteration), y)
    blocks = {(0, 0), (0, 1), (1, 0), (1, 1)}
    for seen in run.network.seen:
        assert any(torch.equal(seen, y.roll(shift, (-2, -1))) for shift in blocks)
    assert len({seen.numpy().tobytes() for seen in run.network.seen}) == len(blocks)
