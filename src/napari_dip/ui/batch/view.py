"""The dock "Deep Image Prior: Batch"."""

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
from napari_dip.ui.batch.controller import SHOWN, told
from napari_dip.ui.batch.paths import Files, Sides
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.view import QtRunView
from napari_dip.ui.widgets.form import TaskForm
from napari_dip.ui.widgets.inputs import Computing
from napari_dip.ui.widgets.rows import Rows, folded

if TYPE_CHECKING:
    from napari import Viewer


COLUMNS = ("Item", "", "")


ROWS_SHOWN = 7


class QtBatchView(QtRunView):
    """Fulfils `ui.batch.QtBatchView`."""

    changed = Signal(str, object)
    task_edited = Signal(object)
    chosen = Signal(str)
    layers_asked = Signal()

    tips: ClassVar[Mapping[Action, str]] = {
        Action.RUN: "Start; the table fills as items end",
        Action.PAUSE: "Begin no further item; those under way are finished",
        Action.RESUME: "Go on",
        Action.STOP: "End: finished results stay, what is under way is given up",
    }

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
        self._sides = Sides()
        self._division = self._rows(_division())
        self._run = self._rows(_run())
        self._files = Files()
        task, folding = Rows(), folded("Frames and blocks", self._division)
        task.add(self._choice)
        self._lay_out(
            form=(
                self._files,
                task,
                self._form,
                self._sides,
                folding,
                self._run,
                self._computing,
            ),
            below=(self._outcomes,),
        )
        self._files.changed.connect(self.changed.emit)
        self._sides.changed.connect(self.changed.emit)
        self._files.layers_asked.connect(self.layers_asked.emit)
        self._choice.changed.connect(lambda name: self.changed.emit("name", name))
        self._form.edited.connect(self.task_edited.emit)
        self._form.invalid.connect(lambda text: self.changed.emit("form_error", text))
        self._computing.changed.connect(self.changed.emit)
        self._outcomes.chosen.connect(self.chosen.emit)

    def show_task(self, task: Task) -> None:
        with self._choice.changed.blocked():
            self._choice.value = task.name
        self._form.show_task(task)
        self._sides.show_task(task)

    def add_images(self, paths: Sequence[str]) -> None:
        self._files.add(paths)

    def show_device(self, device: str) -> None:
        self._computing.show_device(device)

    def show_outcomes(self, outcomes: list[Outcome]) -> None:
        self._outcomes.show_outcomes(outcomes)

    def _rows(self, widgets: Sequence[ValueWidget[Any]]) -> Rows:
        """Rows whose values are heard of."""
        rows = Rows()
        for widget in widgets:
            rows.add(widget)
            widget.changed.connect(partial(self._change, widget.name))
        return rows

    def _change(self, name: str, value: object) -> None:
        self.changed.emit(name, value)


def _division() -> list[ValueWidget]:
    """How pictures are divided; with any of them, results are OME-Zarr."""
    zarr = "; results are OME-Zarr then"
    return [
        LineEdit(
            name="axes",
            label="Axes",
            tooltip="What the axes of the files are, such as TCYX, where they don't tell",
        ),
        LineEdit(
            name="each",
            label="One by one",
            tooltip=f"Axes whose entries are fitted one by one, such as T or TZ, or none{zarr}",
        ),
        _count(
            "tile_size",
            "Block",
            f"Pixels along y and x that are fitted at once, for large pictures{zarr}",
            most=10**6,
        ),
        _count(
            "overlap",
            "Overlap",
            f"Pixels that blocks have in common; an eighth of a block if automatic{zarr}",
            most=10**6,
        ),
        CheckBox(
            name="warm",
            label="Warm start",
            value=True,
            tooltip="Each frame starts from the weights of the last one; without it, all frames "
            "are done side by side, each afresh",
        ),
    ]


def _run() -> list[ValueWidget]:
    """Where it is done, and what becomes of results that are there."""
    return [
        _count(
            "workers",
            "Workers",
            "Processes on this machine; automatic: one for each GPU, or each two cores",
            most=1000,
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
            "same settings is not done again. Without it, results are replaced",
        ),
    ]


def _count(name: str, label: str, tooltip: str, most: int) -> SpinBox:
    """A whole number, or 0 where it is found out."""
    widget = SpinBox(name=name, label=label, tooltip=tooltip, max=most)
    widget.native.setSpecialValueText("automatic")
    return widget


class Outcomes(QTableWidget):
    """A row for each item: its name, how it ended, and more in a few words."""

    chosen = Signal(str)

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
        """Show how far each item is."""
        self.setRowCount(len(outcomes))
        for row, outcome in enumerate(outcomes):
            texts = (outcome.name, SHOWN.get(outcome.status, ""), told(outcome))
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(outcome.error or text)
                self.setItem(row, column, item)
