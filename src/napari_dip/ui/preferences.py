"""The preferences under File > Preferences > Deep Image Prior, which napari.yaml defines."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml
from napari.settings import get_plugin_settings

PLUGIN, GROUP = "napari-dip", "restore"
"""Names of the plugin and of its group of preferences in napari.yaml."""

MENU = "File > Preferences > Deep Image Prior"

UNREADABLE = (
    f"preferences: {PLUGIN}.yaml can't be read, so the defaults hold; remove it from napari's "
    "settings folder"
)


@dataclass(frozen=True)
class Preferences:
    """The preferences' values; the defaults are those of napari.yaml.

    Attributes
    ----------
    device
        Device that is chosen when a dock opens.
    previews_per_second
        Largest number of previews per second.
    snapshots_mb
        Memory for a fit's snapshots, in megabytes.
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
        """Memory for a fit's snapshots, in bytes."""
        return self.snapshots_mb * 1_000_000


_NAMES = tuple(field.name for field in fields(Preferences))


def read() -> Preferences:
    """Return the preferences as they are now, with the default for each unusable value."""
    try:
        group = getattr(get_plugin_settings(PLUGIN), GROUP)
    except Exception:  # whatever is wrong with the files must not keep a dock from opening
        return Preferences()
    return Preferences(**{name: getattr(group, name) for name in _NAMES})


def warning() -> str:
    """Name the stored values that can't be used, in a line; empty if there are none.

    napari uses the defaults instead, and writes only to its log.
    """
    try:
        settings = get_plugin_settings(PLUGIN)
        stored = _stored(settings.config_path)
    except KeyError:  # napari does not know the plugin, and stores nothing for it
        return ""
    except Exception:
        return UNREADABLE
    model = type(getattr(settings, GROUP))
    bad = [name for name in _NAMES if name in stored and not _is_valid(model, name, stored[name])]
    if not bad:
        return ""
    values = ", ".join(f"{name} {stored[name]!r}" for name in bad)
    return f"preferences: {values} can't be used, so the default is; choose again in {MENU}"


def _stored(path: Path | None) -> dict[str, Any]:
    """Return the values in the file, as they were written."""
    if path is None or not path.exists():
        return {}
    return dict((yaml.safe_load(path.read_text()) or {}).get(GROUP, {}))


def _is_valid(model: Any, name: str, value: Any) -> bool:
    try:
        model(**{name: value})
    except ValueError:
        return False
    return True
