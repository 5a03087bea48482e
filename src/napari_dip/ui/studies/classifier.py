"""Which classifier a person asks for, and what is said of it."""

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
from napari_dip.ui.studies.study import StudyController, StudyRequest, StudyView

if TYPE_CHECKING:
    from napari_dip.studies.classifiers.classifier import Classifier
    from napari_dip.studies.study import StudyJob


@dataclass(frozen=True)
class Wanted:
    """Which classifier is asked for, as it is typed: the keywords of `load_classifier`."""

    model: str = "alexnet"
    weights: str = ""
    size: str = ""
    mean: str = ""
    std: str = ""

    def load(self) -> Classifier:
        """Load it, with its layers; it may be downloaded first.

        Raises
        ------
        UserError
            When it can't be loaded.
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
        _ = classifier.layers  # found by a pass, which takes a while too
        return classifier


def _numbers(name: str, text: str) -> tuple[float, ...] | None:
    try:
        return tuple(map(float, text.split(","))) if text.strip() else None
    except ValueError:
        raise UserError(f"{name}: {text!r} is not numbers, with commas between them") from None


def downloaded() -> str:
    """How much of the weights torch has downloaded, if it is at it."""
    hub = sys.modules.get("torch.hub")  # to import it would hold up the window
    if hub is None or not hasattr(hub, "get_dir"):
        return ""
    try:
        parts = list(Path(hub.get_dir(), "checkpoints").glob("*.partial"))
        newest = max((part.stat() for part in parts), key=lambda s: s.st_mtime, default=None)
    except OSError:  # it has just been finished
        return ""
    return "" if newest is None else f"{newest.st_size / 1e6:.0f} MB"


def told(classifier: Classifier) -> str:
    """A classifier in a line."""
    height, width = classifier.preprocessing.sides
    parts = [f"{len(classifier.layers)} layers"]
    shape = classifier.layers["output"].shape
    if len(shape) == 1:
        parts.append(f"{shape[0]} classes")
    return f"{classifier.name}: {', '.join(parts)}, {width} × {height} pixels"


LOOKS: dict[str, type[Visualization]] = {look.name: look for look in (Invert, Maximize)}


@dataclass
class VisualizationModel(RunModel):
    """The form of the dock.

    Attributes
    ----------
    name
        Of what is done: "invert" or "maximize".
    looks
        The settings of each; layers, units and prior are beside them.
    wanted, classifier
        The one that is asked for, and the one that is there: None until it is loaded.
    layers
        To be inverted.
    place, units
        The layer whose units are excited, and which of them.
    prior
        What tells images from noise, one or several.
    side_by_side
        A layer for each picture instead of a stack.
    """

    name: str = Invert.name
    looks: dict[str, Visualization] = field(
        default_factory=lambda: {n: look() for n, look in LOOKS.items()}
    )
    wanted: Wanted = field(default_factory=Wanted)
    classifier: Classifier | None = None
    layers: tuple[str, ...] = ()
    place: str = "output"
    units: tuple[str, ...] = ()
    prior: tuple[Prior, ...] = ("deep",)
    side_by_side: bool = False

    @property
    def look(self) -> Visualization:
        """The chosen settings, but for layers and units."""
        return self.looks[self.name].replace(prior=self.prior)


class VisualizationView(StudyView, Protocol):
    """What the dock's view has to offer."""

    changed: SignalInstance
    """(name, value): a field of the model."""
    look_edited: SignalInstance
    """(Look): a setting of the form."""

    def show_look(self, look: Visualization) -> None: ...
    def show_device(self, device: str) -> None: ...
    def show_classifier(self, classifier: Classifier | None, text: str, is_error: bool) -> None: ...


