"""Model, view protocol and controller of the dock "Look inside a classifier"."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from psygnal import SignalInstance

from napari_dip.errors import UserError
from napari_dip.studies.classifiers.settings import Invert, Maximize, Prior, Visualization
from napari_dip.ui.layers.kwargs import plain_kwargs
from napari_dip.ui.layers.source import LayerSource, plane_kwargs, source_from_layer
from napari_dip.ui.run.background import Background
from napari_dip.ui.run.model import Action, RunModel
from napari_dip.ui.studies.controller import StudyController, StudyRequest, StudyView

if TYPE_CHECKING:
    from napari_dip.studies.classifiers.classifier import Classifier
    from napari_dip.studies.study import StudyJob


@dataclass(frozen=True)
class ClassifierChoice:
    """A classifier as a person typed it; the fields are keywords of `load_classifier`."""

    model: str = "alexnet"
    weights: str = ""
    size: str = ""
    mean: str = ""
    std: str = ""

    def load(self) -> Classifier:
        """Load the classifier and find its layers; weights may be downloaded first.

        Raises
        ------
        UserError
            When the classifier can't be loaded.
        """
        from napari_dip.studies.classifiers.loading import load_classifier

        size = _numbers("size", self.size)
        classifier = load_classifier(
            self.model.strip(),
            weights=self.weights.strip() or None,
            size=None if size is None else int(size[0]),
            mean=_numbers("mean", self.mean),
            std=_numbers("std", self.std),
            progress=False,
        )
        _ = classifier.layers  # found by a forward pass, which takes time and is kept
        return classifier


def _numbers(name: str, text: str) -> tuple[float, ...] | None:
    try:
        return tuple(map(float, text.split(","))) if text.strip() else None
    except ValueError:
        raise UserError(f"{name}: expected numbers separated by commas, got {text!r}") from None


def downloaded_size() -> str:
    """Return how much torch has downloaded so far, such as "12 MB"; empty if it doesn't."""
    hub = sys.modules.get("torch.hub")  # not imported here: that would hold up the window
    if hub is None or not hasattr(hub, "get_dir"):
        return ""
    try:
        parts = list(Path(hub.get_dir(), "checkpoints").glob("*.partial"))
        newest = max((part.stat() for part in parts), key=lambda s: s.st_mtime, default=None)
    except OSError:  # the download has just ended
        return ""
    return "" if newest is None else f"{newest.st_size / 1e6:.0f} MB"


def describe_classifier(classifier: Classifier) -> str:
    """Describe a classifier in a line: name, layers, classes, size of its images."""
    height, width = classifier.preprocessing.sides
    parts = [f"{len(classifier.layers)} layers"]
    shape = classifier.layers["output"].shape
    if len(shape) == 1:
        parts.append(f"{shape[0]} classes")
    return f"{classifier.name}: {', '.join(parts)}, {width} × {height} pixels"


VISUALIZATIONS: dict[str, type[Visualization]] = {kind.name: kind for kind in (Invert, Maximize)}
"""The visualizations that can be chosen, by their names."""


@dataclass
class VisualizationModel(RunModel):
    """The values of the dock's form.

    Attributes
    ----------
    name
        Name of the chosen visualization: "invert" or "maximize".
    visualizations
        The settings of each visualization, except layers, units and prior.
    choice, classifier
        The classifier that is typed, and the one that is loaded or None.
    layers
        Names of the layers to invert.
    place, units
        Name of the layer whose units are excited, and the units' numbers.
    prior
        The prior of the images; several give a picture each.
    side_by_side
        Whether each picture is a layer of its own instead of a slice of a stack.
    """

    name: str = Invert.name
    visualizations: dict[str, Visualization] = field(
        default_factory=lambda: {name: kind() for name, kind in VISUALIZATIONS.items()}
    )
    choice: ClassifierChoice = field(default_factory=ClassifierChoice)
    classifier: Classifier | None = None
    layers: tuple[str, ...] = ()
    place: str = "output"
    units: tuple[str, ...] = ()
    prior: tuple[Prior, ...] = ("deep",)
    side_by_side: bool = False

    @property
    def visualization(self) -> Visualization:
        """Settings of the chosen visualization, without layers and units."""
        return self.visualizations[self.name].replace(prior=self.prior)


class VisualizationView(StudyView, Protocol):
    """What the controller needs of the dock's view."""

    changed: SignalInstance
    """(name, value): a field of the model."""
    visualization_edited: SignalInstance
    """(Visualization): the settings, after one was changed."""

    def show_visualization(self, visualization: Visualization) -> None: ...
    def show_device(self, device: str) -> None: ...
    def show_classifier(self, classifier: Classifier | None, text: str, is_error: bool) -> None: ...


