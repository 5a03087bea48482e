"""`restore` and `prepare`: results, settings, scores, reports, progress and refusals."""

import json
import math
import re
from dataclasses import dataclass

import numpy as np
import pytest
import skimage.metrics

import napari_dip
from napari_dip import (
    Deblur,
    DeJPEG,
    Denoise,
    EnhanceDetail,
    FlashNoFlash,
    Inpaint,
    Upscale,
    UserError,
    prepare,
    restore,
)
from napari_dip.engine.memory import OutOfMemory
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import TASKS
from napari_dip.tasks.settings import setting

QUICK = {"iterations": 3, "filters": (4, 4)}


@pytest.fixture
def image(picture, rng):
    """A noisy 8-bit picture of 24 x 20 pixels."""
    return np.clip(255 * picture + rng.normal(0, 10, picture.shape), 0, 255).astype(np.uint8)


def inputs_for(task: type[Task], image: np.ndarray) -> dict[str, np.ndarray]:
    """The inputs that a task needs."""
    mask = np.zeros(image.shape[:2] if image.ndim == 3 else image.shape, bool)
    mask[5:8, 4:9] = True
    side = {"guide": image[::-1], "psf": np.ones((3, 3)), "mask": mask}
    wanted = {*task.needs, "mask"} if task is Inpaint else set(task.needs)
    return {name: side[name] for name in wanted}


# What comes out


@pytest.mark.parametrize("preset", ["fast", "paper"])
@pytest.mark.parametrize("name", TASKS)
def test_every_task_restores(name, preset, image):
    task = TASKS[name]
    result = restore(image, task(preset=preset, **QUICK), **inputs_for(task, image))
    larger = 4 if task is Upscale else 1
    assert result.image.shape == (24 * larger, 20 * larger)
    assert result.image.dtype == image.dtype
    assert set(result.images) == {"image", *task.parts}
    assert result.images["image"] is result.image
    assert result.stop_reason in ("budget", "rule")
    assert result.is_complete
    assert result.task.preset == preset


def test_denoising_removes_noise(picture, rng):
    noisy = picture + rng.normal(0, 0.1, picture.shape)
    task = Denoise(sigma=0.1, iterations=150, filters=(16, 16), learning_rate=0.01)
    result = restore(noisy, task, reference=picture, data_range=1)
    assert result.psnr > result.input_psnr + 3


def test_inpainting_fills(picture):
    mask = np.zeros(picture.shape, bool)
    mask[4:20:3, 4:16] = True
    spoilt = np.where(mask, 0, picture)
    task = Inpaint(iterations=150, filters=(16, 16))
    result = restore(spoilt, task, mask=mask, reference=picture)
    assert result.psnr > result.input_psnr + 10
    assert result.psnr > 25


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ("YXS", (20, 18, 3)),
        ("CYX", (2, 17, 20)),
        ("ZYX", (5, 18, 16)),
        ("TZCYX", (1, 3, 2, 16, 17)),
    ],
)
def test_the_result_has_the_axes_and_dtype_of_the_image(axes, shape, rng):
    image = (1000 * rng.random(shape)).astype(np.uint16)
    result = restore(image, Denoise(**QUICK), axes=axes, reference=image)
    assert (result.image.shape, result.image.dtype) == (shape, np.uint16)
    assert -1 <= result.ssim <= 1


def test_a_channel_axis_does_not_grow(rng):
    image = rng.integers(0, 255, (3, 16, 18), dtype=np.uint8)
    result = restore(image, Upscale(factor=2, **QUICK), axes="CYX")
    assert result.image.shape == (3, 32, 36)


def test_a_microscopes_frame_stays_in_its_units(picture):
    image = (300 + 1700 * picture).astype(np.uint16)
    result = restore(image, Denoise(**{**QUICK, "iterations": 100}, average=0.5))
    assert result.image.dtype == np.uint16
    assert result.image.min() > 300
    assert result.image.max() < 2500
    assert result.image.mean() == pytest.approx(image.mean(), rel=0.1)


