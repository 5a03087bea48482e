"""`TASKS`, all tasks by name."""

from __future__ import annotations

from typing import Any

from napari_dip.errors import UserError
from napari_dip.registry import Registry, class_check
from napari_dip.tasks.base import INPUT_HELP, Task
from napari_dip.tasks.deblur import Deblur
from napari_dip.tasks.dejpeg import DeJPEG
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.enhance import EnhanceDetail
from napari_dip.tasks.flash import FlashNoFlash
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.upscale import Upscale

_check_class = class_check("task", Task, "name", "title", "preset_values")


def _check(task: type[Task]) -> None:
    _check_class(task)
    if not set(task.needs) <= set(task.accepts) <= set(INPUT_HELP):
        raise UserError(
            f"task: {task.__name__}.accepts must name inputs ({', '.join(INPUT_HELP)}) and all of "
            f"its needs, got accepts={task.accepts} and needs={task.needs}"
        )


TASKS: Registry[type[Task]] = Registry(
    "task",
    lambda task: task.name,
    _check,
    (Denoise, DeJPEG, Inpaint, Upscale, Deblur, EnhanceDetail, FlashNoFlash),
)
"""All tasks by their name on the command line."""


def task_from_dict(values: dict[str, Any]) -> Task:
    """Make the task that `{"task": name, **settings}` describes, as in a report or a layer.

    Settings of earlier versions are read, too.

    Raises
    ------
    UserError
        When there is no such task, or it has no such setting.

    Examples
    --------
    >>> task_from_dict({"task": "upscale", "factor": 2}).factor
    2
    """
    settings = {name: value for name, value in values.items() if name != "task"}
    return TASKS[values.get("task", "")].from_dict(settings)
