"""The Restore dock's behaviour, between its model and its view."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from psygnal import SignalInstance

from napari_dip.errors import UserError
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import task_from_dict
from napari_dip.ui.layers.provenance import task_of, task_to_dict
from napari_dip.ui.layers.regions import chosen_source, new_mask
from napari_dip.ui.layers.source import finest_level
from napari_dip.ui.preferences import Preferences
from napari_dip.ui.restore.estimate import Estimate, Question, estimate
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.restore.partition import block_sides, divide
from napari_dip.ui.restore.request import divided_of, request_of
from napari_dip.ui.restore.run import RestoreRun
from napari_dip.ui.restore.session import RestoreSession
from napari_dip.ui.restore.tiled_run import TiledRun
from napari_dip.ui.restore.tiled_session import TiledSession
from napari_dip.ui.run.background import Background
from napari_dip.ui.run.controller import PreviewThrottle, RunController, RunView
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.preview import Preview
from napari_dip.ui.run.timeline import CurvePoint

if TYPE_CHECKING:
    from napari import Viewer


class RestoreView(RunView, Protocol):
    """What the Restore dock's view has to offer."""

    changed: SignalInstance
    """(name, value): a field of the model."""
    task_edited: SignalInstance
    """(Task): a setting of the form."""
    iteration_chosen: SignalInstance
    """(iteration or None for the newest): the timeline's slider."""

    def show_task(self, task: Task) -> None: ...
    def show_device(self, device: str) -> None: ...
    def show_curve(self, reports: tuple[CurvePoint, ...], stopped_at: int | None) -> None: ...
    def show_timeline(self, iterations: tuple[int, ...], shown: int | None) -> None: ...
    def show_partition(self, words: str, is_divided: bool) -> None: ...
    def show_estimate(self, text: str, is_warning: bool) -> None: ...
    def start_painting(self, layer: Any) -> None: ...
    def copy_text(self, text: str) -> None: ...
    def pasted_text(self) -> str: ...
    def remember(self, task: Task) -> None: ...


class RestoreController(RunController):
    """Carries out what the view's user asks for.

    Its parameters are those of `RunController`.
    """

    model: RestoreModel
    view: RestoreView
    _session: RestoreSession | TiledSession | None

    def __init__(
        self,
        model: RestoreModel,
        view: RestoreView,
        viewer: Viewer,
        *,
        preferences: Callable[[], Preferences] = Preferences,
        clock: Callable[[], float] = time.monotonic,
        effort: Callable[[], float] = time.thread_time,
    ) -> None:
        super().__init__(model, view, viewer, preferences=preferences, clock=clock, effort=effort)
        self._estimator: Background[Question, Estimate] = Background(estimate)
        self._actions |= {
            Action.NEW_MASK: self.add_mask,
            Action.COPY: self.copy_settings,
            Action.PASTE: self.paste_settings,
            Action.FROM_LAYER: self.settings_from_layer,
            Action.KEEP: lambda: self._timeline().keep(),
            Action.STACK: lambda: self._timeline().stack(),
        }
        view.changed.connect(self._set)
        view.task_edited.connect(self._set_task)
        view.iteration_chosen.connect(self.choose_iteration)
        model.events.name.connect(lambda: view.show_task(model.task))
        view.show_task(model.task)
        view.show_device(model.device)

    def _begin(
        self, preferences: Preferences, pacing: PreviewThrottle
    ) -> RestoreSession | TiledSession:
        request = request_of(self.model, self.viewer.dims)
        divided = divided_of(self.model, request)
        assert self.model.image is not None  # request_of has asked for it
        self.view.remember(request.task)
        name = f"{request.source.name} [{request.task.name}]"
        kwargs = request.source.layer_kwargs(request.factors)
        if divided is not None:
            kwargs["multiscale"] = divided.is_large
        preview = Preview(self.viewer.layers, self.model.image, name, kwargs)
        if divided is None:
            run = RestoreRun(request, preferences.snapshot_bytes)
            return RestoreSession(run, preview, self.view, pacing)
        parts = TiledRun(divided, preferences.snapshot_bytes)
        return TiledSession(parts, preview, self.view, pacing, self.viewer.dims)

    @property
    def _is_waiting(self) -> bool:
        return self._estimator.is_busy

    def poll(self) -> None:
        """Show what is new. Called by the view's timer."""
        self._show_estimate()
        super().poll()

    def choose_iteration(self, iteration: int | None) -> None:
        """Show an earlier snapshot; None follows the newest."""
        self._timeline().choose(iteration)

    def add_mask(self) -> None:
        """Make an empty mask over the image, ready to be painted on."""
        if self.model.image is None:
            raise UserError("image: choose an Image layer first; the mask is made to fit it")
        layer = new_mask(self.model.image)
        self.viewer.add_layer(layer)
        self.view.start_painting(layer)

    def copy_settings(self) -> None:
        """Settings as JSON text to the clipboard."""
        self.view.copy_text(json.dumps(task_to_dict(self.model.task), indent=2))
        self.model.say("Settings copied.")

    def paste_settings(self) -> None:
        """Settings from JSON text in the clipboard."""
        try:
            values = json.loads(self.view.pasted_text())
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise UserError("settings: the clipboard holds none; use Copy settings first")
        self._fill(task_from_dict(values))

    def settings_from_layer(self) -> None:
        """Settings from the selected layer's metadata."""
        layer = self.viewer.layers.selection.active
        if layer is None:
            raise UserError("layer: select one restored layer in the layer list")
        self._fill(task_of(layer))

    def estimate(self) -> None:
        """Say what is fitted together, and ask for the memory that it takes."""
        self.model.fits = True
        self._estimate()

    def _estimate(self) -> None:
        model = self.model
        try:
            source = chosen_source(model, self.viewer.dims)
            division = divide(source, model.tile_size, fits=model.fits)
        except UserError:
            self.view.show_estimate("", False)
            self.view.show_partition("", False)
            return
        self.view.show_partition(division.words, division.is_divided)
        assert model.image is not None  # chosen_source has asked for it
        samples = finest_level(model.image).shape[-1] if source.rgb else 1
        channels = samples - 1 if samples in (2, 4) else samples
        sides = block_sides(source.sides, division.block)
        self._estimator.ask(Question(model.task, channels, sides, model.device))
        self.view.set_ticking(True)

    def _set(self, name: str, value: Any) -> None:
        setattr(self.model, name, value)
        if name in ("name", "image", "region", "scope", "rectangle", "device", "tile_size"):
            self.estimate()

    def _set_task(self, task: Task) -> None:
        self.model.task = task
        self.estimate()

    def _fill(self, task: Task) -> None:
        self.model.task = task
        self.view.show_task(task)
        self.estimate()
        self.model.say(f"{task.title}: settings filled in.")

    def _timeline(self) -> RestoreSession | TiledSession:
        if self._session is None:
            raise UserError("timeline: there is no snapshot yet; run a restoration first")
        return self._session

    def _show_estimate(self) -> None:
        answer = self._estimator.take()
        if isinstance(answer, Estimate) and not answer.fits and self._can_be_cut:
            self.model.fits = False
            self._estimate()
        elif isinstance(answer, Estimate):
            self.view.show_estimate(str(answer), not answer.fits)
        elif answer is not None:
            self.view.show_estimate(answer, True)

    @property
    def _can_be_cut(self) -> bool:
        """Whether blocks are decided on here, and are not yet."""
        return self.model.fits and not self.model.tile_size
