from dataclasses import fields

import pytest
import torch

from napari_dip.engine.networks import NetworkSpec
from napari_dip.engine.operators import Identity, Mask
from napari_dip.engine.problem import FitSettings
from napari_dip.engine.stopping import Discrepancy, WindowedVariance
from napari_dip.errors import UserError
from napari_dip.tasks.base import FIT_SETTINGS, NETWORK_SETTINGS, SharedSettings
from napari_dip.tasks.deblur import Deblur
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.flash import FlashNoFlash
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.measurement import Measurement
from napari_dip.tasks.registry import TASKS, task_from_dict
from napari_dip.tasks.upscale import Upscale


def half_known(*shape: int) -> torch.Tensor:
    observed = torch.ones(shape, dtype=torch.bool)
    observed[..., ::2] = False
    return observed


# Names


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_made_again_from_its_dict(name):
    task = TASKS[name](iterations=5, filters=(8, 4))
    assert task_from_dict({"task": name, **task.to_dict()}) == task


def test_unknown_tasks_and_settings_are_refused():
    with pytest.raises(
        UserError, match=r"^task: expected one of denoise, .*, flash, got 'sharpen'$"
    ):
        task_from_dict({"task": "sharpen"})
    with pytest.raises(UserError, match=r"^task: expected one of .*, got ''$"):
        task_from_dict({})
    with pytest.raises(UserError, match=r"sgima: .* did you mean sigma\?"):
        task_from_dict({"task": "denoise", "sgima": 0.1})


def test_names_and_values_of_earlier_versions_are_read():
    former = {"task": "denoise", "recorrupt": False, "grain": 1.0, "stop": "settled"}
    assert task_from_dict(former) == Denoise(r2r=False, noise_correlation=1.0, stop="converged")
    assert Upscale.from_dict({"recorrupt": True}).r2r is True
    assert Denoise.parse("recorrupt", "yes") is True
    assert Denoise.parse("grain", "0.5") == 0.5
    assert Denoise.parse("stop", "settled") == "converged"
    with pytest.raises(UserError, match="grain: Upscale has no such setting"):
        Upscale.from_dict({"grain": 1.0})


@pytest.mark.parametrize("name", TASKS)
def test_attributes_of_tasks_are_consistent(name):
    task = TASKS[name]
    assert task.name == name
    assert task.title
    assert task.__doc__
    assert set(task.needs) <= set(task.accepts) <= {"mask", "guide", "psf"}
    assert set(task.parts) == set(task().postprocess(torch.rand(1, 4, 4), tiny())) - {"image"}
    assert set(task.differences) <= set(task.parts)


def tiny() -> Measurement:
    return Measurement(torch.rand(1, 1, 4, 4), torch.ones(1, 1, 4, 4, dtype=torch.bool))


# Noise levels


def test_the_noise_level_is_estimated_where_it_is_used(measured):
    measurement = measured(64, 64, data_range_per_unit=0.5)
    assert measurement.estimated_sigma == pytest.approx(0.05, rel=0.2)
    # In fractions of the data range, of which y's 1 is a half here.
    assert Denoise(stop="sigma").resolve(measurement).sigma == pytest.approx(0.025, rel=0.2)
    assert Denoise(preset="paper").resolve(measurement).sigma is None


def test_a_given_noise_level_is_taken(measured):
    assert Denoise(stop="sigma", sigma=0.2).resolve(measured()).sigma == 0.2


def test_a_wide_unit_gives_a_valid_noise_level(measured):
    """Data far beyond their nominal range; a fraction above 1 would be refused."""
    assert Denoise(stop="sigma").resolve(measured(data_range_per_unit=1000.0)).sigma == 1.0


def test_the_discrepancy_is_in_the_fits_units(measured):
    observed = half_known(1, 1, 32, 40)
    for given, expected in ((None, 0.1 / 0.5), (observed, 0.1 / 0.5 * 0.5**0.5)):
        measurement = measured(observed=given, data_range_per_unit=0.5)
        task = Denoise(stop="sigma", sigma=0.1).resolve(measurement)
        rule = task.fit_settings(measurement).stopping
        assert isinstance(rule, Discrepancy)
        # The squared error of hidden pixels is 0, and is averaged with the others.
        assert rule.sigma == pytest.approx(expected)


@pytest.mark.parametrize(("stop", "rule"), [("budget", type(None)), ("variance", WindowedVariance)])
def test_a_name_stands_for_a_rule(stop, rule, measured):
    task = Denoise(stop=stop).resolve(measured())
    assert type(task.fit_settings(measured()).stopping) is rule


