"""`TASKS`, all tasks by name."""

from __future__ import annotations

from typing import Any

from napari_dip.errors import UserError
from napari_dip.registry import Registry, has_docstring
from napari_dip.tasks.base import INPUT_HELP, Task
from napari_dip.tasks.deblur import Deblur
from napari_dip.tasks.dejpeg import DeJPEG
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.enhance import EnhanceDetail
from napari_dip.tasks.flash import FlashNoFlash
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.upscale import Upscale


def _check(task: type[Task]) -> None:
    if not (isinstance(task, type) and issubclass(task, Task)):
        raise UserError(f"task: expected a subclass of Task, got {task!r}")
    missing = [name for name in ("name", "title") if not getattr(task, name, "")]
    missing += [] if has_docstring(task) else ["docstring"]
    missing += ["preset_values"] if task.preset_values is Task.preset_values else []
    if missing:
        raise UserError(f"task: {task.__name__} has no {' and no '.join(missing)}; add them")
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