def test_missing_pixels_are_filled(picture):
    image = picture.copy()
    image[5:8, 6] = np.nan
    result = restore(image, Denoise(**QUICK))
    assert np.isfinite(result.image).all()
    kept = restore(image, Inpaint(**QUICK)).image
    assert np.isfinite(kept).all()
    np.testing.assert_array_equal(kept[np.isfinite(image)], image[np.isfinite(image)])


def test_masked_pixels_have_no_influence(image):
    mask = np.zeros(image.shape, bool)
    mask[5:8, 4:9] = True
    task = Denoise(**QUICK, input="noise", sigma=0.1)
    one = restore(image, task, mask=mask)
    spoilt = np.where(mask, image[20, 15], image)
    assert not np.array_equal(spoilt, image)
    np.testing.assert_array_equal(restore(spoilt, task, mask=mask).image, one.image)


def units(dtype: str, picture: np.ndarray) -> np.ndarray:
    top = {"uint8": 255, "uint16": 2000, "float64": 1e4}[dtype]
    image = (picture * top).astype(dtype)
    image[2, 3] = np.iinfo(dtype).max if dtype != "float64" else 1e9  # hot
    image[15, 3] = 0 if dtype != "float64" else -1e9  # dead
    return image


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
def test_known_pixels_come_back_bit_by_bit(dtype, picture):
    image = units(dtype, picture)
    mask = inputs_for(Inpaint, image)["mask"]
    result = restore(image, Inpaint(**QUICK), mask=mask)
    assert result.image.dtype == image.dtype
    assert (result.image == image)[~mask].all()
    assert not (result.image == image)[mask].all()
    fitted = restore(image, Inpaint(**QUICK, keep_known=False), mask=mask)
    assert not (fitted.image == image)[~mask].all()


def test_known_samples_of_one_channel(rng):
    image = rng.integers(0, 255, (20, 18, 4), dtype=np.uint8)
    mask = np.zeros(image.shape, bool)
    mask[4:6, 4:9, 1] = True
    result = restore(image, Inpaint(**QUICK), mask=mask)
    assert (result.image == image)[~mask].all()
    assert not (result.image == image)[mask].all()


@pytest.mark.parametrize("task", [Denoise, Upscale, EnhanceDetail])
def test_uncertainty_is_the_spread_over_runs(image, task):
    result = restore(image, task(uncertainty=True, **QUICK))
    assert result.task.runs == 4
    spread = result.images["uncertainty"]
    assert spread.shape == result.image.shape
    assert spread.dtype == np.float32
    assert spread.min() >= 0
    assert 0 < spread.max() < 255


def test_uncertainty_needs_runs_to_compare(image):
    with pytest.raises(UserError, match=r"^runs: .*2 or more"):
        restore(image, Denoise(uncertainty=True, runs=1, **QUICK))


def test_no_uncertainty_after_a_stop_in_the_first_run(image):
    result = restore(image, Denoise(uncertainty=True, **QUICK), should_stop=lambda: True)
    assert set(result.images) == {"image"}


@pytest.mark.parametrize("gain", [0.0, 1.0, 3.0])
def test_detail_adds_up_in_the_images_units(gain, picture):
    image = 1e4 * picture
    result = restore(image, EnhanceDetail(gain=gain, **QUICK))
    parts = result.images
    np.testing.assert_allclose(parts["coarse"] + parts["detail"], image, rtol=1e-4)
    np.testing.assert_allclose(result.image, image + gain * parts["detail"], rtol=1e-4, atol=1e-2)
    assert parts["detail"].dtype == np.float32


@pytest.mark.parametrize("samples", [1, 3, 4])
def test_a_guide_may_have_other_channels(samples, image, rng):
    guide = rng.random((24, 20, samples))
    assert restore(image, FlashNoFlash(**QUICK), guide=guide).image.shape == image.shape


def test_a_guide_laid_out_like_the_image(rng):
    pair = rng.integers(0, 255, (2, 3, 16, 18), dtype=np.uint8)
    result = restore(pair[0], FlashNoFlash(**QUICK), guide=pair[1], axes="CYX")
    assert result.image.shape == (3, 16, 18)


