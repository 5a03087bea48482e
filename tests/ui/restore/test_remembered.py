"""Settings from session to session."""

import pytest

from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.restore import remembered as memory


def test_each_tasks_settings_come_back():
    memory.remember(Denoise(iterations=7, filters=(8, 16)))
    memory.remember(Inpaint(keep_known=False))
    remembered = memory.remembered()
    assert remembered["denoise"] == Denoise(iterations=7, filters=(8, 16))
    assert remembered["inpaint"] == Inpaint(keep_known=False)


def test_without_memories_there_are_the_defaults():
    assert memory.remembered() == {name: task() for name, task in TASKS.items()}


def test_settings_of_an_older_version_are_read():
    memory._store().setValue("tasks/denoise", '{"task": "denoise", "recorrupt": false}')
    assert memory.remembered()["denoise"] == Denoise(r2r=False)


@pytest.mark.parametrize("text", ["{", "[]", '{"task": "denoise", "older": 1}'])
def test_memories_of_another_version_do_no_harm(text):
    memory._store().setValue("tasks/denoise", text)
    assert memory.remembered()["denoise"] == Denoise()