class VisualizationController(StudyController):
    """Controller of the classifier dock; its parameters are those of `RunController`."""

    model: VisualizationModel
    view: VisualizationView

    def __init__(
        self, model: VisualizationModel, view: VisualizationView, viewer: Any, **options: Any
    ) -> None:
        super().__init__(model, view, viewer, **options)
        self._loader: Background[Wanted, tuple[Wanted, Classifier]] = Background(
            lambda wanted: (wanted, wanted.load())
        )
        self._downloaded = ""
        self._actions[Action.LOAD] = self.load
        view.changed.connect(self._set)
        view.look_edited.connect(self._set_look)
        view.show_look(model.look)
        view.show_device(model.device)
        view.show_classifier(None, "", False)

    def load(self) -> None:
        """Load the classifier that is asked for, beside the window's thread."""
        if not self.model.wanted.model.strip():
            raise UserError("classifier: name one, such as alexnet, or choose a file")
        self.model.classifier = None
        self._loader.ask(self.model.wanted)
        self._show_loading("")
        self.view.set_ticking(True)

    def poll(self) -> None:
        answer = self._loader.take()
        if answer is None and self._loader.is_busy and downloaded() != self._downloaded:
            self._show_loading(downloaded())
        if isinstance(answer, str):
            self.view.show_classifier(None, answer, True)
        elif answer is not None and answer[0] == self.model.wanted:
            self.model.classifier = answer[1]
            self.view.show_classifier(answer[1], told(answer[1]), False)
        super().poll()

    @property
    def _is_waiting(self) -> bool:
        return self._loader.is_busy

    def _show_loading(self, progress: str) -> None:
        self._downloaded = progress
        text = f"Loading {self.model.wanted.model} …{progress and f' {progress} downloaded'}"
        self.view.show_classifier(None, text, False)

    def _set(self, name: str, value: Any) -> None:
        if name == "wanted" and value != self.model.wanted and self.model.classifier is not None:
            self.model.classifier = None
            self.view.show_classifier(None, "", False)
        setattr(self.model, name, value)
        if name == "name":
            self.view.show_look(self.model.look)

    def _set_look(self, look: Visualization) -> None:
        self.model.looks = {**self.model.looks, look.name: look}

    def _request(self) -> StudyRequest:
        model, classifier = self.model, self.model.classifier
        if model.form_error:
            raise UserError(model.form_error)
        if classifier is None:
            raise UserError("classifier: none is loaded; choose one and press Load")
        look: Visualization
        if isinstance(model.look, Invert):
            if model.image is None:
                raise UserError("image: choose an Image layer; open one or a sample from the menu")
            if not model.layers:
                raise UserError("layers: tick one or several of the classifier's layers")
            look = model.look.replace(layers=model.layers)
            source = source_from_layer(model.image, self.viewer.dims)
            name, kwargs = f"{source.name} [invert]", _over(source, classifier)
        else:
            if not model.units:
                raise UserError("unit: tick one or several of the classifier's classes or channels")
            layer = None if model.place == "output" else model.place
            look = model.look.replace(unit=model.units, layer=layer)
            source, name = None, f"{classifier.name} [maximize]"
            kwargs = plain_kwargs(rgb=classifier.preprocessing.channels == 3)
        about: dict[str, Any] = {
            "study": look.name,
            "settings": {"model": classifier.name, "weights": classifier.weights, **look.to_dict()},
            "seed": model.seed,
            "device": model.device,
        }
        if source is not None:
            about["source"] = {"layer": source.name, "axes": source.axes}
        return StudyRequest(
            name,
            "layer" if source is not None else "unit",
            _preparing(classifier, look, source, model.device, model.seed),
            {**kwargs, "contrast_limits": (0.0, 1.0)},
            side_by_side=model.side_by_side,
            source_layer=None if source is None else model.image,
            about=about,
        )


def _preparing(
    classifier: Classifier, look: Visualization, source: LayerSource | None, device: str, seed: int
) -> Callable[[], StudyJob]:
    """What reads the layer and checks everything, on the worker's thread."""

    def prepare() -> StudyJob:
        from napari_dip.studies.classifiers.visualize import prepare_inversion, prepare_maximization

        if source is None:
            assert isinstance(look, Maximize)  # what needs no image
            return prepare_maximization(classifier, look, device=device, seed=seed)
        assert isinstance(look, Invert)
        image = source.crop.read()
        return prepare_inversion(image, classifier, look, axes=source.axes, device=device, seed=seed)

    return prepare


def _over(source: LayerSource, classifier: Classifier) -> dict[str, Any]:
    """Keywords that put a picture of the classifier's size where it lies in its source."""
    asked = classifier.preprocessing
    where = asked.placement((source.sides[0], source.sides[1]))
    start = [
        source.start[axis] + offset for axis, offset in zip(source.space, where.offset, strict=True)
    ]
    return plane_kwargs(source, start, where.scale, rgb=asked.channels == 3)
