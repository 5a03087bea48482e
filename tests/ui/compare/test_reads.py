"""Reads in the background."""

import threading

import pytest
from qtpy.QtCore import QObject, QTimer

from napari_dip.errors import UserError
from napari_dip.ui.compare import reads as module
from napari_dip.ui.compare.reads import BackgroundReads

from ..find import find


def is_reading(reads):
    return find(reads, QTimer).isActive()


@pytest.fixture
def reads(qtbot):
    parent = QObject()
    reads = BackgroundReads(("a", "b"), parent)
    reads.parent_kept, reads.notes = parent, []
    reads.checked.connect(reads.notes.append)
    yield reads
    qtbot.waitUntil(lambda: not is_reading(reads))


def test_a_read_runs_on_another_thread_and_is_finished_on_the_windows(reads, qtbot):
    where = []

    def fetch():
        where.append(threading.current_thread())
        return lambda: where.append(threading.current_thread()) or "done"

    def fail():
        raise UserError("b: it can't be")

    reads.start("a", fetch)
    qtbot.waitUntil(lambda: "done" in reads.notes)
    assert where[0] is not threading.main_thread()
    assert where[1] is threading.main_thread()
    reads.start("b", fail)
    qtbot.waitUntil(lambda: "⚠ b: it can't be" in reads.notes)
    qtbot.waitUntil(lambda: not is_reading(reads))


def test_a_dropped_read_is_not_finished(reads, qtbot):
    done = []
    reads.start("a", lambda: lambda: done.append("a"))
    reads.drop("a")
    qtbot.waitUntil(lambda: not is_reading(reads))
    assert not done


def test_a_slow_read_is_late(reads, qtbot, monkeypatch):
    monkeypatch.setattr(module, "CHECKS_UNTIL_LATE", 1)
    go = threading.Event()
    reads.start("a", lambda: go.wait() and (lambda: ""))
    qtbot.waitUntil(lambda: reads.are_late)
    go.set()
    qtbot.waitUntil(lambda: not reads.are_late)


def test_none_starts_no_read(reads):
    reads.start("a", None)
    assert not is_reading(reads)
