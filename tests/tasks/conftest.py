"""Measurements for tasks to decide their settings by."""

import pytest
import torch

from napari_dip.tasks.measurement import Measurement


@pytest.fixture
def measured():
    """Make a measurement: noise around a ramp, with all that a task may need beside it."""

    def make(
        *space: int, channels: int = 1, observed=None, data_range_per_unit: float = 1.0
    ) -> Measurement:
        space = space or (32, 40)
        generator = torch.Generator().manual_seed(0)
        ramp = torch.linspace(0.2, 0.8, space[-1]).expand(1, channels, *space)
        y = ramp + 0.05 * torch.randn(ramp.shape, generator=generator)
        if observed is None:
            observed = torch.ones(y.shape, dtype=torch.bool)
        return Measurement(
            y=y,
            observed=observed,
            data_range_per_unit=data_range_per_unit,
            guide=torch.rand(1, 3, *space, generator=generator),
            psf=torch.ones((3,) * len(space)),
        )

    return make
