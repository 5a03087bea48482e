import numpy as np
import pytest
import torch

from napari_dip.tasks.inpaint import Inpaint, kind_of_hole, smoothly_filled
from napari_dip.tasks.measurement import Measurement


def with_holes(kind: str) -> torch.Tensor:
    observed = torch.ones(1, 3, 64, 64, dtype=torch.bool)
    if kind == "text":
        observed[..., 10:14, 5:60] = False
        observed[..., 30:60, 20:24] = False
    elif kind == "pixels":
        observed[:] = torch.rand(64, 64, generator=torch.Generator().manual_seed(0)) > 0.5
    else:
        observed[..., 20:50, 15:50] = False
    return observed


@pytest.mark.parametrize("kind", ["text", "pixels", "region"])
def test_kinds_of_holes_are_recognised(kind, measured):
    observed = with_holes(kind)
    assert kind_of_hole(observed) == kind
    measurement = measured(64, 64, channels=3, observed=observed)
    for preset in ("fast", "paper"):
        assert Inpaint(preset=preset).resolve(measurement).hole == kind


def test_a_pixel_missing_in_one_channel_is_missing():
    observed = with_holes("region")
    observed[:, 1:] = True
    assert kind_of_hole(observed) == "region"


def test_regions_are_filled_without_skips(measured):
    measurement = measured(64, 64, channels=3, observed=with_holes("region"))
    fast, paper = (Inpaint(preset=p).resolve(measurement) for p in ("fast", "paper"))
    assert set(fast.skips) == set(paper.skips) == {0}
    assert (paper.input, set(paper.upsampling)) == ("meshgrid", {"nearest"})
    # From noise, nearest-neighbour upsampling leaves dark spots.
    assert (fast.input, set(fast.upsampling)) == ("noise", {"bilinear"})


def test_a_given_kind_of_hole_is_used(measured):
    measurement = measured(64, 64, channels=3, observed=with_holes("region"))
    task = Inpaint(preset="paper", hole="text").resolve(measurement)
    assert (task.hole, task.iterations) == ("text", 6000)


def test_known_pixels_are_kept_by_default():
    assert Inpaint().keeps_known
    assert not Inpaint(keep_known=False).keeps_known


def with_scattered_holes() -> tuple[np.ndarray, Measurement]:
    y, x = np.mgrid[:40, :44]
    clean = (0.5 + 0.4 * np.sin(1.7 * x + 0.9 * y)).astype(np.float32)
    observed = torch.rand(1, 1, 40, 44, generator=torch.Generator().manual_seed(0)) > 0.5
    return clean, Measurement(y=torch.from_numpy(clean) * observed, observed=observed)


@pytest.mark.parametrize("hole", ["text", "pixels"])
def test_thin_holes_of_a_plane_start_from_the_instant_estimate(hole):
    clean, measurement = with_scattered_holes()
    task = Inpaint(hole=hole).resolve(measurement)
    instant = task.instant(measurement)
    assert (task.input, task.shuffle) == ("image", 2)
    assert torch.equal(task.problem(measurement).guide[0], instant)
    missing = ~measurement.observed[0, 0].numpy()
    smooth = smoothly_filled(measurement.y[0].numpy(), missing)[0]
    errors = [np.std((filled - clean)[missing]) for filled in (instant[0].numpy(), smooth)]
    assert errors[0] < 0.5 * errors[1]


def test_fit_and_fill_are_blended_by_their_share():
    _, measurement = with_scattered_holes()
    fit, fill = torch.ones(1, 2, 2), torch.zeros(1, 2, 2)
    task = Inpaint(blend_share=0.4).resolve(measurement)
    torch.testing.assert_close(task.blend(fit, fill, 1.0), 0.4 * fit)
    torch.testing.assert_close(task.blend(fit, fill, 0.5), 0.2 * fit)
    for alone in (Inpaint(preset="paper"), Inpaint(keep_known=False)):
        assert torch.equal(alone.resolve(measurement).blend(fit, fill, 0.5), fit)


