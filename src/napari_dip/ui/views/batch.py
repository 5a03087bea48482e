"""The dock "Deep Image Prior: Batch"."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from magicgui.widgets import CheckBox, ComboBox, FileEdit, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QPlainTextEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_dip.batch.items import Outcome
from napari_dip.tasks import TASKS, Task
from napari_dip.ui.batch import SHOWN, told
from napari_dip.ui.views.form import TaskForm
from napari_dip.ui.views.inputs import Computing
from napari_dip.ui.views.live import LiveView
from napari_dip.ui.views.rows import Rows

if TYPE_CHECKING:
    from napari import Viewer

COLUMNS = ("Item", "", "")
ROWS_SHOWN = 7


class BatchView(LiveView):
    """Fulfils `ui.batch.BatchView`."""

    changed = Signal(str, object)
    task_edited = Signal(object)
    chosen = Signal(str)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._choice = ComboBox(
            name="name",
            label="Task",
            tooltip="What to do with each picture",
            choices=[(task.title, name) for name, task in TASKS.items()],
        )
        self._form, self._computing = TaskForm(), Computing()
        self._outcomes = Outcomes()
        task, more = Rows(), Rows()
        task.add(self._choice)
        for widget in _fields():
            more.add(widget)
            widget.changed.connect(partial(self._change, widget.name))
        self._fields = more
        self._files = Files()
        self._lay_out(
            form=(self._files, task, self._form, more, self._computing), below=(self._outcomes,)
        )
        self._files.changed.connect(self.changed.emit)
        self._choice.changed.connect(lambda name: self.changed.emit("name", name))
        self._form.edited.connect(self.task_edited.emit)
        self._form.invalid.connect(lambda text: self.changed.emit("form_error", text))
        self._computing.changed.connect(self.changed.emit)
        self._outcomes.chosen.connect(self.chosen.emit)

    def show_task(self, task: Task) -> None:
        with self._choice.changed.blocked():
            self._choice.value = task.name
        self._form.show_task(task)

    def show_device(self, device: str) -> None:
        self._computing.show_device(device)

    def show_outcomes(self, outcomes: list[Outcome]) -> None:
        self._outcomes.show_outcomes(outcomes)

    def _change(self, name: str, value: object) -> None:
        self.changed.emit(name, value)


def _fields() -> list[ValueWidget]:
    return [
        LineEdit(
            name="each",
            label="One by one",
            tooltip="Axes whose entries are fitted one by one, such as T or TZ; results are "
            "OME-Zarr then. Empty: each file is one picture",
        ),
        SpinBox(
            name="block_size",
            label="Block",
            max=10**6,
            tooltip="Pixels along y and x that are fitted at once, for large pictures; results "
            "are OME-Zarr then. 0: each file is one picture",
        ),
        SpinBox(
            name="workers",
            label="Workers",
            max=1000,
            tooltip="Processes on this machine. 0: one for each GPU, or each two cores",
        ),
        LineEdit(
            name="scheduler",
            label="Scheduler",
            tooltip="The address of a running dask cluster, instead of workers on this machine",
        ),
        CheckBox(
            name="keep_finished",
            label="Keep finished",
            value=True,
            tooltip="Go on with an earlier run: what it has finished from the same files with the "
            "same settings is not done again",
        ),
    ]


class Files(QWidget):
    """What to restore, and where to."""

    changed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._text = QPlainTextEdit()
        self._text.setPlaceholderText("Files, Zarr stores, folders, patterns: one in a line")
        self._text.setToolTip("Of a folder all pictures in it and in its folders are taken")
        self._text.setFixedHeight(self._text.fontMetrics().lineSpacing() * 5)
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._text.textChanged.connect(
            lambda: self.changed.emit("images", self._text.toPlainText())
        )
        buttons = QHBoxLayout()
        for title, ask in (("Add files …", self._add_files), ("Add folder …", self._add_folder)):
            button = QPushButton(title)
            button.clicked.connect(ask)
            buttons.addWidget(button)
        output = FileEdit(
            name="output", label="Results in", mode="d", tooltip="The folder for the results"
        )
        output.changed.connect(lambda path: self.changed.emit("output", str(path)))
        rows = Rows()
        rows.add(output)
        layout.addWidget(self._text)
        layout.addLayout(buttons)
        layout.addWidget(rows)
        self._output = output

    def add(self, paths: list[str]) -> None:
        """Append lines."""
        for path in filter(None, paths):
            self._text.appendPlainText(path)

    def _add_files(self) -> None:
        self.add(QFileDialog.getOpenFileNames(self, "Pictures")[0])

    def _add_folder(self) -> None:
        self.add([QFileDialog.getExistingDirectory(self, "Folder of pictures, or a Zarr store")])


class Outcomes(QTableWidget):
    """A row for each item: its name, how it ended, and more in a few words."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self.setHorizontalHeaderLabels(COLUMNS)
        self.horizontalHeader().setVisible(False)
        self.verticalHeader().setVisible(False)
        self.setShowGrid(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self.setFixedHeight(self.fontMetrics().lineSpacing() * 2 * ROWS_SHOWN)
        self.setToolTip("Double-click an item to open its result")
        self.cellDoubleClicked.connect(lambda row, _: self.chosen.emit(self.item(row, 0).text()))

    def show_outcomes(self, outcomes: list[Outcome]) -> None:
        """Show how far each item is."""
        self.setRowCount(len(outcomes))
        for row, outcome in enumerate(outcomes):
            texts = (outcome.name, SHOWN.get(outcome.status, ""), told(outcome))
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.setItem(row, column, item)
