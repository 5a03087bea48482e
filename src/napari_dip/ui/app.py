"""`napari-dip gui`: napari, the dock, and something to restore."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import napari

from napari_dip.errors import UserError

if TYPE_CHECKING:
    from napari import Viewer

PLUGIN, DOCK, SAMPLE = "napari-dip", "Deep Image Prior: Restore", "denoise"


def open_viewer(files: Sequence[Path]) -> None:
    """Open napari with the dock, and stay until it is closed.

    Parameters
    ----------
    files
        Pictures to open; none for a sample.

    Raises
    ------
    UserError
        When there is no display, or no such file.
    """
    check_display()
    for file in files:
        if not file.exists():
            raise UserError(f"files: there is no {file}")
    fill(napari.Viewer(), files)
    napari.run()


def fill(viewer: Viewer, files: Sequence[Path]) -> None:
    """Put the pictures and the dock into a viewer."""
    if files:
        viewer.open([str(file) for file in files])
    else:
        viewer.open_sample(PLUGIN, SAMPLE)
    viewer.window.add_plugin_dock_widget(PLUGIN, DOCK)


def check_display() -> None:
    """Raise a UserError where Qt would abort the process."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in names):
        raise UserError("display: there is none; run it on a desktop, or under xvfb-run")
