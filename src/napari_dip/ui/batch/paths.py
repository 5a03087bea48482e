"""Files in a form: what is to be restored, and what goes with it."""

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

LINES = 5
"""Of the list of pictures that are seen at once."""


LABELS: dict[InputName, str] = {"psf": "PSF", "guide": "Flash (guide)", "mask": "Mask"}


EACH = "One for all pictures, or a folder with one of each picture's name"


class Sides(Rows):
    """The files beside the pictures that a task has a use for."""

    changed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        for side, label in LABELS.items():
            path = _path(f"{side}_path", label, f"{INPUT_HELP[side]} {EACH}")
            path.changed.connect(partial(self._change, path.name))
            self.add(path)
        keeps = CheckBox(
            name="mask_keeps",
            label="Mask keeps",
            tooltip="Masks are zero where pixels are missing instead",
        )
        keeps.changed.connect(partial(self.changed.emit, keeps.name))
        self.add(keeps)

    def show_task(self, task: Task) -> None:
        """Show the rows that a task has a use for."""
        for name in self.widgets:
            self.set_visible(name, name.partition("_")[0] in task.accepts)

    def _change(self, name: str, path: Path | None) -> None:
        self.changed.emit(name, str(path or ""))


class Files(QWidget):
    """What to restore, and where to."""

    changed = Signal(str, object)
    layers_asked = Signal()

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
            ("Add files …", "Pictures", self._add_files),
            ("Add folder …", "A folder of pictures, or a Zarr store", self._add_folder),
            ("Add layers", "The selected layers' files", self.layers_asked.emit),
        ):
            button = QPushButton(title)
            button.setToolTip(tip)
            button.clicked.connect(lambda _, ask=ask: ask())
            buttons.addWidget(button)
        output = _path("output", "Results in", "The folder for the results", "d")
        output.changed.connect(lambda path: self.changed.emit("output", str(path or "")))
        rows = Rows()
        rows.add(output)
        layout.addWidget(self._text)
        layout.addLayout(buttons)
        layout.addWidget(rows)
        self._output = output

    def add(self, paths: Iterable[str]) -> None:
        """Append lines."""
        self._text.add(paths)

    def _add_files(self) -> None:
        self.add(QFileDialog.getOpenFileNames(self, "Pictures")[0])

    def _add_folder(self) -> None:
        self.add([QFileDialog.getExistingDirectory(self, "Folder of pictures, or a Zarr store")])


def _path(name: str, label: str, tooltip: str, mode: str = "r") -> FileEdit:
    """A file (or with mode "d" a folder) to choose or to type; None where there is none."""
    widget = FileEdit(name=name, label=label, tooltip=tooltip, mode=mode, nullable=True)
    widget.choose_btn.text = "…"
    return widget


class PathList(QPlainTextEdit):
    """A path or a pattern in each line; files and folders are dropped on it."""

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText("Files, Zarr stores, folders, patterns: one in a line, or dropped")
        self.setToolTip("Of a folder all pictures in it and in its folders are taken")
        self.setFixedHeight(self.fontMetrics().lineSpacing() * LINES)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)

    def add(self, paths: Iterable[str]) -> None:
        """Append lines."""
        for path in filter(None, paths):
            self.appendPlainText(path)

    def canInsertFromMimeData(self, source: QMimeData | None) -> bool:
        return source is not None and (source.hasUrls() or super().canInsertFromMimeData(source))

    def insertFromMimeData(self, source: QMimeData | None) -> None:
        if source is not None and source.hasUrls():  # as text they would be file:///...
            self.add(url.toLocalFile() for url in source.urls())
        else:
            super().insertFromMimeData(source)
