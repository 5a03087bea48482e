"""Series of frames: warm starts, cuts, and what the frames share."""

import numpy as np
import pytest

from napari_dip import Denoise, Inpaint, restore
from napari_dip.restoration.series import (
    WARM_ITERATIONS,
    FittedFrame,
    is_cut,
    restore_series,
    warm_settings,
    warm_start,
)

QUICK = {"iterations": 3, "filters": (4,)}
TASK = Denoise(iterations=40, filters=(8, 8), sigma=0.05)


@pytest.fixture
def movie(rng):
    """Six frames of waves that move, with noise; another scene from the fifth on."""
    y, x = np.mgrid[:32, :36]
    clean = [0.5 + 0.3 * np.sin((y + t) / 4) * np.cos((x - t) / 5) for t in range(4)]
    clean += [0.5 + 0.3 * np.sin((x + t) / 7) for t in range(2)]
    noise = rng.normal(0, 0.05, (6, 32, 36))
    return np.clip(np.stack(clean) + noise, 0, 1).astype(np.float32)


def test_warm_frames_take_a_fraction_of_the_iterations_until_a_cut(movie):
    results = list(restore_series(movie, TASK, device="cpu"))
    few = round(WARM_ITERATIONS * 40)
    assert [r.iterations for r in results] == [40, few, few, few, 40, few]
    alone = restore(movie[0], TASK, device="cpu").image
    np.testing.assert_array_equal(results[0].image, alone)
    assert all(r.task.sigma == results[0].task.sigma for r in results)


def test_a_warm_start_is_ahead_of_a_cold_one(movie):
    warm = list(restore_series(movie[:2], TASK, device="cpu", data_range=1.0))[1]
    cold = restore(movie[1], warm_settings(warm.task), device="cpu", data_range=1.0)
    assert warm.history[-1]["loss"] < cold.history[-1]["loss"] / 2


def test_noise_and_range_of_the_first_frame_hold_for_all(movie):
    results = list(restore_series(movie[:3], TASK.replace(sigma=None), device="cpu"))
    assert len({r.task.sigma for r in results}) == 1
    assert len({r.data_range for r in results}) == 1


def test_a_stopped_series_ends_with_the_cancelled_frame(movie):
    asked = []

    def stop():
        asked.append(0)
        return len(asked) > 42

    results = list(restore_series(movie, TASK, device="cpu", should_stop=stop))
    assert [r.stop_reason for r in results] == ["budget", "cancelled"]


def test_frames_with_little_in_common_are_a_cut(movie):
    assert not is_cut(movie[0], movie[1])
    assert is_cut(movie[3], movie[4])
    assert is_cut(np.zeros((20, 20)), movie[0, :20, :20])


def test_warm_settings_stay_in_their_ranges():
    least = warm_settings(TASK.replace(iterations=1, learning_rate=1e-6, average=0.5))
    assert (least.iterations, least.learning_rate, least.average) == (1, 1e-6, 0.5)


def test_a_cut_of_the_guide_starts_afresh(movie):
    guides = movie[0], movie[4]
    last = FittedFrame(movie[0], ({},), guides[0])
    assert warm_start(TASK, last, movie[1], guides[0]).weights
    assert not warm_start(TASK, last, movie[1], guides[1]).weights
    flat = FittedFrame(movie[0], ({},), np.zeros((32, 36)))
    assert warm_start(TASK, flat, movie[1], np.zeros((32, 36))).weights


def test_all_frames_have_the_mask(movie):
    mask = np.zeros((32, 36), bool)
    mask[3:6, 4:9] = True
    movie = movie.copy()
    movie[:2, 3:6, 4:9] = np.nan
    results = restore_series(movie[:2], Inpaint(**QUICK), mask=mask)
    for frame, result in zip(movie, results, strict=False):
        np.testing.assert_array_equal(result.image[~mask], frame[~mask])
        assert np.isfinite(result.image).all()