def test_a_volume_is_blurred_in_all_axes(rng):
    volume = rng.random((4, 16, 17))
    result = restore(volume, Deblur(**QUICK), psf=np.ones((3, 2, 5)))
    assert result.image.shape == volume.shape


# Settings, noise levels, scores


def test_sigma_is_a_fraction_of_the_data_range(picture, rng):
    noisy = (300 + 1700 * picture + rng.normal(0, 100, picture.shape)).astype(np.uint16)
    job = prepare(noisy, Denoise(stop="sigma"))
    assert job.data_range == 65535
    assert job.task.sigma * 65535 == pytest.approx(100, rel=0.3)
    rule = job.task.fit_settings(job.measurement).stopping
    assert rule.sigma * job.encoding.span == pytest.approx(100, rel=0.3)
    # Another range is another fraction of the same noise.
    other = prepare(noisy, Denoise(stop="sigma"), data_range=1700)
    assert other.task.sigma * 1700 == pytest.approx(job.task.sigma * 65535)
    given = prepare(noisy, Denoise(stop="sigma", sigma=100 / 1700), data_range=1700)
    rule = given.task.fit_settings(given.measurement).stopping
    assert rule.sigma * given.encoding.span == pytest.approx(100)


def test_psnr_is_over_all_pixels_and_channels_with_the_dtypes_range(rng):
    image, truth = rng.integers(0, 255, (2, 20, 18, 3), dtype=np.uint8)
    result = restore(image, Denoise(**QUICK), reference=truth)
    score = skimage.metrics.peak_signal_noise_ratio
    assert result.data_range == 255
    assert result.psnr == pytest.approx(score(truth, result.image, data_range=255))
    assert result.input_psnr == pytest.approx(score(truth, image, data_range=255))
    assert result.history[-1]["psnr"] == result.psnr
    expected = skimage.metrics.structural_similarity(
        truth, result.image, data_range=255, channel_axis=-1
    )
    assert result.ssim == pytest.approx(expected)


