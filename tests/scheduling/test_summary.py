"""The summary of a run: what it counts, and what it says when it can't be written."""

import json

import pytest

from napari_dip import Summary, UserError
from napari_dip.scheduling.item import Outcome, Status


def test_a_summary_that_can_not_be_written_is_in_the_message(tmp_path):
    outcomes = [Outcome("a", Status.DONE)]
    with pytest.raises(UserError, match=r"summary\.csv: .*; it would say: 1 done, 1 unfinished"):
        Summary(tmp_path / "gone", {}, ("a", "b"), outcomes).write()


def test_it_is_complete_when_all_items_are_finished(tmp_path):
    summary = Summary(tmp_path, {"task": "denoise"}, ("a", "b"))
    summary.add(Outcome("a", Status.DONE, report={"iterations": 3}))
    assert (summary.stop_reason, summary.is_complete) == ("cancelled", False)
    summary.add(Outcome("b", Status.KEPT))
    assert (summary.stop_reason, summary.is_complete) == ("budget", True)
    assert summary.seconds > 0
    summary.write()
    assert json.loads((tmp_path / "summary.json").read_text()) == summary.report()


def test_an_item_that_failed_makes_it_incomplete(tmp_path):
    summary = Summary(tmp_path, {}, ("a",))
    summary.add(Outcome("a", Status.FAILED, "no room"))
    assert (summary.stop_reason, summary.is_complete) == ("failed", False)
