"""`napari-dip gui` and `napari-dip demo`: open napari with the Restore dock and an image."""

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
from napari_dip.ui.preferences import PLUGIN
from napari_dip.ui.run.model import Action
from napari_dip.ui.samples import SAMPLE_ROLES, layers_of_demo

if TYPE_CHECKING:
    from napari import Viewer

    from napari_dip.samples.demo import Demo


SAMPLE = "denoise"
"""Key of the sample that is opened without files."""

PROBE = "from qtpy.QtWidgets import QApplication; print(QApplication([]).platformName())"
"""A program that opens a display and prints Qt's name for it."""

PROBE_SECONDS = 30
"""Seconds to wait for the program: a remote display that is switched off never answers."""

WINDOW_SIZE = (1280, 860)
"""Least width and height in pixels of a window with an image and the dock beside it."""

INVISIBLE_PLATFORMS = ("offscreen", "minimal")
"""Qt's platforms that show nothing."""


def open_viewer(files: Sequence[Path]) -> None:
    """Open napari with the Restore dock, and return when it is closed.

    Parameters
    ----------
    files
        Images to open; without any, a sample is opened.

    Raises
    ------
    UserError
        When there is no display, no such file, or no reader for it.
    """
    for file in files:
        if not file.exists():
            raise UserError(f"files: there is no {file}")
    if not has_display():
        raise UserError(
            "display: there is none; run this command on a desktop, or under xvfb-run "
            "(pip install 'napari-dip[all]' installs Qt)"
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
    """Open napari with a demo's layers, and return when it is closed."""
    viewer = napari.Viewer()
    show_demo(viewer, shown)
    make_room(viewer)
    napari.run()


def make_room(viewer: Viewer) -> None:
    """Enlarge a small window, as the dock takes much of it, and show the whole image."""
    from qtpy.QtWidgets import QApplication

    *_, width, height = viewer.window.geometry()
    screen = QApplication.primaryScreen().availableSize()
    viewer.window.resize(
        max(width, min(WINDOW_SIZE[0], screen.width())),
        max(height, min(WINDOW_SIZE[1], screen.height())),
    )
    QApplication.processEvents()  # gives the canvas its new size
    viewer.reset_view()


def fill(viewer: Viewer, files: Sequence[Path]) -> None:
    """Open the dock and the files in a viewer, or a sample that one click on Run restores."""
    from napari_dip.ui.docks import open_restore

    if not files:
        _show_in_dock(viewer, viewer.open_sample(PLUGIN, SAMPLE))
        return
    for file in files:
        _open(viewer, file)
    open_restore(viewer)


def show_demo(viewer: Viewer, shown: Demo) -> None:
    """Open the dock and a demo's layers in a viewer, the restored image on top."""
    _show_in_dock(viewer, [viewer.add_layer(Layer.create(*x)) for x in layers_of_demo(shown)])


def _show_in_dock(viewer: Viewer, layers: Sequence[Layer]) -> None:
    """Open the dock, and choose a sample's layers and settings in it."""
    from napari_dip.ui.docks import open_restore

    dock = open_restore(viewer)
    viewer.layers.selection.active = layers[0]
    dock.controller.act(Action.FROM_LAYER)
    dock.choose(image=layers[0])
    dock.choose(
        **{SAMPLE_ROLES[layer.name]: layer for layer in layers if layer.name in SAMPLE_ROLES}
    )


def _open(viewer: Viewer, file: Path) -> None:
    try:
        try:
            viewer.open(file, plugin=None)
        except MultipleReaderError:
            # With a window, napari would ask which reader to use.
            viewer.open(file, plugin=plugin_for(file))
    except Exception as error:  # readers are plugins, and raise anything
        line = f"{error}".strip().splitlines() or [type(error).__name__]
        raise UserError(f"files: napari can't open {file} ({line[0]})") from error


def has_display() -> bool:
    """Return whether a window can be opened.

    It is tried in another process, because Qt aborts a process without a display.
    """
    try:
        probe = subprocess.run(
            [sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS
        )
    except subprocess.TimeoutExpired:
        return False
    return probe.returncode == 0 and probe.stdout.strip() not in INVISIBLE_PLATFORMS
