"""What is on record of a run: which it is and what was decided for it, so that it can go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from napari_dip.blocks.source import Source
from napari_dip.files import replacing
from napari_dip.tasks.base import Task

PLAN = "plan.json"
"""In the folder of what is under way."""


def request_of(source: Source, task: Task, **options: Any) -> dict[str, Any]:
    """What tells a run from another one, as JSON values: the picture, the task, and all options."""
    request = {
        "task": task.name,
        "settings": task.to_dict(),
        "source": str(source.path),
        "axes": source.axes,
        "each": source.fitting.each,
        "sides": source.names,
        "mask_keeps": source.mask_keeps,
        **options,
    }
    told: dict[str, Any] = json.loads(json.dumps(request))  # tuples become lists, as when read
    return told


def recorded(output: Path) -> Any:
    """The request that a finished result tells of."""
    try:
        attributes = json.loads((output / "zarr.json").read_text())["attributes"]
        return attributes["napari-dip"]["request"]
    except (OSError, ValueError, KeyError):
        return None


def begun(parts: Path, output: Path, request: dict[str, Any]) -> dict[str, Any] | None:
    """What was decided for an unfinished result with the same request."""
    try:
        told = json.loads((parts / PLAN).read_text())
    except (OSError, ValueError):
        return None
    same = told["request"] == request and output.exists()
    return told["decided"] if same else None


def begin(parts: Path, request: dict[str, Any], decided: dict[str, Any]) -> None:
    """Put on record what was decided."""
    parts.mkdir(parents=True)
    with replacing(parts / PLAN) as temporary:
        temporary.write_text(json.dumps({"request": request, "decided": decided}, indent=2) + "\n")
