from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from napari_dip.errors import UserError
from napari_dip.tasks.denoise import Denoise, has_low_snr, with_remaining_detail
from napari_dip.tasks.measurement import Measurement


@pytest.fixture
def counts():
    """A ramp seen by a camera of 10 counts a photon, over an offset of 100, up to 30 photons."""
    scene = np.linspace(1, 30, 96) * np.ones((96, 1))
    values = 100 + 10 * np.random.default_rng(0).poisson(scene)
    y = torch.from_numpy((values - 100.0) / 400).float()[None, None]
    observed = torch.ones_like(y, dtype=torch.bool)
    return Measurement(y, observed, data_range_per_unit=400 / 65535, black=(100.0,), white=(500.0,))


def test_a_camera_is_recognised(counts):
    task = Denoise().resolve(counts)
    assert task.gain == pytest.approx(10, rel=0.25)
    assert task.sigma == pytest.approx((10 * 155) ** 0.5 / 65535, rel=0.2)
    assert task.resolve(counts) == task


def test_a_given_noise_level_is_used(counts):
    task = Denoise(sigma=0.001).resolve(counts)
    assert (task.gain, task.sigma) == (None, 0.001)
    assert task.problem(counts).noise_shape is None


def test_a_given_camera_is_used(counts):
    task = Denoise(gain=20, offset=100, read_noise=5).resolve(counts)
    assert (task.gain, task.offset, task.read_noise) == (20, 100, 5)
    shape = task.problem(counts).noise_shape
    assert shape.shape == counts.y.shape
    assert shape.square().mean() == pytest.approx(1, abs=1e-4)
    assert shape[..., -4:].mean() > 2 * shape[..., :4].mean()


def test_a_tile_is_perturbed_as_the_whole_image(counts):
    task = Denoise(gain=10, offset=100).resolve(counts)
    bright = np.s_[..., 64:]
    part = replace(counts, y=counts.y[bright], observed=counts.observed[bright])
    again = task.resolve(part)
    assert again == task
    whole = task.problem(counts).noise_shape[..., 72:]  # smoothing reaches over the border
    torch.testing.assert_close(again.problem(part).noise_shape[..., 8:], whole, rtol=0.02, atol=0)


def test_the_paper_preset_estimates_no_camera(counts):
    assert Denoise(preset="paper").resolve(counts).gain is None


@pytest.mark.parametrize("name", ["offset", "read_noise"])
def test_half_a_camera_is_refused(counts, name):
    with pytest.raises(UserError, match=rf"{name}.*gain"):
        Denoise(**{name: 1.0}).resolve(counts)


def test_remaining_detail_is_added_back(measured):
    measurement = measured(48, 48)
    smooth = measurement.y.clone()
    measurement.y[..., 10:30, 10:30] += torch.tensor([0.4, -0.4]).repeat(10)
    fitted = smooth[0]
    back = with_remaining_detail(fitted, measurement, torch.full((1, 1, 1), 0.05))
    inside, outside = np.s_[..., 14:26, 14:26], np.s_[..., 36:, 36:]
    assert (back - measurement.y[0])[inside].abs().max() < 0.02
    assert torch.equal(back[outside], fitted[outside])


def test_remaining_noise_is_not_added_back(measured):
    measurement = measured(64, 64)
    truth = torch.linspace(0.2, 0.8, 64).expand(1, 64, 64)
    back = with_remaining_detail(truth, measurement, torch.full((1, 1, 1), 0.05))
    assert (back - truth).square().mean() < 0.02 * 0.05**2


def test_missing_pixels_are_not_added_back(measured):
    measurement = measured(32, 32)
    observed = torch.ones_like(measurement.observed)
    observed[..., :16] = False
    fitted = torch.full((1, 32, 32), 0.5)
    back = with_remaining_detail(
        fitted, replace(measurement, observed=observed), torch.full((1, 1, 1), 0.001)
    )
    assert torch.equal(back[..., :16], fitted[..., :16])
    assert not torch.equal(back[..., 16:], fitted[..., 16:])


def test_detail_is_added_back_to_nearly_clean_images_only(measured):
    measurement = measured(32, 32)
    fitted = torch.full((1, 32, 32), 0.5)
    for sigma, is_back in ((0.005, True), (0.05, False)):
        task = Denoise(sigma=sigma).resolve(measurement)
        image = task.postprocess(fitted, measurement)["image"]
        assert torch.equal(image, fitted) is not is_back


