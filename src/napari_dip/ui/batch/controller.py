"""Model, view protocol, run, session and controller of the dock "Batch"."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from psygnal import SignalGroupDescriptor, SignalInstance

from napari_dip.batch.restore import Batch, BatchUpdate
from napari_dip.data.axes import axes_from_text
from napari_dip.errors import UserError
from napari_dip.files.inputs import InputFiles
from napari_dip.restoration.result import filled_words
from napari_dip.scheduling.item import Outcome, Status
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import TASKS
from napari_dip.tiling.mosaic import ResultExists
from napari_dip.tiling.plan import TilingOptions
from napari_dip.ui.layers.reader import plugin_for
from napari_dip.ui.preferences import Preferences
from napari_dip.ui.run.controller import PreviewThrottle, RunController, RunSession, RunView
from napari_dip.ui.run.model import Action, RunModel
from napari_dip.ui.run.thread import Phase, RunThread

if TYPE_CHECKING:
    from napari import Viewer


@dataclass
class BatchModel(RunModel):
    """The values of the dock's form.

    Attributes
    ----------
    images
        Paths and patterns, one in a line.
    output
        Folder for the results.
    name, tasks
        Name of the chosen task, and the settings of every task.
    mask_path, guide_path, psf_path
        A file for all images, or a folder with a file of each image's name.
    mask_keeps, axes, workers, scheduler
        As in `restore_many`; empty text or 0 is that function's default.
    loop_axes, tile_size, overlap, warm_start
        As in `TilingOptions`; empty text or 0 is its default.
    keep_finished
        Whether finished results of an earlier run stay; otherwise they are replaced.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    images: str = ""
    output: str = ""
    name: str = "denoise"
    tasks: dict[str, Task] = field(default_factory=lambda: {n: t() for n, t in TASKS.items()})
    mask_path: str = ""
    guide_path: str = ""
    psf_path: str = ""
    mask_keeps: bool = False
    axes: str = ""
    loop_axes: str = ""
    tile_size: int = 0
    overlap: int = 0
    warm_start: bool = True
    workers: int = 0
    scheduler: str = ""
    keep_finished: bool = True

    @property
    def allowed(self) -> frozenset[Action]:
        return super().allowed - {Action.CANCEL}  # files that are written stay

    def batch(self) -> Batch:
        """Return the batch that the form describes.

        Raises
        ------
        UserError
            When something is missing or wrong.
        """
        if self.form_error:
            raise UserError(self.form_error)
        images = [line.strip() for line in self.images.splitlines() if line.strip()]
        if not images:
            raise UserError("images: none are given; add files or a folder")
        if not self.output.strip():
            raise UserError("output: choose a folder for the results")
        task = self.tasks[self.name]
        paths: dict[str, str] = {
            "mask": self.mask_path,
            "guide": self.guide_path,
            "psf": self.psf_path,
        }
        inputs: dict[str, Any] = {n: paths[n].strip() for n in task.accepts if paths[n].strip()}
        return Batch(
            images,
            self.output.strip(),
            task,
            inputs=InputFiles(**inputs, mask_keeps=self.mask_keeps and "mask" in inputs),
            tiling=TilingOptions(
                loop_axes=axes_from_text(self.loop_axes),
                tile=self.tile_size or None,
                overlap=self.overlap or None,
                warm_start=self.warm_start,
            ),
            axes=self.axes.strip() or None,
            workers=self.workers or None,
            scheduler=self.scheduler.strip() or None,
            device=self.device,
            seed=self.seed,
            resume=self.keep_finished,
            overwrite=not self.keep_finished,
        )


class BatchView(RunView, Protocol):
    """What the controller needs of the dock's view."""

    changed: SignalInstance
    """(name, value): a field of the model."""
    task_edited: SignalInstance
    """(Task): the settings, after one was changed."""
    chosen: SignalInstance
    """(name): open the result of the item with this name."""
    layers_asked: SignalInstance
    """Add the files of the selected layers."""

    def add_images(self, paths: Sequence[str]) -> None: ...
    def show_task(self, task: Task) -> None: ...
    def show_outcomes(self, outcomes: list[Outcome]) -> None: ...


