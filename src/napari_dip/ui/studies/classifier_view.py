"""Which classifier, and what it asks of its images."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox
from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_dip.studies.classifiers.settings import Visualization
from napari_dip.studies.study import StudyPicture
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.view import QtRunView
from napari_dip.ui.studies.classifier import LOOKS, Wanted
from napari_dip.ui.widgets.checklist import CheckList
from napari_dip.ui.widgets.curves import Curves
from napari_dip.ui.widgets.form import TaskForm
from napari_dip.ui.widgets.inputs import Computing
from napari_dip.ui.widgets.rows import LABEL_WIDTH, Rows, folded

if TYPE_CHECKING:
    from napari import Viewer

    from napari_dip.studies.classifiers.classifier import Classifier


NAMES = (
    *("alexnet", "vgg16", "vgg19", "resnet18", "resnet50", "densenet121", "squeezenet1_1"),
    *("mobilenet_v3_large", "efficientnet_b0", "convnext_tiny"),
)
"""Some of torchvision's, the paper's first; any other can be typed."""


MODEL_TIP = (
    "One of torchvision's classifiers by its name, a torch.export or TorchScript file, or "
    "module:function. TorchScript and Python are code: load what you trust"
)


TIPS = {
    "weights": "A state-dict file for a torchvision classifier; empty: its pretrained weights, "
    "which are downloaded on first use",
    "size": "Sides of the images that the classifier takes, in pixels; empty: as the model says",
    "mean": "Mean of each channel of images in [0, 1], with commas; empty: as the model says",
    "std": "Standard deviation of each channel, with commas; empty: as the model says",
}


class ClassifierPicker(QWidget):
    """A name or a file, its weights, and a button that loads it."""

    changed = Signal(object)
    """(Wanted): what is typed."""
    asked = Signal(Action)

    def __init__(self) -> None:
        super().__init__()
        self._model = QComboBox()
        self._model.setEditable(True)
        self._model.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._model.addItems(NAMES)
        self._model.setToolTip(MODEL_TIP)
        self._model.setMinimumWidth(60)
        self._model.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._texts = {name: QLineEdit() for name in TIPS}
        for name, text in self._texts.items():
            text.setToolTip(TIPS[name])
            text.setPlaceholderText("pretrained" if name == "weights" else "as the model says")
            text.textChanged.connect(self._emit)
        self._model.currentTextChanged.connect(self._emit)
        self._load = QPushButton(str(Action.LOAD))
        self._load.setToolTip("Load the classifier; then its layers and classes can be chosen")
        self._load.clicked.connect(lambda: self.asked.emit(Action.LOAD))
        self._status = QLabel()
        self._status.setWordWrap(True)
        form = QFormLayout()
        form.setVerticalSpacing(4)
        form.addRow(_label("Classifier", MODEL_TIP), self._with_file(self._model, "model"))
        weights = self._with_file(self._texts["weights"], "weights")
        form.addRow(_label("Weights", TIPS["weights"]), weights)
        more = QFormLayout()
        more.setVerticalSpacing(4)
        for name in ("size", "mean", "std"):
            more.addRow(_label(name.capitalize(), TIPS[name]), self._texts[name])
        inside = QWidget()
        inside.setLayout(more)
        more.setContentsMargins(0, 0, 0, 0)
        asks = folded("What it takes", inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        for widget in (asks, self._load, self._status):
            layout.addWidget(widget)

    @property
    def wanted(self) -> Wanted:
        """What is typed."""
        texts = {name: text.text() for name, text in self._texts.items()}
        return Wanted(self._model.currentText(), **texts)

    def choose(self, model: str, **texts: str) -> None:
        """Type a classifier, as a person would."""
        self._model.setCurrentText(model)
        for name, text in texts.items():
            self._texts[name].setText(text)

    def show_status(self, text: str, is_error: bool) -> None:
        """Show what is loaded, or why it is not."""
        self._status.setText(f"⚠ {text}" if is_error else text)
        self._status.setVisible(bool(text))

    def _emit(self) -> None:
        self.changed.emit(self.wanted)

    def _with_file(self, widget: QWidget, name: str) -> QWidget:
        """A text and a button that fills it with the name of a file."""
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        button = QPushButton("File …")
        button.setToolTip(f"Choose the {name}'s file")
        button.clicked.connect(lambda: self._ask_for_file(name))
        layout.addWidget(widget, stretch=1)
        layout.addWidget(button)
        return row

    def _ask_for_file(self, name: str) -> None:
        found, _ = QFileDialog.getOpenFileName(
            self, f"The {name}'s file", str(Path.cwd()), "PyTorch (*.pt *.pth *.pt2 *.ts);;All (*)"
        )
        if found and name == "model":
            self._model.setCurrentText(found)
        elif found:
            self._texts[name].setText(found)


def _label(text: str, tip: str) -> QLabel:
    label = QLabel(text)
    label.setToolTip(tip)
    label.setFixedWidth(LABEL_WIDTH)
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label


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


class QtVisualizationView(QtRunView):
    """Fulfils `looking.QtVisualizationView`."""

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
        self._layers = CheckList("Layers", "Each is inverted to a picture of its own")
        self._units = CheckList("Units", "Each is excited by a picture of its own")
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

    def show_look(self, look: Visualization) -> None:
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

    def show_curves(self, pictures: tuple[StudyPicture, ...]) -> None:
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