def test_impulses_are_treated_as_missing(measured):
    measurement = measured(64, 64)
    hit = torch.rand(measurement.y.shape, generator=torch.Generator().manual_seed(1)) < 0.1
    measurement.y[hit] = 1.5
    taken = Denoise().prepare_measurement(measurement)
    assert (~taken.observed & hit).sum() > 0.95 * hit.sum()
    task = Denoise().resolve(taken)
    # Their neighbours' noise is measured, not they.
    assert task.sigma == pytest.approx(0.05, rel=0.3)
    # The network must not learn to copy its input, which is a guess there.
    assert task.input_noise > 0.1 > Denoise().resolve(measured(64, 64)).input_noise


@pytest.mark.parametrize("task", [Denoise(preset="paper"), Denoise(impulses=False)])
def test_impulses_can_be_kept(measured, task):
    measurement = measured(64, 64)
    measurement.y[..., ::5, ::7] = 1.5
    assert task.prepare_measurement(measurement) is measurement
    assert bool(
        Denoise(preset="paper", impulses=True)
        .prepare_measurement(measurement)
        .observed[..., 1, 1]
        .all()
    )
    assert not bool(
        Denoise(preset="paper", impulses=True).prepare_measurement(measurement).observed.all()
    )


@pytest.fixture
def correlated(measured):
    """Noise of 0.1 that was blurred by a pixel, over a ramp."""
    measurement = measured(96, 96)
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(96, 96)), 1.0)
    ramp = np.linspace(0.2, 0.8, 96)
    y = torch.from_numpy(ramp + 0.1 * noise / noise.std()).float()[None, None]
    return replace(measurement, y=y, data_range_per_unit=0.5)


def test_correlated_noise_is_recognised(correlated):
    task = Denoise().resolve(correlated)
    assert task.noise_correlation == pytest.approx(1, rel=0.15)
    assert task.sigma == pytest.approx(0.1 * 0.5, rel=0.2)
    assert task.gain is None
    assert task.resolve(correlated) == task
    assert task.fit_settings(correlated).noise_correlation == task.noise_correlation
    # Correlated noise is learned sooner than white noise.
    assert task.iterations < Denoise(noise_correlation=0).resolve(correlated).iterations
    best = Denoise(preset="best").resolve(correlated)
    assert (
        best.iterations < Denoise(preset="best", noise_correlation=0).resolve(correlated).iterations
    )


def test_given_noise_settings_are_used(correlated):
    assert Denoise(sigma=0.07).resolve(correlated).sigma == 0.07
    assert Denoise(sigma=0.07).resolve(correlated).noise_correlation > 0.8
    assert Denoise(noise_correlation=0).resolve(correlated).noise_correlation == 0
    assert Denoise(gain=1.0).resolve(correlated).noise_correlation == 0
    assert Denoise(preset="paper").resolve(correlated).noise_correlation == 0


def test_correlated_noise_of_a_stack_is_measured_in_its_slices(correlated):
    stack = correlated.y[:, :, None].expand(1, 1, 5, 96, 96)
    measurement = replace(correlated, y=stack, observed=torch.ones_like(stack, dtype=torch.bool))
    assert Denoise().resolve(measurement).noise_correlation == pytest.approx(1, rel=0.15)


@pytest.mark.parametrize("preset", ["fast", "best"])
def test_an_image_with_low_snr_has_a_short_fit(measured, preset):
    measurement = measured(64, 64)  # a ramp of 0.6 with noise of 0.05
    noise = 0.4 * torch.randn(measurement.y.shape, generator=torch.Generator().manual_seed(2))
    drowned = replace(measurement, y=measurement.y + noise)
    clear, faint = (Denoise(preset=preset).resolve(m) for m in (measurement, drowned))
    assert faint.iterations < clear.iterations
    assert faint.input_noise / faint.sigma > 1.3 * clear.input_noise / clear.sigma
    # Nothing to compare: no noise, or a single known pixel.
    assert not has_low_snr(replace(measurement, y=torch.zeros_like(measurement.y)), 0.0)
    one = torch.zeros_like(measurement.observed)
    one[..., 0, 0] = True
    assert has_low_snr(replace(measurement, observed=one), 0.1)