def test_a_given_data_range_counts(image):
    wide = restore(image, Denoise(**QUICK), reference=image // 2, data_range=255, seed=1)
    tight = restore(
        image,
        Denoise(**QUICK, sigma=wide.task.sigma * 2.55),
        reference=image // 2,
        data_range=100,
        seed=1,
    )
    np.testing.assert_array_equal(wide.image, tight.image)
    assert wide.psnr - tight.psnr == pytest.approx(20 * math.log10(2.55))


def test_without_a_reference_there_are_no_scores(image):
    result = restore(image, Denoise(**QUICK))
    assert result.psnr is result.ssim is result.input_psnr is None
    assert "psnr" not in result.history[0]


def test_the_input_of_super_resolution_has_no_score(image):
    truth = np.repeat(np.repeat(image, 2, 0), 2, 1)
    result = restore(image, Upscale(factor=2, **QUICK), reference=truth)
    assert result.psnr > 0
    assert result.input_psnr is None


@pytest.mark.parametrize("planes", [1, 2, 4])
def test_thin_stacks_are_scored(planes, rng):
    stack = rng.random((planes, 16, 18))
    assert restore(stack, Denoise(**QUICK), axes="ZYX", reference=stack).ssim <= 1


def test_a_reference_of_another_shape_is_refused(image):
    with pytest.raises(UserError, match=r"reference: its shape \(24, 20\) is not the result's"):
        restore(image, Upscale(factor=2, **QUICK), reference=image)
    with pytest.raises(UserError, match=r"reference: .* can't be compared"):
        restore(image, Denoise(**QUICK), reference=image.astype(complex))


def test_missing_pixels_of_the_reference_are_left_out(picture):
    truth = picture.copy()
    truth[:3] = np.nan
    result = restore(picture, Denoise(**QUICK), reference=truth)
    assert math.isfinite(result.psnr)
    assert result.report()["ssim"] is None


# Report


def test_the_report_is_json_with_all_documented_keys(image):
    result = restore(image, Denoise(**QUICK, runs=2), reference=image, seed=4, device="cpu")
    report = json.loads(json.dumps(result.report(), allow_nan=False))
    promised = {
        *("task", "settings", "preset", "seed", "device", "dtype", "shape", "iterations"),
        *("stop_reason", "seconds", "peak_memory_mb", "psnr", "ssim", "input_psnr", "history"),
        "version",
    }
    assert promised <= set(report)
    expected = {
        "task": "denoise",
        "preset": "fast",
        "seed": 4,
        "device": "cpu",
        "dtype": "uint8",
        "shape": [24, 20],
        "iterations": 6,
        "stop_reason": "budget",
        "version": napari_dip.__version__,
        "input_psnr": None,  # of equal images: infinite, which JSON has not
    }
    assert {k: report[k] for k in expected} == expected
    assert report["peak_memory_mb"] is None or report["peak_memory_mb"] > 50
    assert set(report["history"][-1]) == {"iteration", "seconds", "loss", "psnr"}
    assert report["settings"]["filters"] == [4, 4]


def test_the_report_repeats_the_restoration(image):
    result = restore(image, Denoise(**QUICK), seed=4)
    report = json.loads(json.dumps(result.report()))
    task = napari_dip.task_from_dict({"task": report["task"], **report["settings"]})
    again = restore(image, task, seed=report["seed"])
    np.testing.assert_array_equal(again.image, result.image)
    assert again.task == result.task


@pytest.mark.parametrize(
    ("iterations", "runs"), [(1, 1), (199, 1), (201, 1), (380, 1), (105, 2), (3, 30), (2, 100)]
)
def test_the_history_has_at_most_200_entries(iterations, runs, image):
    task = Denoise(preset="paper", network="pixels", iterations=iterations, runs=runs)
    history = restore(image, task).history
    assert 1 <= len(history) <= 200
    assert history[0]["iteration"] == 1
    assert history[-1]["iteration"] == iterations * runs
    if runs == 1:
        assert len(history) > min(iterations, 180) / 2


# While it runs


def test_each_update_has_an_image_and_the_last_one_the_result(image):
    seen = []
    result = restore(image, Denoise(**QUICK), on_progress=seen.append)
    assert [u.iteration for u in seen] == [0, 1, 2, 3]  # the instant estimate comes first
    assert {u.iterations for u in seen} == {3}
    assert [u.result for u in seen] == [None, None, None, result]
    np.testing.assert_array_equal(seen[-1].image, result.image)
    assert all(u.image.dtype == image.dtype for u in seen)


def test_instant_returns_its_only_update(image):
    seen = []
    result = restore(image, Denoise(preset="instant", sigma=0.1), on_progress=seen.append)
    assert [update.result for update in seen] == [result]
    assert seen[0].loss is None
    assert (result.stop_reason, result.is_complete, result.history) == ("budget", True, [])
    assert result.image.shape == image.shape
    assert result.report()["preset"] == "instant"


def test_a_sigma_far_from_the_measured_noise_is_said():
    noise = np.random.default_rng(0).normal(0, 5, (64, 64))
    image = np.clip(np.rint(128 + noise), 0, 255).astype(np.uint8)
    (warning,) = prepare(image, Denoise(sigma=25 / 255)).warnings
    assert re.match(r"sigma: 0.098 is given, and the image's noise is about 0.0[12]", warning)
    assert prepare(image, Denoise(sigma=5 / 255)).warnings == ()
    assert prepare(image, Denoise()).warnings == ()
    result = restore(image, Denoise(preset="instant", sigma=25 / 255))
    assert result.warnings == (warning,)
    assert result.report()["warnings"] == [warning]


@pytest.mark.parametrize(
    ("dtype", "result"),
    [("uint8", "float32"), ("int16", "float32"), ("uint16", "float32"), ("uint32", "float64")],
)
@pytest.mark.parametrize("peak", [0.3, 1, 4])
def test_results_of_few_counts_have_fractions(dtype, result, peak):
    y, x = np.mgrid[:48, :48]
    truth = peak * (0.5 + 0.5 * np.sin(y / 9) * np.cos(x / 7)) ** 2
    counts = np.random.default_rng(0).poisson(truth)
    options = {"device": "cpu", "task": Denoise(preset="instant")}
    restored = restore(counts.astype(dtype), **options)
    assert restored.image.dtype == result
    (note,) = restored.notes
    assert str(note).startswith(f"image: its result has fractions ({result}): rounding to {dtype}")
    assert restored.warnings == ()
    as_floats = restore(counts.astype(np.float32), **options)
    assert as_floats.notes == ()
    error, rounded = (
        np.square(values - truth).mean() for values in (restored.image, np.rint(restored.image))
    )
    assert 10 * np.log10(rounded / error) > 0.1
    with pytest.raises(UserError, match=r"image: its result has fractions.*--strict"):
        restore(counts.astype(dtype), **options, strict=True)


def test_pictures_and_strong_noise_keep_their_dtype(picture):
    image = np.tile(picture, (2, 2))
    wide = (255 * (image - image.min()) / np.ptp(image)).astype(np.uint8)
    assert restore(wide, Denoise(preset="instant"), device="cpu").image.dtype == np.uint8
    noise = np.random.default_rng(0).normal(0, 12, image.shape)
    grainy = (1000 + 400 * image + noise).astype(np.uint16)
    restored = restore(grainy, Denoise(preset="instant"), device="cpu")
    assert (restored.image.dtype, restored.notes) == (np.uint16, ())
    fine = (1000 + 100 * image + noise / 10).astype(np.uint16)
    assert restore(fine, Denoise(preset="instant"), device="cpu").image.dtype == np.float32
    task = Inpaint(iterations=1, filters=(4,))
    mask = np.eye(*image.shape, dtype=bool)
    assert restore(fine, task, mask=mask, device="cpu").image.dtype == np.uint16


def test_a_task_without_an_instant_estimate_says_so(image):
    with pytest.raises(UserError, match=r"^preset: enhance has no instant estimate; use fast$"):
        restore(image, EnhanceDetail(preset="instant"))


def test_stopping_returns_the_image_so_far(image):
    asked = []

    def stop() -> bool:
        asked.append(None)
        return len(asked) == 5

    result = restore(image, Denoise(**{**QUICK, "iterations": 1000}), should_stop=stop)
    assert (result.stop_reason, result.iterations, result.is_complete) == ("cancelled", 5, False)
    assert result.image.shape == image.shape


def test_the_seed_decides_the_result(image):
    one, same, other = (restore(image, DeJPEG(**QUICK), seed=seed).image for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_reference_and_a_callback_change_nothing(image):
    alone = restore(image, Denoise(**QUICK)).image
    watched = restore(image, Denoise(**QUICK), reference=image[::-1], on_progress=print).image
    np.testing.assert_array_equal(alone, watched)


def test_the_given_arrays_are_left_alone(picture):
    image, mask = picture.copy(), np.zeros(picture.shape, bool)
    mask[3:5, 4:7] = True
    kept = image.copy()
    result = restore(image, Inpaint(**QUICK), mask=mask)
    result.image[:] = 0
    np.testing.assert_array_equal(image, kept)
    assert mask.sum() == 6


# Before it runs


def test_prepare_decides_all_settings_and_starts_no_fit(image, monkeypatch):
    monkeypatch.setattr("napari_dip.engine.fit.fit_mean", None)
    job = prepare(image, Denoise())
    assert job.task.iterations
    assert job.memory_needed > 10**6
    assert prepare(image, job.task).task == job.task


def test_a_fit_larger_than_the_machine_is_refused_before_it_starts(image, monkeypatch):
    monkeypatch.setattr("napari_dip.engine.memory.total_memory", lambda device: 1000)
    with pytest.raises(OutOfMemory, match=r"out of memory: .* restore a crop"):
        prepare(image, Denoise())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mask": np.ones((24, 20))}, "mask: it covers the whole image"),
        ({"mask": np.ones((20, 24))}, "mask: its shape (20, 24) is not the image's (24, 20)"),
        ({"mask": np.full((24, 20), "a")}, "mask: <U1 values can't mark pixels"),
        ({"guide": np.ones((24, 20))}, "guide: denoise takes none; leave it out"),
        ({"psf": np.ones((3, 3))}, "psf: denoise takes none; leave it out"),
        ({"seed": -1}, "seed: -1 must be a whole number from 0 on"),
        ({"seed": 1.5}, "seed: 1.5 must be a whole number"),
        ({"data_range": 0}, "data_range: 0 must be a finite number above 0"),
        ({"device": "abacus"}, "device: 'abacus' is none of auto, cpu, cuda, mps"),
        ({"axes": "YXZ"}, "axes: YXZ names 3 axes"),
    ],
)
def test_a_bad_argument_is_refused_in_one_line(given, said, image):
    with pytest.raises(UserError) as caught:
        restore(image, Denoise(**QUICK), **given)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


