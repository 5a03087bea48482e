"""Model, view protocol and controller of the dock "Prior lab"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from psygnal import SignalInstance

from napari_dip.errors import UserError
from napari_dip.studies.lab.base import Study
from napari_dip.studies.lab.registry import STUDIES
from napari_dip.studies.lab.run import prepare_study
from napari_dip.studies.study import StudyJob
from napari_dip.ui.layers.kwargs import plain_kwargs
from napari_dip.ui.layers.regions import add_mask, chosen_source, mask_of
from napari_dip.ui.layers.source import input_from_layer
from napari_dip.ui.run.model import Action, RunModel
from napari_dip.ui.studies.controller import StudyController, StudyRequest, StudyView

if TYPE_CHECKING:
    from napari import Viewer


@dataclass
class LabModel(RunModel):
    """The values of the dock's form.

    Attributes
    ----------
    name
        Name of the chosen study.
    studies
        The settings of each study, which stay when another one is chosen.
    side_by_side
        Whether each picture is a layer of its own in napari's grid, instead of a slice of a stack.
    """

    name: str = "sample"
    studies: dict[str, Study] = field(default_factory=lambda: {n: s() for n, s in STUDIES.items()})
    side_by_side: bool = False

    @property
    def study(self) -> Study:
        """Settings of the chosen study."""
        return self.studies[self.name]

    @study.setter
    def study(self, study: Study) -> None:
        self.studies = {**self.studies, study.name: study}


class LabView(StudyView, Protocol):
    """What the controller needs of the dock's view."""

    changed: SignalInstance
    """(name, value): a field of the model."""
    study_edited: SignalInstance
    """(Study): the settings, after one was changed."""

    def show_study(self, study: Study, side_by_side: bool) -> None: ...
    def show_device(self, device: str) -> None: ...
    def start_painting(self, layer: Any) -> None: ...


class LabController(StudyController):
    """Runs the chosen study; its parameters are those of `RunController`."""

    model: LabModel
    view: LabView

    def __init__(
        self,
        model: LabModel,
        view: LabView,
        viewer: Viewer,
        **options: Any,
    ) -> None:
        super().__init__(model, view, viewer, **options)
        self._actions[Action.NEW_MASK] = lambda: view.start_painting(add_mask(viewer, model.image))
        view.changed.connect(self._set)
        view.study_edited.connect(self._set_study)
        view.show_device(model.device)
        self._show_study()

    def _request(self) -> StudyRequest:
        model = self.model
        if model.form_error:
            raise UserError(model.form_error)
        study = model.study
        about = {
            "study": study.name,
            "settings": study.to_dict(),
            "seed": model.seed,
            "device": model.device,
        }
        given: dict[str, Any] = {"device": model.device, "seed": model.seed}
        if "image" not in study.accepts:
            return StudyRequest(
                study.title,
                study.axis,
                lambda: prepare_study(study, **given),
                plain_kwargs(rgb=True),
                model.side_by_side,
                about=about,
            )
        source, image = chosen_source(model, self.viewer.dims), model.image
        assert image is not None  # chosen_source has checked it
        mask = reference = None
        if "mask" in study.accepts and model.mask is not None:
            mask = mask_of(model.mask, image, source)
        if "reference" in study.accepts and model.reference is not None:
            reference = input_from_layer(model.reference, source, "reference", study.growth())

        def prepare() -> StudyJob:
            return prepare_study(
                study,
                source.crop.read(),
                axes=source.axes,
                mask=None if mask is None else mask.read(),
                reference=None if reference is None else reference.read(),
                **given,
            )

        return StudyRequest(
            f"{source.name} [{study.name}]",
            study.axis,
            prepare,
            source.layer_kwargs(study.growth()),
            model.side_by_side,
            image,
            {**about, "source": source.origin},
        )

    def _set(self, name: str, value: Any) -> None:
        setattr(self.model, name, value)
        if name == "name":
            self.model.side_by_side = self.model.study.side_by_side
            self._show_study()

    def _set_study(self, study: Study) -> None:
        self.model.study = study

    def _show_study(self) -> None:
        self.view.show_study(self.model.study, self.model.side_by_side)
