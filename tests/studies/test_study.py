"""Studies: one part after another or by turns, ended early with what there is."""

import numpy as np
import pytest

from napari_dip.studies.study import PartUpdate, StudyJob, StudyPart, computed_part


def part(name, iterations=3, log=None, ends=None):
    """A part that counts, and says what it does."""

    def run(should_stop):
        try:
            for i in range(1, (ends or iterations) + 1):
                if i > 1 and should_stop():
                    break
                if log is not None:
                    log.append((name, i))
                yield PartUpdate(i, np.full((2, 3), float(i)), 1 / i, {"psnr": 20.0 + i})
        finally:
            if log is not None:
                log.append((name, "closed"))

    return StudyPart(name, iterations, run)


def last(job, should_stop=lambda: False):
    *_, update = job.run(should_stop)
    return update


def test_parts_come_one_after_another():
    log = []
    updates = list(StudyJob("s", "prior", (part("a", log=log), part("b", log=log))).run())
    assert [name for name, i in log if i != "closed"] == ["a"] * 3 + ["b"] * 3
    assert [u.iteration for u in updates] == [1, 2, 3, 4, 5, 6, 6]
    assert {u.iterations for u in updates} == {6}
    assert [u.result is not None for u in updates] == [False] * 6 + [True]
    assert [p.name for p in updates[1].pictures] == ["a"]


def test_interleaved_parts_come_by_turns():
    log = []
    job = StudyJob("s", "prior", (part("a", 2, log), part("b", 3, log)), interleaved=True)
    result = last(job).result
    assert [name for name, i in log if i != "closed"] == ["a", "b", "a", "b", "b"]
    assert result.names == ("a", "b")
    assert result["b"].curve == ((1, 1.0), (2, 0.5), (3, 1 / 3))


def test_results_are_stacked_and_reported():
    job = StudyJob(
        "s", "prior", (part("a"), computed_part("b", lambda: np.zeros((2, 3)), lambda x: {}))
    )
    result = last(job).result
    assert result.stop_reason == "budget"
    assert (result.stack() == [np.full((2, 3), 3.0), np.zeros((2, 3))]).all()
    first, second = result.report()["pictures"]
    assert (first["name"], first["psnr"], first["iterations"]) == ("a", 23.0, 3)
    assert (second["curve"], second["iterations"]) == ([], 1)
    assert [p.caption for p in result.pictures] == ["a, 23.00 dB", "b"]


def test_a_part_that_ends_early_takes_its_share_off_the_budget():
    update = last(StudyJob("s", "prior", (part("a", 100, ends=2), part("b"))))
    assert (update.iteration, update.iterations) == (5, 5)


@pytest.mark.parametrize("interleaved", [False, True])
def test_stopping_keeps_what_there_is_and_closes_all_parts(interleaved):
    log = []
    job = StudyJob("s", "prior", (part("a", 9, log), part("b", 9, log)), interleaved=interleaved)
    result = last(job, lambda: len(log) >= 4).result
    assert result.stop_reason == "cancelled"
    assert result.names == (("a", "b") if interleaved else ("a",))
    assert result.iterations == 4
    assert ("a", "closed") in log


def test_a_study_stopped_at_once_has_one_picture():
    result = last(StudyJob("s", "prior", (part("a"), part("b"))), lambda: True).result
    assert (result.names, result.iterations) == (("a",), 1)


def test_a_part_that_continues_a_fit_counts_new_iterations_only():
    further = part("b", 5)
    job = StudyJob("s", "stop", (part("a", 3), StudyPart("b", 5, further.run, start=3)))
    updates = list(job.run())
    assert {u.iterations for u in updates} == {5}
    assert updates[-1].result.iterations == 5
