"""Each task's settings, remembered from session to session."""

from __future__ import annotations

import json

from qtpy.QtCore import QSettings

from napari_dip.errors import UserError
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import TASKS, task_from_dict
from napari_dip.ui.layers.provenance import task_to_dict


def _store() -> QSettings:
    return QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "napari-dip", "napari-dip"
    )


def remember(task: Task) -> None:
    """Remember a task's settings, those aside that belong to the image of this run."""
    _store().setValue(f"tasks/{task.name}", json.dumps(task_to_dict(task.for_another_image())))


def remembered() -> dict[str, Task]:
    """Each task's settings as they were used last, or its defaults if there are none."""
    return {name: _recall(name) for name in TASKS}


def _recall(name: str) -> Task:
    text = _store().value(f"tasks/{name}", "")
    try:
        # Settings of another version that can't be read must not keep the dock from opening.
        # An earlier version remembered values of one image, too.
        return task_from_dict(json.loads(str(text))).for_another_image()
    except (UserError, ValueError, TypeError, AttributeError):
        return TASKS[name]()
