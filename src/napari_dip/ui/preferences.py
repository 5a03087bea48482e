"""What a person prefers: File > Preferences > Deep Image Prior, as napari.yaml describes it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml
from napari.settings import get_plugin_settings

PLUGIN, GROUP = "napari-dip", "restore"


PLACE = "File > Preferences > Deep Image Prior"


UNREADABLE = (
    f"preferences: {PLUGIN}.yaml can't be read, so the defaults hold; remove it from napari's "
    "settings folder"
)


@dataclass(frozen=True)
class Preferences:
    """The values that are in force; the defaults are those of napari.yaml.

    Attributes
    ----------
    device
        Which the dock has when it opens.
    previews_per_second
        At most.
    snapshots_mb
        Memory for the timeline.
    """

    device: str = "auto"
    previews_per_second: float = 5.0
    snapshots_mb: int = 256

    @property
    def preview_interval(self) -> float:
        """Least seconds between two previews."""
        return 1 / self.previews_per_second

    @property
    def snapshot_bytes(self) -> int:
        return self.snapshots_mb * 1_000_000


NAMES = tuple(field.name for field in fields(Preferences))


def read() -> Preferences:
    """The preferences as they are now; the default for each that can't be used."""
    try:
        group = getattr(get_plugin_settings(PLUGIN), GROUP)
    except Exception:  # whatever is wrong with the files must not keep the dock from opening
        return Preferences()
    return Preferences(**{name: getattr(group, name) for name in NAMES})


def complaint() -> str:
    """What is stored but can't be used, in a line; nothing when all is well.

    napari takes the default in its place, and tells its log alone.
    """
    try:
        settings = get_plugin_settings(PLUGIN)
        stored = _stored(settings.config_path)
    except KeyError:  # napari does not know the plugin, and stores nothing for it
        return ""
    except Exception:
        return UNREADABLE
    model = type(getattr(settings, GROUP))
    bad = [name for name in NAMES if name in stored and not _fits(model, name, stored[name])]
    if not bad:
        return ""
    told = ", ".join(f"{name} {stored[name]!r}" for name in bad)
    return f"preferences: {told} can't be used, the default is; choose again in {PLACE}"


def _stored(path: Path | None) -> dict[str, Any]:
    """What the file holds, as it was written."""
    if path is None or not path.exists():
        return {}
    return dict((yaml.safe_load(path.read_text()) or {}).get(GROUP, {}))


def _fits(model: Any, name: str, value: Any) -> bool:
    try:
        model(**{name: value})
    except ValueError:
        return False
    return True
