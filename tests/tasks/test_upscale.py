"""Super-resolution along all axes, or along z alone."""

import numpy as np
import pytest
import torch

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


@pytest.mark.parametrize(("space", "along"), [((16, 18), "all"), ((4, 16, 16), "z")])
def test_the_instant_estimate_has_the_sides_of_the_result(space, along, measured):
    given = measured(*space)
    task = Upscale(factor=2, along=along, preset="instant").resolve(given)
    factors = task.factors(len(space))
    assert task.instant(given).shape[1:] == tuple(
        f * n for f, n in zip(factors, space, strict=True)
    )


@pytest.mark.parametrize("settings", [{"preset": "paper"}, Upscale.fit_alone])
def test_a_fit_alone_is_neither_blended_nor_refined(settings, measured):
    given, x = measured(16, 16), torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0))
    task = Upscale(**settings).resolve(given)
    assert task.instant(given) is None
    assert task.share_of_fit(1, 1.0) == 1
    assert task.refine(x, given) is x


def test_a_volume_is_a_fit_alone(measured):
    given = measured(4, 16, 16)
    assert Upscale(factor=2).resolve(given).instant(given) is None


@pytest.mark.parametrize(("factor", "share"), [(2, 0.5), (4, 1.0), (8, 0.7)])
def test_the_fit_grows_into_the_preview(factor, share, measured):
    given = measured(16, 16)
    task = Upscale(factor=factor).resolve(given)
    assert task.instant(given).shape == (1, 16 * factor, 16 * factor)
    shares = [task.share_of_fit(3, progress) for progress in (0.0, 0.1, 1.0)]
    assert shares[0] == 0 < shares[1] < shares[2] == share
    x = torch.rand(1, 16 * factor, 16 * factor, generator=torch.Generator().manual_seed(0))
    assert task.refine(x, given) is not x
