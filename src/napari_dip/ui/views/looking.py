"""The dock "Deep Image Prior: Look inside a classifier"."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox
from napari.layers import Image
from psygnal import Signal

from napari_dip.classifiers.settings import Look
from napari_dip.study_results import Picture
from napari_dip.ui.looking import LOOKS
from napari_dip.ui.views.classifier import ClassifierPicker
from napari_dip.ui.views.curves import Curves
from napari_dip.ui.views.form import TaskForm
from napari_dip.ui.views.inputs import Computing
from napari_dip.ui.views.live import LiveView
from napari_dip.ui.views.rows import Rows
from napari_dip.ui.views.ticks import TickList

if TYPE_CHECKING:
    from napari import Viewer

    from napari_dip.classifiers.classifier import Classifier

PRIORS = {
    "Deep prior": ("deep",),
    "Total variation": ("tv",),
    "None: free pixels": ("none",),
    "Deep prior and total variation": ("deep", "tv"),
    "All three": ("deep", "tv", "none"),
}

CLASSES = ("Classes", "output")

OWN_ROWS = ("prior", "layers", "unit", "layer")
"""Settings that have better widgets than the form's."""


class LookView(LiveView):
    """Fulfils `looking.LookView`."""

    changed = Signal(str, object)
    look_edited = Signal(object)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._classifier: Classifier | None = None
        self._picker, self._form, self._computing = ClassifierPicker(), TaskForm(), Computing()
        self._curves = Curves()
        self._top, self._how, self._where = Rows(), Rows(), Rows()
        self._name = ComboBox(
            name="name",
            label="Look",
            tooltip="What its layers keep of an image, or what its units look for",
            choices=[(look.title, name) for name, look in LOOKS.items()],
        )
        self._image = ComboBox(
            name="image",
            label="Image",
            tooltip="Whose representation is inverted; it is resized as the classifier asks",
            choices=self._images,
        )
        self._place = ComboBox(
            name="place",
            label="Units of",
            tooltip="The classes, or a layer, whose channels are excited at their middle",
            choices=[CLASSES],
        )
        self._prior = ComboBox(
            name="prior",
            label="Prior",
            tooltip="What tells images from noise; several give a picture each, to compare",
            choices=list(PRIORS.items()),
        )
        self._side_by_side = CheckBox(
            name="side_by_side",
            label="Side by side",
            tooltip="A layer for each picture, in napari's grid, instead of one stack of all",
        )
        # magicgui writes a box's label beside it too.
        self._side_by_side.native.setText("a layer each, in a grid")
        self._layers = TickList("Layers", "Each is inverted to a picture of its own")
        self._units = TickList("Units", "Each is excited by a picture of its own")
        for rows, widgets in (
            (self._top, (self._name, self._image)),
            (self._where, (self._place,)),
            (self._how, (self._prior, self._side_by_side)),
        ):
            for widget in widgets:
                rows.add(widget)
        self._lay_out(
            [
                *(self._top, self._picker, self._layers, self._where, self._units),
                *(self._how, self._form, self._computing),
            ],
            [self._curves],
        )
        self._connect()

    def emit_all(self) -> None:
        """Say what is chosen already, to a controller that has just begun to listen."""
        self.changed.emit("image", self._image.value)
        self.changed.emit("wanted", self._picker.wanted)

    def reset_choices(self, event: Any = None) -> None:
        """Follow the layers; napari connects this to their events."""
        self._image.reset_choices()

    def choose(self, name: str, image: Image | None = None, **classifier: str) -> None:
        """Choose what is done, an image and a classifier, as a person would."""
        self._name.value = name
        if image is not None:
            self._image.value = image
        if classifier:
            self._picker.choose(**classifier)

    def tick(self, *keys: str, place: str | None = None) -> None:
        """Tick layers, or units of a place, as a person would."""
        if place is not None:
            self._place.value = place
        (self._layers if self._name.value == "invert" else self._units).tick(*keys)

    def show_look(self, look: Look) -> None:
        with self._name.changed.blocked():
            self._name.value = look.name
        self._name.tooltip = (type(look).__doc__ or "").split("\n")[0]
        self._form.show_task(look, leave_out=OWN_ROWS)
        inverts = look.name == "invert"
        self._top.set_visible("image", inverts)
        self._layers.setVisible(inverts)
        self._where.setVisible(not inverts)
        self._units.setVisible(not inverts)

    def show_device(self, device: str) -> None:
        self._computing.show_device(device)

    def show_classifier(self, classifier: Classifier | None, text: str, is_error: bool) -> None:
        self._classifier = classifier
        self._picker.show_status(text, is_error)
        found = {} if classifier is None else classifier.layers
        self._layers.show_items(
            ((name, f"{name}   {' × '.join(map(str, x.shape))}") for name, x in found.items()),
            self._layers.ticked,
        )
        maps = [(name, name) for name, layer in found.items() if layer.has_maps]
        self._place.choices = [CLASSES, *maps]
        self._show_units()

    def show_curves(self, pictures: tuple[Picture, ...]) -> None:
        self._curves.show_pictures(pictures)

    def _show_units(self) -> None:
        """The classes with their names, or the channels of a layer."""
        if self._classifier is None:
            self._units.show_items(())
            return
        count = self._classifier.layers[self._place.value].shape[:1]
        classes = self._classifier.classes if self._place.value == CLASSES[1] else ()
        named = [f"{i}   {name}" for i, name in enumerate(classes)]
        texts = named or [str(i) for i in range(*count)]
        self._units.show_items((str(i), text) for i, text in enumerate(texts))

    def _connect(self) -> None:
        for widget in (self._name, self._image, self._place, self._prior, self._side_by_side):
            widget.changed.connect(partial(self.changed.emit, widget.name))
        self._place.changed.connect(self._show_units)
        self._picker.changed.connect(partial(self.changed.emit, "wanted"))
        self._picker.asked.connect(self._ask)
        self._layers.changed.connect(partial(self.changed.emit, "layers"))
        self._units.changed.connect(partial(self.changed.emit, "units"))
        self._form.edited.connect(self.look_edited.emit)
        self._form.invalid.connect(partial(self.changed.emit, "form_error"))
        self._computing.changed.connect(self.changed.emit)

    def _images(self, _widget: ComboBox) -> list[Image]:
        return [layer for layer in self._viewer.layers if isinstance(layer, Image)]
