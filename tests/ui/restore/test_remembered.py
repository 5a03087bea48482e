"""Settings from session to session."""

import pytest

from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.restore import remembered as memory


def test_each_tasks_settings_come_back():
    memory.remember(Denoise(runs=2, filters=(8, 16)))
    memory.remember(Inpaint(keep_known=False))
    remembered = memory.remembered()
    assert remembered["denoise"] == Denoise(runs=2, filters=(8, 16))
    assert remembered["inpaint"] == Inpaint(keep_known=False)


def test_what_belongs_to_one_image_is_forgotten():
    own = {"iterations": 12, "sigma": 0.1, "gain": 2.0, "noise_correlation": 0.7}
    memory.remember(Denoise(**own, preset="best"))
    memory.remember(Inpaint(hole="text"))
    assert memory.remembered()["denoise"] == Denoise(preset="best")
    assert memory.remembered()["inpaint"] == Inpaint()
    memory._store().setValue("tasks/denoise", '{"task": "denoise", "sigma": 0.3}')
    assert memory.remembered()["denoise"] == Denoise()


def test_without_memories_there_are_the_defaults():
    assert memory.remembered() == {name: task() for name, task in TASKS.items()}


def test_settings_of_an_older_version_are_read():
    memory._store().setValue("tasks/denoise", '{"task": "denoise", "recorrupt": false}')
    assert memory.remembered()["denoise"] == Denoise(r2r=False)


@pytest.mark.parametrize("text", ["{", "[]", '{"task": "denoise", "older": 1}'])
def test_memories_of_another_version_do_no_harm(text):
    memory._store().setValue("tasks/denoise", text)
    assert memory.remembered()["denoise"] == Denoise()
