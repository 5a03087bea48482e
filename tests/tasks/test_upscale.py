"""Super-resolution along all axes, or along z alone."""

import numpy as np
import pytest

from napari_dip import UserError, prepare, restore
from napari_dip.engine.operators import Downsample
from napari_dip.tasks.upscale import Upscale


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize("space", [(16, 17), (3, 16, 16)])
def test_upscaling_downsamples_in_its_operator(factor, space, measured):
    operator = Upscale(factor=factor).operator(measured(*space))
    assert isinstance(operator, Downsample)
    assert operator.image_shape(space) == tuple(factor * n for n in space)


def test_z_alone_becomes_finer(rng):
    stack = rng.random((5, 18, 20)).astype(np.float32)
    task = Upscale(factor=3, along="z", iterations=2, filters=(4,), anisotropy=3.0)
    result = restore(stack, task, axes="ZYX", device="cpu")
    assert result.image.shape == (15, 18, 20)
    # What is fitted has slices as close together as pixels.
    job = prepare(stack, task, axes="ZYX", device="cpu")
    assert job.task.fit_settings(job.measurement).network.anisotropy == 1
    with pytest.raises(UserError, match="along: z needs a stack"):
        restore(stack[0], task, device="cpu")
