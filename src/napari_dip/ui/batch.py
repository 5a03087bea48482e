"""The Batch dock's model and controller: many files, beside the window."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from psygnal import SignalGroupDescriptor, SignalInstance

from napari_dip.batch.items import Outcome, Status
from napari_dip.errors import UserError
from napari_dip.files.lazy import is_zarr
from napari_dip.many import Batch, BatchUpdate
from napari_dip.tasks import TASKS, Task
from napari_dip.ui.model import Action, RunModel
from napari_dip.ui.preferences import Preferences
from napari_dip.ui.steering import LiveSession, Pacing, RunController, RunView
from napari_dip.ui.worker import LiveRun, Phase

if TYPE_CHECKING:
    from napari import Viewer

NO_PAUSE = frozenset({Action.PAUSE, Action.RESUME, Action.CANCEL})
"""What others than this dock can do: workers do not wait, and what is written stays."""


@dataclass
class BatchModel(RunModel):
    """The form of the Batch dock.

    Attributes
    ----------
    images
        Paths and patterns, one in a line.
    output
        The folder for the results.
    name, tasks
        Of the chosen task; each one's settings.
    each, block_size, workers, scheduler
        As in `restore_many`; empty text or 0 leaves it to that.
    keep_finished
        Resume.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    images: str = ""
    output: str = ""
    name: str = "denoise"
    tasks: dict[str, Task] = field(default_factory=lambda: {n: t() for n, t in TASKS.items()})
    each: str = ""
    block_size: int = 0
    workers: int = 0
    scheduler: str = ""
    keep_finished: bool = True

    @property
    def allowed(self) -> frozenset[Action]:
        return super().allowed - NO_PAUSE

    def batch(self) -> Batch:
        """What the form describes.

        Raises
        ------
        UserError
            When something is missing.
        """
        if self.form_error:
            raise UserError(self.form_error)
        images = [line.strip() for line in self.images.splitlines() if line.strip()]
        if not images:
            raise UserError("images: there are none; add files or a folder")
        if not self.output.strip():
            raise UserError("output: choose a folder for the results")
        return Batch(
            images,
            self.output.strip(),
            self.tasks[self.name],
            each=self.each.strip() or None,
            block=self.block_size or None,
            workers=self.workers or None,
            scheduler=self.scheduler.strip() or None,
            device=self.device,
            seed=self.seed,
            resume=self.keep_finished,
        )


class BatchView(RunView, Protocol):
    """What the dock's view has to offer."""

    changed: SignalInstance
    """(name, value): a field of the model."""
    task_edited: SignalInstance
    """(Task)"""
    chosen: SignalInstance
    """(name): an item whose result is to be opened."""

    def show_task(self, task: Task) -> None: ...
    def show_outcomes(self, outcomes: list[Outcome]) -> None: ...


class BatchSession(LiveSession):
    """A run of many, followed: the table of its items."""

    _view: BatchView

    def _show_update(self, update: BatchUpdate) -> None:
        summary = update.summary
        outcomes = summary.entries()
        self._view.show_outcomes(outcomes)
        count = len(summary.outcomes)
        text = f"{count} of {len(outcomes)}. Dashboard: {update.dashboard}"
        self._view.show_progress(count / max(1, len(outcomes)), text)

    def _end(self, phase: Phase) -> None:
        if phase is Phase.FINISHED:
            self._view.show_progress(1.0, f"{self.run.result}; see summary.csv")

    def _label_interrupted(self) -> None:
        """There is no layer to label; the summary tells."""


class BatchController(RunController):
    """Between the form, the table and the run."""

    model: BatchModel
    view: BatchView

    def __init__(self, model: BatchModel, view: BatchView, viewer: Viewer, **options: Any) -> None:
        super().__init__(model, view, viewer, **options)
        view.changed.connect(lambda name, value: setattr(model, name, value))
        view.task_edited.connect(self._set_task)
        view.chosen.connect(self.open)
        model.events.name.connect(lambda: view.show_task(model.tasks[model.name]))
        view.show_task(model.tasks[model.name])

    def _begin(self, preferences: Preferences, pacing: Pacing) -> BatchSession:
        batch = self.model.batch()
        self._folder = Path(batch.output).absolute()
        return BatchSession(LiveRun[BatchUpdate](batch.run), self.view, pacing)

    def _set_task(self, task: Task) -> None:
        self.model.tasks = {**self.model.tasks, task.name: task}

    def open(self, name: str) -> None:
        """Open an item's result, which may be a picture that is still growing."""
        path = self._folder / name.partition(" ")[0] if " " in name else self._folder / name
        if not path.exists():
            self.model.say(f"{name}: there is no result yet", is_error=True)
            return
        self.viewer.open(path, plugin="napari-dip" if is_zarr(path) else "napari")


SHOWN = {Status.DONE: "done", Status.KEPT: "kept", Status.FAILED: "failed"}
"""What the table says of an item that has ended."""


def told(outcome: Outcome) -> str:
    """How an item went, in a few words."""
    if outcome.status is Status.FAILED:
        return outcome.error
    report = outcome.report or {}
    if "iterations" not in report:
        return ""
    return f"{report['iterations']} iterations in {report['seconds']:.1f} s"
