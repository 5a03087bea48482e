"""Super-resolution along all axes, or z alone."""

import numpy as np
import pytest

from napari_dip import Upscale, UserError, prepare, restore


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