class BatchRun(RunThread[BatchUpdate]):
    """A run whose pause starts no further item; items that are being restored go on."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(lambda should_stop: _with_remedy(batch.run(should_stop, self._is_paused)))

    def _is_paused(self) -> bool:
        return not self._going.is_set()

    def _should_stop(self) -> bool:
        self._holding = self._is_paused()
        return self._stopping.is_set() or not threading.main_thread().is_alive()


def _with_remedy(updates: Iterator[BatchUpdate]) -> Iterator[BatchUpdate]:
    """Yield the updates; if a result exists already, the error names the dock's check box."""
    try:
        yield from updates
    except ResultExists as error:
        reason = str(error).partition(";")[0]
        raise UserError(
            f"{reason}, made with other settings; untick Keep finished to replace it"
        ) from error


class BatchSession(RunSession):
    """One run of a batch: shows its progress and the table of its items."""

    _view: BatchView
    _newest: BatchUpdate | None = None
    _was_paused = False

    def poll(self) -> Phase:
        phase = super().poll()
        # The next item may end in an hour; until then nothing else would show that the run goes on.
        if self._was_paused and phase is Phase.RUNNING and self._newest is not None:
            self._show_update(self._newest)
        self._was_paused = phase is Phase.PAUSED
        return phase

    def _show_update(self, update: BatchUpdate) -> None:
        self._newest = update
        summary = update.summary
        outcomes = summary.all_outcomes()
        self._view.show_outcomes(outcomes)
        count = len(summary.outcomes)
        held = "Paused. " if self.run.phase is Phase.PAUSED else ""
        where = f" Dashboard: {update.dashboard}" if update.dashboard else ""
        text = f"{held}{count} of {len(outcomes)}.{where}"
        self._view.show_progress(count / max(1, len(outcomes)), text)

    def _end(self, phase: Phase) -> None:
        if phase is Phase.FINISHED:
            self._view.show_progress(1.0, f"{self.run.result}; see summary.csv")

    def _label_interrupted(self) -> None:
        """A batch has no layer to label; its summary names unfinished items."""


class BatchController(RunController):
    """Runs batches and opens their results; its parameters are those of `RunController`."""

    model: BatchModel
    view: BatchView

    def __init__(self, model: BatchModel, view: BatchView, viewer: Viewer, **options: Any) -> None:
        super().__init__(model, view, viewer, **options)
        view.changed.connect(lambda name, value: setattr(model, name, value))
        view.task_edited.connect(self._set_task)
        view.chosen.connect(self.open)
        view.layers_asked.connect(self.add_layers)
        model.events.name.connect(lambda: view.show_task(model.tasks[model.name]))
        view.show_task(model.tasks[model.name])

    def _begin(self, preferences: Preferences, throttle: PreviewThrottle) -> BatchSession:
        batch = self.model.batch()
        self._folder = Path(batch.output).absolute()
        return BatchSession(BatchRun(batch), self.view, throttle)

    def _set_task(self, task: Task) -> None:
        self.model.tasks = {**self.model.tasks, task.name: task}

    def add_layers(self) -> None:
        """Add the files from which the selected layers were opened."""
        selected = [layer for layer in self.viewer.layers if layer in self.viewer.layers.selection]
        paths = dict.fromkeys(str(layer.source.path) for layer in selected if layer.source.path)
        self.view.add_images(list(paths))
        if not paths:
            self.model.say(
                "layers: no selected layer was opened from a file; save it first", is_error=True
            )

    def open(self, name: str) -> None:
        """Open the result of an item, or the image that its tile belongs to."""
        path = self._folder / name
        if not path.exists():  # a tile's name is its image's and a suffix
            path = self._folder / (name.rpartition(" ")[0] or name)
        if not path.exists():
            self.model.say(f"{name}: has no result yet", is_error=True)
            return
        self.viewer.open(path, plugin=plugin_for(path))


STATUS_TEXTS = {Status.DONE: "done", Status.KEPT: "kept", Status.FAILED: "failed"}
"""The table's text for an item that has ended."""


def outcome_text(outcome: Outcome) -> str:
    """Return an item's error, or its iterations and seconds."""
    if outcome.status is Status.FAILED:
        file, _, rest = outcome.error.partition(": ")
        return rest if rest and Path(file).name == Path(outcome.name).name else outcome.error
    report = outcome.report or {}
    if "iterations" not in report:
        return ""
    words = (
        f"{report['iterations']} iterations in {report['seconds']:.1f} s",
        filled_words(report.get("filled")),
    )
    return ", ".join(filter(None, words))
