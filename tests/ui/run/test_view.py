"""The buttons and the progress."""

import threading

import pytest
from napari.resources import LOADING_GIF_PATH
from napari.utils import progress
from qtpy.QtCore import Qt
from qtpy.QtGui import QMovie
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow, QProgressBar, QPushButton

from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.run import view as module
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase
from napari_dip.ui.run.view import QtRunView


class Dock(QtRunView):
    """A dock without a form."""

    def __init__(self):
        super().__init__(viewer=None)
        self._lay_out(form=(), below=())


@pytest.fixture
def view(qtbot):
    view = Dock()
    qtbot.addWidget(view)
    yield view
    view.end_activity()


def buttons(view):
    return {action: view.findChild(QPushButton, action.name.lower()) for action in view.tips}


@pytest.mark.parametrize("phase", Phase)
def test_buttons_do_what_is_allowed(view, phase):
    model = RestoreModel(phase=phase)
    view.show_phase(phase, model.allowed)
    enabled = {action for action, button in buttons(view).items() if button.isEnabled()}
    assert enabled == model.allowed


@pytest.mark.parametrize("phase", Phase)
def test_pause_and_resume_share_a_place(view, phase):
    view.show_phase(phase, frozenset())
    assert buttons(view)[Action.RESUME].isHidden() == (phase is not Phase.PAUSED)
    assert buttons(view)[Action.PAUSE].isHidden() == (phase is Phase.PAUSED)


def test_buttons_ask(view):
    heard = []
    view.asked.connect(heard.append)
    for button in buttons(view).values():
        button.setEnabled(True)
        button.click()
    assert heard == list(view.tips)


def test_pitfall_06_napari_progress_is_made_on_the_windows_thread(view, qtbot, monkeypatch):
    made = []

    def make(*args, **kwargs):
        made.append((threading.current_thread(), kwargs["total"], progress(*args, **kwargs)))
        return made[-1][-1]

    monkeypatch.setattr(module, "progress", make)
    view.show_progress(None, "Starting")
    view.show_progress(0.5, "2 / 4")
    assert [thread for thread, *_ in made] == [threading.main_thread()]
    assert view.findChild(QProgressBar, "progress").value() == made[0][1] / 2
    # napari's bar lets events through: not while the rest of the window is being updated.
    ((_, total, activity),) = made
    assert activity.n == 0
    qtbot.waitUntil(lambda: activity.n == total / 2)
    view.show_phase(Phase.FINISHED, frozenset())
    assert activity.disable  # closed


def test_nothing_in_the_window_moves_by_itself_while_a_fit_needs_the_processor(qtbot):
    window, dock, view, spinner = QMainWindow(), QDockWidget(), Dock(), QLabel()
    qtbot.addWidget(window)
    dock.setWidget(view)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    window.statusBar().addWidget(spinner)
    movie = QMovie(LOADING_GIF_PATH)
    spinner.setMovie(movie)
    dock.setFloating(True)
    movie.start()
    view.show_progress(None, "Starting")
    assert view.findChild(QProgressBar, "progress").maximum() > 0  # else it runs to and fro
    assert movie.state() is QMovie.MovieState.Paused
    view.show_progress(0.5, "2 / 4")
    assert movie.state() is QMovie.MovieState.Paused
    view.end_activity()


def test_an_error_is_marked(view):
    view.show_message("Settings copied.", False)
    assert view.findChild(QLabel, "message").text() == "Settings copied."
    view.show_message("mask: missing", True)
    assert view.findChild(QLabel, "message").text() == "⚠ mask: missing"
