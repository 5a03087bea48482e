"""The registered tasks, by name."""

from __future__ import annotations

from typing import Any

from napari_dip.errors import UserError
from napari_dip.tasks.base import Task
from napari_dip.tasks.deblur import Deblur
from napari_dip.tasks.dejpeg import DeJPEG
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.enhance import EnhanceDetail
from napari_dip.tasks.flash import FlashNoFlash
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.upscale import Upscale

TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (Denoise, DeJPEG, Inpaint, Upscale, Deblur, EnhanceDetail, FlashNoFlash)
}
"""All tasks by their name on the command line."""


def task_from_dict(values: dict[str, Any]) -> Task:
    """The task that `{"task": name, **settings}` describes, as in a report or a layer's metadata.

    Raises
    ------
    UserError
        When there is no such task, or it has no such setting.
    """
    name = values.get("task")
    if name not in TASKS:
        raise UserError(f"task: {name!r} is none of {', '.join(TASKS)}")
    return TASKS[name].from_dict({k: v for k, v in values.items() if k != "task"})