GOOD = np.random.default_rng(0).integers(0, 256, (16, 20), dtype=np.uint8)

BAD_CALLS = [
    (lambda: restore(np.zeros((0, 0)), Denoise()), "image: it is empty"),
    (lambda: restore(None, Denoise()), "image: object values can't be restored"),
    (lambda: restore(np.zeros(16), Denoise()), "give axes"),
    (lambda: restore(np.zeros((2, 3, 4, 16, 16)), Denoise()), "give axes"),
    (lambda: restore(GOOD, "denoise"), "task: expected a task such as Denoise(), got 'denoise'"),
    (lambda: restore(GOOD, Denoise), "task: expected a task such as Denoise(), got <class"),
    (lambda: restore(GOOD, Denoise(sigma="25")), "sigma: '25' is not a number"),
    (lambda: restore(GOOD, Denoise(runs=True)), "runs: True is not a whole number"),
    (lambda: restore(GOOD, Denoise(filters=())), "filters: it is empty"),
    (lambda: restore(GOOD, Denoise(), seed=0.5), "seed: 0.5 must be a whole number"),
    (lambda: restore(GOOD, Denoise(), guide=GOOD), "guide: denoise takes none; leave it out"),
    (lambda: restore(GOOD, Deblur()), "psf: deblur needs one"),
    (lambda: restore(GOOD, Deblur(), psf=[["a"]]), "psf: its values are <U1; give real numbers"),
    (lambda: restore(GOOD, Inpaint(), mask=[["a"]]), "mask: <U1 values can't mark pixels"),
]


