from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase


def test_each_task_keeps_its_settings():
    model = RestoreModel()
    model.task = Denoise(iterations=7)
    model.task = Inpaint(keep_known=False)
    assert model.name == "inpaint"
    model.name = "denoise"
    assert model.task == Denoise(iterations=7)
    assert set(model.tasks) == set(TASKS)


def test_models_do_not_share_their_settings():
    first, second = RestoreModel(), RestoreModel()
    first.task = Denoise(iterations=7)
    assert second.task == Denoise()


def test_a_change_of_task_is_an_event_and_an_edit_is_not():
    model, heard = RestoreModel(), []
    model.events.name.connect(heard.append)
    model.task = Denoise(iterations=7)  # the form that it was typed into must not be rebuilt
    model.task = Inpaint()
    assert heard == ["inpaint"]


def test_every_phase_allows_something_and_only_an_idle_one_allows_a_run():
    model = RestoreModel()
    for phase in Phase:
        model.phase = phase
        assert model.allowed
        assert (Action.RUN in model.allowed) == (not phase.is_active)


def test_pitfall_04_no_resume_before_the_pause_took_effect():
    model = RestoreModel(phase=Phase.PAUSING)
    assert not {Action.PAUSE, Action.RESUME} & model.allowed
    model.phase = Phase.PAUSED
    assert Action.RESUME in model.allowed
