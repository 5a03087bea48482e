"""The metadata that say how a restored layer was made, and the settings read from them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from napari_dip.data.reading import ReadingRecord
from napari_dip.errors import UserError
from napari_dip.tasks.registry import task_from_dict

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_dip.tasks.base import Task


KEY = "napari-dip"
"""The key of a layer's metadata under which they are."""

READING = "reading"
"""The key under which the reading records are, as in a report."""

_LIBRARIES = ("torch", "numpy", "scikit-image", "napari")


@cache  # it reads files, and previews are labelled several times a second
def versions() -> dict[str, str]:
    """The versions of the libraries that a layer was made with."""
    return {name: version(name) for name in _LIBRARIES}


def readings_of(layer: Layer) -> tuple[ReadingRecord, ...]:
    """The reading records of the files that a layer was read, or restored, from."""
    made = layer.metadata.get(KEY)
    found = made.get(READING, ()) if isinstance(made, dict) else ()
    return tuple(map(ReadingRecord.from_dict, found))


def task_of(layer: Layer) -> Task:
    """The settings that a restored layer was made with.

    Raises
    ------
    UserError
        When the layer was not restored here.
    """
    made = layer.metadata.get(KEY)
    if not isinstance(made, dict) or "task" not in made:
        raise UserError(f"layer: {layer.name!r} was not made here; select a restored layer")
    return task_from_dict({"task": made["task"], **made.get("settings", {})})


def task_to_dict(task: Task) -> dict[str, Any]:
    """A task with its settings, as they are copied, remembered and read by `task_from_dict`."""
    return {"task": task.name, **task.to_dict()}
