"""The parts of the Batch dock's form that name files: images, results, masks, guides, PSFs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from magicgui.widgets import CheckBox, FileEdit
from psygnal import Signal
from qtpy.QtCore import QMimeData
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_dip.tasks.base import INPUT_HELP, InputName, Task
from napari_dip.ui.widgets.rows import Rows

LINES_SHOWN = 5
"""Number of lines of the list of images that are visible at once."""

INPUT_LABELS: dict[InputName, str] = {"psf": "PSF", "guide": "Flash (guide)", "mask": "Mask"}

FILE_OR_FOLDER = "Choose a file for all images, or a folder with a file of each image's name."


class InputPaths(Rows):
    """The paths of a task's mask, guide and PSF."""

    changed = Signal(str, object)
    """(name, value): a field of the model."""

    def __init__(self) -> None:
        super().__init__()
        for name, label in INPUT_LABELS.items():
            path = _path(f"{name}_path", label, f"{INPUT_HELP[name]} {FILE_OR_FOLDER}")
            path.changed.connect(partial(self._change, path.name))
            self.add(path)
        keeps = CheckBox(
            name="mask_keeps",
            label="Mask keeps",
            tooltip="The mask is zero where pixels are missing, instead of where they are known",
        )
        keeps.changed.connect(partial(self.changed.emit, keeps.name))
        self.add(keeps)

    def show_task(self, task: Task) -> None:
        """Show the rows of the inputs that a task accepts."""
        for name in self.widgets:
            self.set_visible(name, name.partition("_")[0] in task.accepts)

    def _change(self, name: str, path: Path | None) -> None:
        self.changed.emit(name, str(path or ""))


class FileForm(QWidget):
    """The list of images, and the folder for their results."""

    changed = Signal(str, object)
    """(name, value): a field of the model."""
    layers_asked = Signal()
    """Emitted when the files of the selected layers are to be added."""

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._text = PathList()
        self._text.textChanged.connect(
            lambda: self.changed.emit("images", self._text.toPlainText())
        )
        buttons = QHBoxLayout()
        for title, tip, ask in (
            ("Add files …", "Add image files", self._add_files),
            ("Add folder …", "Add a folder of images, or a Zarr store", self._add_folder),
            ("Add layers", "Add the files of the selected layers", self.layers_asked.emit),
        ):
            button = QPushButton(title)
            button.setToolTip(tip)
            button.clicked.connect(lambda _, ask=ask: ask())
            buttons.addWidget(button)
        output = _path("output", "Results in", "Folder for the results", "d")
        output.changed.connect(lambda path: self.changed.emit("output", str(path or "")))
        rows = Rows()
        rows.add(output)
        layout.addWidget(self._text)
        layout.addLayout(buttons)
        layout.addWidget(rows)

    def add(self, paths: Iterable[str]) -> None:
        """Append paths to the list."""
        self._text.add(paths)

    def _add_files(self) -> None:
        self.add(QFileDialog.getOpenFileNames(self, "Images")[0])

    def _add_folder(self) -> None:
        self.add([QFileDialog.getExistingDirectory(self, "Folder of images, or a Zarr store")])


def _path(name: str, label: str, tooltip: str, mode: str = "r") -> FileEdit:
    """Make the widget of a file (or with mode "d" a folder), whose value is None if empty."""
    widget = FileEdit(name=name, label=label, tooltip=tooltip, mode=mode, nullable=True)
    widget.choose_btn.text = "…"
    return widget


class PathList(QPlainTextEdit):
    """A list of paths and patterns, one in a line; files and folders can be dropped on it."""

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText("Type or drop files, Zarr stores, folders or patterns, one a line")
        self.setToolTip("A folder stands for all images in it and in its subfolders")
        self.setFixedHeight(self.fontMetrics().lineSpacing() * LINES_SHOWN)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)

    def add(self, paths: Iterable[str]) -> None:
        """Append paths, except empty ones."""
        for path in filter(None, paths):
            self.appendPlainText(path)

    def canInsertFromMimeData(self, source: QMimeData | None) -> bool:
        return source is not None and (source.hasUrls() or super().canInsertFromMimeData(source))

    def insertFromMimeData(self, source: QMimeData | None) -> None:
        if source is not None and source.hasUrls():  # as text they would be file:///...
            self.add(url.toLocalFile() for url in source.urls())
        else:
            super().insertFromMimeData(source)