@pytest.mark.parametrize(("call", "expected"), BAD_CALLS, ids=[e for _, e in BAD_CALLS])
def test_a_bad_call_is_refused_in_one_line(call, expected):
    with pytest.raises(UserError, match=re.escape(expected)) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", [0, np.int64(3), 2**63 - 1])
def test_any_seed_from_0_on(seed, image):
    assert prepare(image, Denoise(), seed=seed).seed == seed
    assert restore(image, DeJPEG(iterations=1, filters=(4,)), seed=seed).seed == seed


# A task of one's own


@dataclass(frozen=True, kw_only=True)
class Flatten(Task):
    """Fit, and pull all values towards the middle."""

    name = "flatten"
    title = "Flatten"
    parts = ("fitted",)

    strength: float = setting(0.5, "How much", least=0, most=1)

    def preset_values(self, measurement):
        return EnhanceDetail(preset="paper").preset_values(measurement)

    def postprocess(self, x, measurement):
        return {"image": x + self.strength * (0.5 - x), "fitted": x}


def test_a_new_task_is_a_class_and_a_line(image, request):
    TASKS.register(Flatten)
    request.addfinalizer(lambda: TASKS.unregister("flatten"))
    task = napari_dip.task_from_dict({"task": "flatten", "strength": 1.0, "iterations": 2})
    result = restore(image, task)
    assert (result.image == 128).all()
    assert set(result.images) == {"image", "fitted"}
    assert result.report()["settings"]["strength"] == 1.0
    with pytest.raises(UserError, match="strength: 2 is above its greatest value of 1"):
        Flatten(strength=2)
