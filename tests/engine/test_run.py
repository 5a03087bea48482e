"""How an iteration looks at the network."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import nn

from napari_dip.engine.fit import FitState
from napari_dip.engine.inputs import InputSpec
from napari_dip.engine.operators import Identity
from napari_dip.engine.problem import Problem


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
    run = FitState(Problem(y, Identity(), guide=y), spec, 0, torch.device("cpu"))
    run.network = Recorder()
    for iteration in range(8):
        assert torch.equal(run.cycle_spin(y, iteration), y)
    assert {seen.shape[2:] for seen in run.network.seen} == {(*space[:-2], 10, 12)}
    height, width = space[-2:]
    for seen, (left, top) in zip(
        run.network.seen, 2 * list(product(range(2), repeat=2)), strict=True
    ):
        assert torch.equal(seen[..., top : top + height, left : left + width], y)
        # Around it is its own border, not the opposite one.
        assert torch.equal(seen[..., -1, left : left + width], y[..., -1, :])
        assert torch.equal(seen[..., top : top + height, -1], y[..., -1])