class VisualizationController(StudyController):
    """Loads classifiers and runs visualizations; its parameters are those of `RunController`."""

    model: VisualizationModel
    view: VisualizationView

    def __init__(
        self, model: VisualizationModel, view: VisualizationView, viewer: Any, **options: Any
    ) -> None:
        super().__init__(model, view, viewer, **options)
        self._loader = Background[ClassifierChoice, tuple[ClassifierChoice, "Classifier"]](
            lambda choice: (choice, choice.load())
        )
        self._size_shown = ""
        self._actions[Action.LOAD] = self.load
        view.changed.connect(self._set)
        view.visualization_edited.connect(self._set_visualization)
        view.show_visualization(model.visualization)
        view.show_device(model.device)
        view.show_classifier(None, "", False)

    def load(self) -> None:
        """Load the classifier that is typed, on another thread."""
        if not self.model.choice.model.strip():
            raise UserError("classifier: type a name, such as alexnet, or choose a file")
        self.model.classifier = None
        self._loader.ask(self.model.choice)
        self._show_loading("")
        self.view.set_ticking(True)

    def poll(self) -> None:
        answer = self._loader.take()
        if answer is None and self._loader.is_busy and downloaded_size() != self._size_shown:
            self._show_loading(downloaded_size())
        if isinstance(answer, str):
            self.view.show_classifier(None, answer, True)
        elif answer is not None and answer[0] == self.model.choice:
            self.model.classifier = answer[1]
            self.view.show_classifier(answer[1], describe_classifier(answer[1]), False)
        super().poll()

    @property
    def _is_waiting(self) -> bool:
        return self._loader.is_busy

    def _show_loading(self, progress: str) -> None:
        self._size_shown = progress
        text = f"Loading {self.model.choice.model} …{progress and f' {progress} downloaded'}"
        self.view.show_classifier(None, text, False)

    def _set(self, name: str, value: Any) -> None:
        if name == "choice" and value != self.model.choice and self.model.classifier is not None:
            self.model.classifier = None
            self.view.show_classifier(None, "", False)
        setattr(self.model, name, value)
        if name == "name":
            self.view.show_visualization(self.model.visualization)

    def _set_visualization(self, visualization: Visualization) -> None:
        self.model.visualizations = {**self.model.visualizations, visualization.name: visualization}

    def _request(self) -> StudyRequest:
        model, classifier = self.model, self.model.classifier
        if model.form_error:
            raise UserError(model.form_error)
        if classifier is None:
            raise UserError("classifier: none is loaded yet; choose one and press Load")
        visualization: Visualization
        if isinstance(model.visualization, Invert):
            if model.image is None:
                raise UserError("image: choose an Image layer; open one or a sample from the menu")
            if not model.layers:
                raise UserError("layers: tick one or more of the classifier's layers")
            visualization = model.visualization.replace(layers=model.layers)
            source = source_from_layer(model.image, self.viewer.dims)
            name, kwargs = f"{source.name} [invert]", _placement(source, classifier)
        else:
            if not model.units:
                raise UserError("unit: tick one or more of the classifier's classes or channels")
            layer = None if model.place == "output" else model.place
            visualization = model.visualization.replace(unit=model.units, layer=layer)
            source, name = None, f"{classifier.name} [maximize]"
            kwargs = plain_kwargs(rgb=classifier.preprocessing.channels == 3)
        about: dict[str, Any] = {
            "study": visualization.name,
            "settings": {
                "model": classifier.name,
                "weights": classifier.weights,
                **visualization.to_dict(),
            },
            "seed": model.seed,
            "device": model.device,
        }
        if source is not None:
            about["source"] = {"layer": source.name, "axes": source.axes}
        return StudyRequest(
            name,
            "layer" if source is not None else "unit",
            _preparation(classifier, visualization, source, model.device, model.seed),
            {**kwargs, "contrast_limits": (0.0, 1.0)},
            side_by_side=model.side_by_side,
            source_layer=None if source is None else model.image,
            about=about,
        )


def _preparation(
    classifier: Classifier,
    visualization: Visualization,
    source: LayerSource | None,
    device: str,
    seed: int,
) -> Callable[[], StudyJob]:
    """Return the function that reads the layer and checks everything, on the run's thread."""

    def prepare() -> StudyJob:
        from napari_dip.studies.classifiers.visualize import prepare_inversion, prepare_maximization

        if source is None:
            assert isinstance(visualization, Maximize)  # only this needs no image
            return prepare_maximization(classifier, visualization, device=device, seed=seed)
        assert isinstance(visualization, Invert)
        image = source.crop.read()
        return prepare_inversion(
            image, classifier, visualization, axes=source.axes, device=device, seed=seed
        )

    return prepare


def _placement(source: LayerSource, classifier: Classifier) -> dict[str, Any]:
    """Return layer keywords that put a picture of the classifier's size over its source."""
    preprocessing = classifier.preprocessing
    where = preprocessing.placement((source.sides[0], source.sides[1]))
    start = [
        source.start[axis] + offset for axis, offset in zip(source.space, where.offset, strict=True)
    ]
    return plane_kwargs(source, start, where.scale, rgb=preprocessing.channels == 3)
