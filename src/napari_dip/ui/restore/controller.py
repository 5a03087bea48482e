"""The Restore dock's controller, between its model and its view."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from napari_dip.errors import UserError
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import task_from_dict
from napari_dip.ui.layers.provenance import readings_of, task_of, task_to_dict
from napari_dip.ui.layers.regions import add_mask, chosen_source
from napari_dip.ui.layers.source import finest_level
from napari_dip.ui.preferences import Preferences
from napari_dip.ui.restore.estimate import Estimate, Question, estimate
from napari_dip.ui.restore.model import RestoreModel, RestoreView
from napari_dip.ui.restore.partition import partition_of, tile_shape
from napari_dip.ui.restore.request import request_of
from napari_dip.ui.restore.run import RestoreRun, WholeImage
from napari_dip.ui.restore.session import RestoreSession
from napari_dip.ui.restore.tiled_image import TiledImage
from napari_dip.ui.run.background import Background
from napari_dip.ui.run.controller import PreviewThrottle, RunController
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.preview import Preview

if TYPE_CHECKING:
    from napari import Viewer


class RestoreController(RunController):
    """Carries out what the view's user asks for.

    Its parameters are those of `RunController`.
    """

    model: RestoreModel
    view: RestoreView
    _session: RestoreSession | None

    def __init__(
        self, model: RestoreModel, view: RestoreView, viewer: Viewer, **options: Any
    ) -> None:
        super().__init__(model, view, viewer, **options)
        self._estimator: Background[Question, Estimate] = Background(estimate)
        self._actions |= {
            Action.NEW_MASK: lambda: view.start_painting(add_mask(viewer, model.image)),
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

    def _begin(self, preferences: Preferences, throttle: PreviewThrottle) -> RestoreSession:
        request = request_of(self.model, self.viewer.dims)
        self.view.remember(request.task)
        kwargs = request.source.layer_kwargs(request.factors)
        kwargs["multiscale"] = request.is_multiscale
        preview = Preview(self.viewer.layers, self.model.image, request.name, kwargs)
        image = TiledImage(request) if request.partition.is_tiled else WholeImage(request)
        run = RestoreRun(image, preferences.snapshot_bytes)
        return RestoreSession(run, preview, self.view, throttle, self.viewer.dims)

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

    def copy_settings(self) -> None:
        """Copy the settings to the clipboard, as JSON text."""
        self.view.copy_text(json.dumps(task_to_dict(self.model.task), indent=2))
        self.model.say("Settings copied.")

    def paste_settings(self) -> None:
        """Fill the form with the settings in the clipboard, which are JSON text."""
        try:
            values = json.loads(self.view.pasted_text())
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise UserError("settings: the clipboard holds none; use Copy settings first")
        self._fill(task_from_dict(values))

    def settings_from_layer(self) -> None:
        """Fill the form with the settings in the selected layer's metadata."""
        layer = self.viewer.layers.selection.active
        if layer is None:
            raise UserError("layer: select one restored layer in the layer list")
        self._fill(task_of(layer))

    def estimate(self) -> None:
        """Show the partition, and estimate the memory of a fit in the background."""
        self.model.fits = True
        self._estimate()

    def _estimate(self) -> None:
        model = self.model
        try:
            source = chosen_source(model, self.viewer.dims)
            partition = partition_of(source, model.tile_size, fits=model.fits)
        except UserError:
            self.view.show_estimate("", False)
            self.view.show_partition("", False)
            return
        self.view.show_partition(partition.words, partition.is_tiled)
        assert model.image is not None  # chosen_source has asked for it
        samples = finest_level(model.image).shape[-1] if source.rgb else 1
        channels = samples - 1 if samples in (2, 4) else samples
        sides = tile_shape(source.sides, partition.tile)
        self._estimator.ask(Question(model.task, channels, sides, model.device))
        self.view.set_ticking(True)

    def _set(self, name: str, value: Any) -> None:
        is_another = name == "image" and None not in (value, self.model.image)
        if is_another and value is not self.model.image:
            self._forget_image()
        setattr(self.model, name, value)
        if name == "image" and value is not None:
            notes = [str(note) for record in readings_of(value) for note in record.notes]
            if notes:
                self.model.say(f"{'. '.join(notes)}.")
        if name in ("name", "image", "region", "scope", "rectangle", "device", "tile_size"):
            self.estimate()

    def _forget_image(self) -> None:
        """Clear settings that belong to the image so far: they would harm another."""
        model = self.model
        kept = {name: task.for_another_image() for name, task in model.tasks.items()}
        cleared = [
            name
            for name, value in kept[model.name].to_dict().items()
            if value != model.task.to_dict()[name]
        ]
        model.tasks = kept
        if cleared:
            self.view.show_task(model.task)
            model.say(f"{', '.join(cleared)}: cleared, as they belong to the other image.")

    def _set_task(self, task: Task) -> None:
        self.model.task = task
        self.estimate()

    def _fill(self, task: Task) -> None:
        self.model.task = task
        self.view.show_task(task)
        self.estimate()
        self.model.say(f"{task.title}: settings filled in.")

    def _timeline(self) -> RestoreSession:
        if self._session is None:
            raise UserError("timeline: there is no snapshot yet; run a restoration first")
        return self._session

    def _show_estimate(self) -> None:
        answer = self._estimator.take()
        model = self.model
        if isinstance(answer, Estimate) and not answer.fits and model.fits and not model.tile_size:
            model.fits = False  # so it is divided into tiles
            self._estimate()
        elif isinstance(answer, Estimate):
            self.view.show_estimate(str(answer), not answer.fits)
        elif answer is not None:
            self.view.show_estimate(answer, True)
