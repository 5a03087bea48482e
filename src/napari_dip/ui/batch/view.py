"""The Qt view of the dock "Batch"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from magicgui.widgets import CheckBox, ComboBox, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_dip.scheduling.item import Outcome
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.batch.controller import STATUS_TEXTS, outcome_text
from napari_dip.ui.batch.paths import FileForm, InputPaths
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.view import QtRunView
from napari_dip.ui.widgets.form import TaskForm
from napari_dip.ui.widgets.inputs import DeviceForm
from napari_dip.ui.widgets.rows import Rows, folded

if TYPE_CHECKING:
    from napari import Viewer


COLUMNS = ("Item", "", "")
"""Titles of the columns for name, status and text; they are hidden."""

ROWS_SHOWN = 7
"""Number of items that the table shows without scrolling."""


class QtBatchView(QtRunView):
    """The dock in Qt: a `BatchView`; its parameter is that of `QtRunView`."""

    changed = Signal(str, object)
    task_edited = Signal(object)
    chosen = Signal(str)
    layers_asked = Signal()

    tips: ClassVar[Mapping[Action, str]] = {
        Action.RUN: "Start; the table fills as items end",
        Action.PAUSE: "Start no further item; those that are being restored go on",
        Action.RESUME: "Go on",
        Action.STOP: "End; finished results stay, items that are being restored are dropped",
    }

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._choice = ComboBox(
            name="name",
            label="Task",
            tooltip="What to do with each image",
            choices=[(task.title, name) for name, task in TASKS.items()],
        )
        self._form, self._device = TaskForm(), DeviceForm()
        self._files, self._input_paths = FileForm(), InputPaths()
        self._outcomes = OutcomeTable()
        task = Rows()
        task.add(self._choice)
        self._lay_out(
            form=(
                self._files,
                task,
                self._form,
                self._input_paths,
                folded("Frames and tiles", self._rows(_tiling_widgets())),
                self._rows(_run_widgets()),
                self._device,
            ),
            below=(self._outcomes,),
        )
        for form in (self._files, self._input_paths, self._device):
            form.changed.connect(self.changed.emit)
        self._files.layers_asked.connect(self.layers_asked.emit)
        self._choice.changed.connect(lambda name: self.changed.emit("name", name))
        self._form.edited.connect(self.task_edited.emit)
        self._form.invalid.connect(lambda text: self.changed.emit("form_error", text))
        self._outcomes.chosen.connect(self.chosen.emit)

    def show_task(self, task: Task) -> None:
        with self._choice.changed.blocked():
            self._choice.value = task.name
        self._form.show_task(task)
        self._input_paths.show_task(task)

    def add_images(self, paths: Sequence[str]) -> None:
        self._files.add(paths)

    def show_device(self, device: str) -> None:
        self._device.show_device(device)

    def show_outcomes(self, outcomes: list[Outcome]) -> None:
        self._outcomes.show_outcomes(outcomes)

    def _rows(self, widgets: Sequence[ValueWidget[Any]]) -> Rows:
        """Make rows whose changed values are emitted."""
        rows = Rows()
        for widget in widgets:
            rows.add(widget)
            widget.changed.connect(partial(self._change, widget.name))
        return rows

    def _change(self, name: str, value: object) -> None:
        self.changed.emit(name, value)


def _tiling_widgets() -> list[ValueWidget]:
    """Make the widgets for axes, loop axes, tiles and warm start."""
    zarr = "; results are OME-Zarr then"
    return [
        LineEdit(
            name="axes",
            label="Axes",
            tooltip="Axes of the files, such as TCYX, if their metadata is missing or wrong",
        ),
        LineEdit(
            name="loop_axes",
            label="Loop axes",
            tooltip="Axes whose frames, slices or channels are fitted one by one, such as T or TZ, "
            f"or none{zarr}",
        ),
        SpinBox(
            name="tile_size",
            label="Tile",
            max=10**6,
            tooltip=f"Side of the tiles of a large image, in pixels{zarr}. 0: automatic",
        ),
        SpinBox(
            name="overlap",
            label="Overlap",
            max=10**6,
            tooltip=f"Pixels that neighbouring tiles share{zarr}. 0: an eighth of a tile",
        ),
        CheckBox(
            name="warm_start",
            label="Warm start",
            value=True,
            tooltip="Start each frame from the weights of the last one. Without it, each frame is "
            "fitted from the start, and several at once",
        ),
    ]


def _run_widgets() -> list[ValueWidget]:
    """Make the widgets for the processes, and for results that exist already."""
    return [
        SpinBox(
            name="workers",
            label="Workers",
            max=1000,
            tooltip="Processes on this machine; 0: one for each GPU, or for each two cores",
        ),
        LineEdit(
            name="scheduler",
            label="Scheduler",
            tooltip="Address of a running dask cluster, instead of workers on this machine",
        ),
        CheckBox(
            name="keep_finished",
            label="Keep finished",
            value=True,
            tooltip="Continue an earlier run: keep its results of the same files with the same "
            "settings. Without it, results are replaced",
        ),
    ]


class OutcomeTable(QTableWidget):
    """A table with a row for each item: its name, its status, and its error or duration."""

    chosen = Signal(str)
    """(name): an item was double-clicked."""

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self.setHorizontalHeaderLabels(COLUMNS)
        self.horizontalHeader().setVisible(False)
        self.verticalHeader().setVisible(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        height = round(1.6 * self.fontMetrics().lineSpacing())
        self.verticalHeader().setDefaultSectionSize(height)
        self.setFixedHeight(height * ROWS_SHOWN + 2 * self.frameWidth())
        self.setToolTip("Double-click an item to open its result")
        self.cellDoubleClicked.connect(lambda row, _: self.chosen.emit(self.item(row, 0).text()))

    def show_outcomes(self, outcomes: list[Outcome]) -> None:
        """Show every item's outcome so far."""
        self.setRowCount(len(outcomes))
        for row, outcome in enumerate(outcomes):
            status = STATUS_TEXTS.get(outcome.status, "")
            texts = (outcome.name, status, outcome_text(outcome))
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(outcome.error or text)
                self.setItem(row, column, item)
