"""The buttons and the progress."""

import threading

import pytest
from napari.utils import progress

from napari_dip.ui.model import Action, RestoreModel
from napari_dip.ui.views import run
from napari_dip.ui.views.run import RunBar
from napari_dip.ui.worker import Phase


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


def test_pitfall_06_napari_progress_is_made_on_the_windows_thread(bar, monkeypatch):
    made = []

    def make(*args, **kwargs):
        made.append((threading.current_thread(), kwargs["total"]))
        return progress(*args, **kwargs)

    monkeypatch.setattr(run, "progress", make)
    bar.show_progress(None, "Starting")
    bar.show_progress(0.5, "2 / 4")
    assert made == [(threading.main_thread(), run.STEPS)]
    assert bar._activity.n == run.STEPS / 2
    assert bar._bar.value() == run.STEPS / 2
    bar.show_phase(Phase.FINISHED, frozenset())
    assert bar._activity is None


def test_an_error_is_marked(bar):
    bar.show_message("Settings copied.", False)
    assert bar._message.text() == "Settings copied."
    bar.show_message("mask: missing", True)
    assert bar._message.text() == "⚠ mask: missing"