def test_fast_blends_the_fit_with_a_nonlocal_estimate(measured):
    measurement = measured(24, 24)
    task = Denoise(sigma=0.05).resolve(measurement)
    assert task.blend_share == pytest.approx(0.3)
    assert task.last_pass
    x, instant = torch.ones(1, 24, 24), torch.zeros(1, 24, 24)
    assert float(task.blend(x, instant, progress=1.0).mean()) == pytest.approx(0.3)
    assert float(task.blend(x, instant, progress=0.1).mean()) == pytest.approx(0.003)


def test_the_instant_estimate_has_less_noise(measured):
    measurement = measured(48, 48)
    task = Denoise(sigma=0.05).resolve(measurement)
    clean = torch.linspace(0.2, 0.8, 48).expand(1, 48, 48)
    instant = task.instant(measurement)
    assert float((instant - clean).square().mean()) < 0.05**2 / 4


@pytest.mark.parametrize("preset", ["paper", "fast"])
def test_the_fit_is_alone_where_patches_do_not_help(measured, preset):
    missing = torch.ones(1, 1, 24, 24, dtype=torch.bool)
    missing[..., :4] = False
    cases = {"paper": measured(24, 24), "fast": measured(24, 24, observed=missing)}
    task = Denoise(preset=preset, sigma=0.05).resolve(cases[preset])
    assert task.blend_share == 1
    assert task.instant(cases[preset]) is None
    x = torch.ones(1, 24, 24)
    assert task.refine(x, cases[preset]) is x


def test_the_fit_has_a_smaller_share_in_volumes_than_in_planes(measured):
    plane, volume = (Denoise(sigma=0.05).resolve(measured(*s)) for s in ((24, 24), (8, 24, 24)))
    assert 0 < volume.blend_share < plane.blend_share < 1


def test_at_a_low_signal_to_noise_ratio_there_is_no_last_pass(measured):
    assert Denoise(sigma=0.05).resolve(measured()).last_pass
    assert not Denoise(sigma=0.5).resolve(measured()).last_pass


def test_a_checkerboard_is_subtracted_but_not_by_paper(measured):
    y = torch.linspace(0.2, 0.8, 32).expand(1, 1, 32, 32)
    pattern = 0.05 * (-1.0) ** torch.arange(64).unfold(0, 32, 1)[:32]
    measurement = Measurement(y=y + pattern, observed=torch.ones(y.shape, dtype=torch.bool))
    flat = Denoise().prepare_measurement(measurement).y
    assert float((flat - y).abs().max()) < 1e-3
    assert Denoise(preset="paper").prepare_measurement(measurement).y is measurement.y


def test_row_noise_is_subtracted_from_planes_but_not_by_paper(measured):
    generator = torch.Generator().manual_seed(0)
    y = torch.linspace(0.2, 0.8, 64).expand(1, 1, 64, 64)
    offsets = 0.05 * torch.randn(1, 1, 64, 1, generator=generator)
    measurement = Measurement(y=y + offsets, observed=torch.ones(y.shape, dtype=torch.bool))
    flat = Denoise().prepare_measurement(measurement).y
    assert float((flat - y).std()) < float(offsets.std()) / 2
    assert Denoise(preset="paper").prepare_measurement(measurement).y is measurement.y


def test_single_photons_are_no_impulses():
    counts = torch.from_numpy(np.random.default_rng(0).poisson(0.1, (64, 64))).float()[None, None]
    measurement = Measurement(y=counts / 4, observed=torch.ones(counts.shape, dtype=torch.bool))
    prepared = Denoise().prepare_measurement(measurement)
    assert bool(prepared.observed.all())
    assert Denoise().resolve(prepared).gain == pytest.approx(0.25)


def test_the_fit_has_a_smaller_share_where_noise_is_weak(measured):
    weak = Denoise(sigma=0.01).resolve(measured(24, 24))
    assert weak.blend_share == pytest.approx(0.3 / 4)


def test_a_fit_that_is_cut_short_has_a_smaller_share():
    whole, short = (Denoise(blend_share=0.3, iterations=n) for n in (300, 15))
    assert whole.share_of_fit(1, 1.0) == pytest.approx(0.3)
    assert short.share_of_fit(1, 1.0) == pytest.approx(0.003)
    assert Denoise(blend_share=1.0, iterations=15).share_of_fit(1, 1.0) == 1