def test_paper_has_no_instant_estimate():
    _, measurement = with_scattered_holes()
    assert Inpaint(preset="paper").instant(measurement) is None


def holey_volume(rng) -> tuple[torch.Tensor, Measurement]:
    """Waves that drift from slice to slice, with 40 % of the voxels missing."""
    z, y, x = np.mgrid[:6, :16, :18]
    waves = 0.5 + 0.3 * np.sin(0.9 * x + 0.4 * z) * np.sin(0.8 * y)
    clean = torch.from_numpy(waves.astype(np.float32))[None, None]
    observed = torch.from_numpy(rng.random(clean.shape) > 0.4)
    return clean, Measurement(y=clean * observed, observed=observed)


@pytest.mark.parametrize("hole", ["text", "pixels"])
def test_the_fill_of_thin_holes_is_the_result_in_volumes(rng, hole):
    _, measurement = holey_volume(rng)
    task = Inpaint(hole=hole).resolve(measurement)
    instant = task.instant(measurement)
    assert torch.equal(task.blend(torch.ones_like(instant), instant, 1.0), instant)
    assert task.iterations == 1


@pytest.mark.parametrize("settings", [{"blend_share": 0.5}, {"keep_known": False}])
def test_thin_holes_of_volumes_are_fitted_if_the_fit_has_a_share(rng, settings):
    task = Inpaint(hole="pixels", **settings).resolve(holey_volume(rng)[1])
    assert task.iterations > 1
    assert task.blend_share > 0


def test_voxels_are_filled_better_from_similar_cubes_than_smoothly(rng):
    clean, measurement = holey_volume(rng)
    filled = Inpaint(preset="instant").resolve(measurement).instant(measurement)
    missing = ~measurement.observed[0]
    smooth = smoothly_filled(measurement.y[0].numpy(), missing[0].numpy())
    errors = [(image - clean[0])[missing].std() for image in (filled, torch.from_numpy(smooth))]
    assert errors[0] < 0.5 * errors[1]


def test_large_holes_of_volumes_are_fitted_from_a_smooth_fill():
    z, y, x = np.mgrid[:6, :12, :14]
    ramp = torch.from_numpy((z + y + x).astype(np.float32) / 40)[None, None]
    observed = torch.ones_like(ramp, dtype=torch.bool)
    observed[..., 5:7, 4:10] = False
    measurement = Measurement(y=ramp * observed, observed=observed)
    task = Inpaint(hole="region").resolve(measurement)
    assert task.blend_share == 1
    smooth = smoothly_filled(measurement.y[0].numpy(), ~observed[0, 0].numpy())
    np.testing.assert_array_equal(task.instant(measurement).numpy(), smooth.astype("f"))


def test_a_volume_is_filled_from_its_neighbouring_slices_too():
    z = np.broadcast_to(np.arange(7.0)[:, None, None] / 7, (7, 6, 6)).copy()
    missing = np.zeros(z.shape, bool)
    missing[3, 1:5, 1:5] = True
    filled = smoothly_filled(np.where(missing, 0, z)[None], missing)[0]
    np.testing.assert_allclose(filled, z, atol=1e-6)


def test_a_lost_slice_is_filled_from_its_neighbours():
    z = np.broadcast_to(np.arange(7.0)[:, None, None] / 7, (7, 6, 6)).copy()
    missing = np.zeros(z.shape, bool)
    missing[3] = True
    filled = smoothly_filled(np.where(missing, 0, z)[None], missing)[0]
    np.testing.assert_allclose(filled, z, atol=1e-6)


def test_pixels_without_a_known_plane_keep_their_values():
    missing = np.zeros((5, 5, 5), bool)
    missing[2], missing[:, 2], missing[:, :, 2] = True, True, True
    filled = smoothly_filled(np.full((1, 5, 5, 5), 0.5), missing)[0]
    np.testing.assert_allclose(filled, 0.5)
