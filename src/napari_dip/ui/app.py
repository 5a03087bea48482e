"""`napari-dip gui` and `napari-dip demo`: napari, the dock, and something to restore."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import napari
from napari.errors import MultipleReaderError
from napari.layers import Layer

from napari_dip.errors import UserError
from napari_dip.ui.layers.reader import plugin_for
from napari_dip.ui.run.model import Action
from napari_dip.ui.samples import ROLES, layers_of_demo

if TYPE_CHECKING:
    from napari import Viewer

    from napari_dip.samples.demo import Demo


PLUGIN, SAMPLE = "napari-dip", "denoise"


PROBE = "from qtpy.QtWidgets import QApplication; print(QApplication([]).platformName())"
"""A program that opens a display."""


PROBE_SECONDS = 30
"""A display that is far away and switched off does not answer at all."""


ROOM = (1280, 860)
"""Pixels for the picture with the dock beside it."""


UNSEEN = ("offscreen", "minimal")
"""Qt's platforms without a display."""


def open_viewer(files: Sequence[Path]) -> None:
    """Open napari with the dock, and stay until it is closed.

    Parameters
    ----------
    files
        Pictures to open; none for a sample.

    Raises
    ------
    UserError
        When there is no display, no such file, or nothing that can read it.
    """
    for file in files:
        if not file.exists():
            raise UserError(f"files: there is no {file}")
    if not has_display():
        raise UserError(
            "display: there is none; run it on a desktop, or under xvfb-run "
            "(pip install 'napari-dip[all]' brings Qt)"
        )
    viewer = napari.Viewer()
    try:
        fill(viewer, files)
    except UserError:
        viewer.close()
        raise
    make_room(viewer)
    napari.run()


def open_demo(shown: Demo) -> None:
    """Open napari with what a demo has shown, and stay until it is closed."""
    viewer = napari.Viewer()
    show_demo(viewer, shown)
    make_room(viewer)
    napari.run()


def make_room(viewer: Viewer) -> None:
    """Show all of the picture, in a larger window if the dock has left little of it."""
    from qtpy.QtWidgets import QApplication

    *_, width, height = viewer.window.geometry()
    screen = QApplication.primaryScreen().availableSize()
    viewer.window.resize(
        max(width, min(ROOM[0], screen.width())), max(height, min(ROOM[1], screen.height()))
    )
    QApplication.processEvents()  # the canvas has its size only then
    viewer.reset_view()


def fill(viewer: Viewer, files: Sequence[Path]) -> None:
    """Put the pictures, or a sample that one click on Run restores, and the dock into a viewer."""
    from napari_dip.ui.docks import open_restore

    if not files:
        _show_in_dock(viewer, viewer.open_sample(PLUGIN, SAMPLE))
        return
    for file in files:
        _open(viewer, file)
    open_restore(viewer)


def show_demo(viewer: Viewer, shown: Demo) -> None:
    """Put a demo's pictures and the dock into a viewer, the restored one on top."""
    _show_in_dock(viewer, [viewer.add_layer(Layer.create(*x)) for x in layers_of_demo(shown)])


def _show_in_dock(viewer: Viewer, layers: Sequence[Layer]) -> None:
    """Fill the form with what a sample's layers tell."""
    from napari_dip.ui.docks import open_restore

    dock = open_restore(viewer)
    viewer.layers.selection.active = layers[0]
    dock.controller.act(Action.FROM_LAYER)
    dock.choose(image=layers[0])
    dock.choose(**{ROLES[layer.name]: layer for layer in layers if layer.name in ROLES})


def _open(viewer: Viewer, file: Path) -> None:
    try:
        try:
            viewer.open(file, plugin=None)
        except MultipleReaderError:
            # With a window napari would ask which.
            viewer.open(file, plugin=plugin_for(file))
    except Exception as error:  # readers are plugins, and raise anything
        line = f"{error}".strip().splitlines() or [type(error).__name__]
        raise UserError(f"files: napari can't open {file} ({line[0]})") from error


def has_display() -> bool:
    """Whether a window can be opened, tried in another process: Qt ends one that can't."""
    try:
        probe = subprocess.run(
            [sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS
        )
    except subprocess.TimeoutExpired:
        return False
    return probe.returncode == 0 and probe.stdout.strip() not in UNSEEN
