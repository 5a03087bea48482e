"""Errands beside the window."""

import threading

import pytest
from qtpy.QtCore import QObject

from napari_dip.errors import UserError
from napari_dip.ui.compare import background as module
from napari_dip.ui.compare.background import BackgroundReads


@pytest.fixture
def errands(qtbot):
    parent = QObject()
    made = BackgroundReads(("a", "b"), parent)
    made.parent_kept, made.said = parent, []
    made.looked.connect(made.said.append)
    yield made
    qtbot.waitUntil(lambda: not any(b.is_busy for b in made.backgrounds.values()))


def test_what_is_brought_is_done_in_the_window_and_what_fails_is_said(errands, qtbot):
    where = []

    def fetch():
        where.append(threading.current_thread())
        return lambda: where.append(threading.current_thread()) or "done"

    def fail():
        raise UserError("b: it can't be")

    errands.send("a", fetch)
    qtbot.waitUntil(lambda: "done" in errands.said)
    assert where[0] is not threading.main_thread()
    assert where[1] is threading.main_thread()
    errands.send("b", fail)
    qtbot.waitUntil(lambda: "⚠ b: it can't be" in errands.said)
    qtbot.waitUntil(lambda: not errands.are_under_way)


def test_what_is_dropped_is_not_done(errands, qtbot):
    done = []
    errands.send("a", lambda: lambda: done.append("a"))
    errands.drop("a")
    qtbot.waitUntil(lambda: not errands.are_under_way)
    assert not done


def test_a_long_wait_is_known(errands, qtbot, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 1)
    go = threading.Event()
    errands.send("a", lambda: go.wait() and (lambda: ""))
    qtbot.waitUntil(lambda: errands.are_late)
    go.set()
    qtbot.waitUntil(lambda: not errands.are_late)


def test_nothing_is_no_errand(errands):
    errands.send("a", None)
    assert not errands.are_under_way