# R2R


def test_the_r2r_factor_makes_the_noises_independent(measured):
    measurement = measured(data_range_per_unit=0.5)
    task = Denoise(sigma=0.05, input="image", r2r=True, input_noise=0.2).resolve(measurement)
    assert task.fit_settings(measurement).r2r == pytest.approx((0.05 / 0.5 / 0.2) ** 2)


def test_the_r2r_factor_is_0_without_a_perturbation(measured):
    measurement = measured()
    task = Denoise(sigma=0.05, input="image", r2r=True, input_noise=0).resolve(measurement)
    assert task.fit_settings(measurement).r2r == 0


def test_r2r_is_off_for_another_input(measured):
    task = Denoise(input="noise").resolve(measured())
    assert task.r2r is False
    assert task.fit_settings(measured()).r2r == 0


@pytest.mark.parametrize(
    "task",
    [
        Denoise(input="noise", r2r=True),
        Inpaint(input="meshgrid", r2r=True),
        Upscale(input="image", r2r=True),
        Deblur(input="image", r2r=True),
        FlashNoFlash(r2r=True),
    ],
    ids=lambda task: task.name,
)
def test_r2r_of_another_input_is_refused(task, measured):
    with pytest.raises(UserError, match=r"^r2r: it needs the noisy image itself"):
        task.resolve(measured())


# From settings and a measurement to a fit


@pytest.mark.parametrize("name", TASKS)
def test_every_shared_setting_reaches_the_fit(name, measured):
    """A setting that no field takes, and a field that no setting gives, would go unnoticed."""
    task, settings = TASKS[name], {f.name for f in fields(SharedSettings)}
    of_network, of_fit = ({f.name for f in fields(spec)} for spec in (NetworkSpec, FitSettings))
    assert of_network == {*NETWORK_SETTINGS, "kind", "anisotropy"}
    assert of_fit == {*FIT_SETTINGS, "network", "input", "noise_correlation", "r2r", "stopping"}
    used_by_name = {"network", "input", "input_channels", "anisotropy", "sigma", "stop", "r2r"}
    of_runs = {"preset", "runs", "uncertainty"}
    assert settings == {*NETWORK_SETTINGS, *FIT_SETTINGS, *used_by_name, *of_runs}
    resolved = task(filters=(4, 6), skips=(1, 2), average=0.5).resolve(measured())
    fitted = resolved.fit_settings(measured())
    assert all(getattr(fitted, n) == getattr(resolved, n) for n in FIT_SETTINGS)
    assert all(getattr(fitted.network, n) == getattr(resolved, n) for n in NETWORK_SETTINGS)


def test_open_settings_are_refused(measured):
    with pytest.raises(ValueError, match="network: expected values, got None; resolve first"):
        Denoise().fit_settings(measured())


def test_missing_pixels_are_masked_in_front_of_any_operator(measured):
    observed = half_known(1, 1, 32, 40)
    for task in (Denoise(), Upscale(factor=2), Deblur()):
        whole = task.resolve(measured()).problem(measured())
        assert not isinstance(whole.operator, Mask)
        partly = measured(observed=observed)
        problem = task.resolve(partly).problem(partly)
        assert isinstance(problem.operator, Mask)
        assert type(problem.operator.inner) is type(whole.operator)
        assert not problem.y[~observed].any()
        assert torch.equal(problem.y[observed], partly.y[observed])


def test_the_operator_of_a_plain_task_is_the_identity(measured):
    assert type(Denoise().resolve(measured()).problem(measured()).operator) is Identity


@pytest.mark.parametrize("task", [Denoise, Upscale, Deblur])
def test_the_image_as_input_has_the_size_of_what_is_fitted(task, measured):
    measurement = measured(channels=2, observed=half_known(1, 2, 32, 40))
    problem = task(input="image").resolve(measurement).problem(measurement)
    assert problem.guide.shape == (1, 2, *problem.image_shape)
    assert problem.guide.isfinite().all()


def test_impossible_networks_are_user_errors(measured):
    for bad, said in (
        (Denoise(kernels_down=4), "kernels_down"),
        (Denoise(kernel_skip=2), "kernel_skip"),
        (Denoise(network="resnet", filters=(8, 4)), "filters: a ResNet's blocks"),
    ):
        with pytest.raises(UserError, match=f"^{said}"):
            bad.resolve(measured()).fit_settings(measured())
