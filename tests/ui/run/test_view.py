"""The buttons and the progress."""

import threading

import pytest
from napari.resources import LOADING_GIF_PATH
from napari.utils import progress
from qtpy.QtCore import Qt
from qtpy.QtGui import QMovie
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow

from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.run import view as run
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase
from napari_dip.ui.run.view import RunBar


@pytest.fixture
def bar(qtbot):
    bar = RunBar()
    qtbot.addWidget(bar)
    yield bar
    bar.end_activity()


@pytest.mark.parametrize("phase", Phase)
def test_buttons_do_what_is_allowed(bar, phase):
    model = RestoreModel(phase=phase)
    bar.show_phase(phase, model.allowed)
    enabled = {action for action, button in bar._buttons.items() if button.isEnabled()}
    assert enabled == model.allowed


@pytest.mark.parametrize("phase", Phase)
def test_pause_and_resume_share_a_place(bar, phase):
    bar.show_phase(phase, frozenset())
    assert bar._buttons[Action.RESUME].isHidden() == (phase is not Phase.PAUSED)
    assert bar._buttons[Action.PAUSE].isHidden() == (phase is Phase.PAUSED)


def test_buttons_ask(bar):
    heard = []
    bar.asked.connect(heard.append)
    for button in bar._buttons.values():
        button.setEnabled(True)
        button.click()
    assert heard == list(bar._buttons)


def test_pitfall_06_napari_progress_is_made_on_the_windows_thread(bar, qtbot, monkeypatch):
    made = []

    def make(*args, **kwargs):
        made.append((threading.current_thread(), kwargs["total"]))
        return progress(*args, **kwargs)

    monkeypatch.setattr(run, "progress", make)
    bar.show_progress(None, "Starting")
    bar.show_progress(0.5, "2 / 4")
    assert made == [(threading.main_thread(), run.STEPS)]
    assert bar._bar.value() == run.STEPS / 2
    # napari's bar lets events through: not while the rest of the window is being updated.
    assert bar._activity.n == 0
    qtbot.waitUntil(lambda: bar._activity.n == run.STEPS / 2)
    bar.show_phase(Phase.FINISHED, frozenset())
    assert bar._activity is None


def test_nothing_in_the_window_moves_by_itself_while_a_fit_needs_the_processor(qtbot):
    window, dock, bar, spinner = QMainWindow(), QDockWidget(), RunBar(), QLabel()
    qtbot.addWidget(window)
    dock.setWidget(bar)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    window.statusBar().addWidget(spinner)
    movie = QMovie(LOADING_GIF_PATH)
    spinner.setMovie(movie)
    dock.setFloating(True)
    movie.start()
    bar.show_progress(None, "Starting")
    assert bar._bar.maximum() > 0  # else it would run to and fro
    assert movie.state() is QMovie.MovieState.Paused
    bar.show_progress(0.5, "2 / 4")
    assert movie.state() is QMovie.MovieState.Paused
    bar.end_activity()


def test_an_error_is_marked(bar):
    bar.show_message("Settings copied.", False)
    assert bar._message.text() == "Settings copied."
    bar.show_message("mask: missing", True)
    assert bar._message.text() == "⚠ mask: missing"
