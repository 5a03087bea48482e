"""The Qt view of the dock "Look inside a classifier"."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from napari.layers import Image
from psygnal import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
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
from napari_dip.ui.studies.classifier_controller import VISUALIZATIONS, ClassifierChoice
from napari_dip.ui.widgets.checklist import CheckList
from napari_dip.ui.widgets.curves import StudyCurves
from napari_dip.ui.widgets.form import TaskForm
from napari_dip.ui.widgets.inputs import DeviceForm
from napari_dip.ui.widgets.rows import Rows, folded, side_by_side_box

if TYPE_CHECKING:
    from napari import Viewer

    from napari_dip.studies.classifiers.classifier import Classifier


CLASSIFIER_NAMES = (
    *("alexnet", "vgg16", "vgg19", "resnet18", "resnet50", "densenet121", "squeezenet1_1"),
    *("mobilenet_v3_large", "efficientnet_b0", "convnext_tiny"),
)
"""Some of torchvision's classifiers, the paper's first; any other name can be typed."""

MODEL_TIP = (
    "Name of a torchvision classifier, a torch.export or TorchScript file, or module:function. "
    "TorchScript and Python files run code: load only what you trust"
)

CHOICE_TIPS = {
    "weights": "State-dict file for a torchvision classifier; empty: the pretrained weights, "
    "which are downloaded on first use",
    "size": "Side length of the classifier's images in pixels; empty: as the model says",
    "mean": "Mean of each channel of images in [0, 1], separated by commas; empty: as the model "
    "says",
    "std": "Standard deviation of each channel, separated by commas; empty: as the model says",
}
"""Tooltips of the other fields of a `ClassifierChoice`."""


class ClassifierPicker(QWidget):
    """A classifier's name or file, its weights, and the button that loads it."""

    changed = Signal(object)
    """(ClassifierChoice): what is typed now."""
    asked = Signal(Action)

    def __init__(self) -> None:
        super().__init__()
        self._model = QComboBox()
        self._model.setEditable(True)
        self._model.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._model.addItems(CLASSIFIER_NAMES)
        self._model.setToolTip(MODEL_TIP)
        self._model.setMinimumWidth(60)
        self._model.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._texts = {name: QLineEdit() for name in CHOICE_TIPS}
        for name, text in self._texts.items():
            text.setToolTip(CHOICE_TIPS[name])
            text.setPlaceholderText("pretrained" if name == "weights" else "as the model says")
            text.textChanged.connect(self._emit)
        self._model.currentTextChanged.connect(self._emit)
        self._load = QPushButton(str(Action.LOAD))
        self._load.setToolTip("Load the classifier; then its layers and classes can be chosen")
        self._load.clicked.connect(lambda: self.asked.emit(Action.LOAD))
        self._status = QLabel()
        self._status.setObjectName("classifier")
        self._status.setWordWrap(True)
        files, preprocessing = Rows(), Rows()
        files.add_row("Classifier", MODEL_TIP, self._with_file(self._model, "model"))
        weights = self._with_file(self._texts["weights"], "weights")
        files.add_row("Weights", CHOICE_TIPS["weights"], weights)
        for name in ("size", "mean", "std"):
            preprocessing.add_row(name.capitalize(), CHOICE_TIPS[name], self._texts[name])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (files, folded("Preprocessing", preprocessing), self._load, self._status):
            layout.addWidget(widget)

    @property
    def choice(self) -> ClassifierChoice:
        """The classifier as it is typed now."""
        texts = {name: text.text() for name, text in self._texts.items()}
        return ClassifierChoice(self._model.currentText(), **texts)

    def choose(self, model: str, **texts: str) -> None:
        """Type a classifier and other fields, as a person would."""
        self._model.setCurrentText(model)
        for name, text in texts.items():
            self._texts[name].setText(text)

    def show_status(self, text: str, is_error: bool) -> None:
        """Show which classifier is loaded, or why none is."""
        self._status.setText(f"⚠ {text}" if is_error else text)
        self._status.setVisible(bool(text))

    def _emit(self) -> None:
        self.changed.emit(self.choice)

    def _with_file(self, widget: QWidget, name: str) -> QWidget:
        """Put a text field beside a button that fills it with the path of a file."""
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        button = QPushButton("File …")
        button.setToolTip(f"Choose a file for {name}")
        button.clicked.connect(lambda: self._ask_for_file(name))
        layout.addWidget(widget, stretch=1)
        layout.addWidget(button)
        return row

    def _ask_for_file(self, name: str) -> None:
        found, _ = QFileDialog.getOpenFileName(
            self, f"File for {name}", str(Path.cwd()), "PyTorch (*.pt *.pth *.pt2 *.ts);;All (*)"
        )
        if found and name == "model":
            self._model.setCurrentText(found)
        elif found:
            self._texts[name].setText(found)


PRIOR_CHOICES = {
    "Deep prior": ("deep",),
    "Total variation": ("tv",),
    "None: free pixels": ("none",),
    "Deep prior and total variation": ("deep", "tv"),
    "All three": ("deep", "tv", "none"),
}


"""The priors that can be chosen, by what the form calls them."""

CLASSES = ("Classes", "output")
"""The choice of units that are classes, and the layer that has them."""

OWN_ROWS = ("prior", "layers", "unit", "layer")
"""Settings that the dock shows in widgets of its own instead of in the form."""


class QtVisualizationView(QtRunView):
    """The dock in Qt: a `VisualizationView`; its parameter is that of `QtRunView`."""

    changed = Signal(str, object)
    visualization_edited = Signal(object)

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._classifier: Classifier | None = None
        self._picker, self._form, self._device = ClassifierPicker(), TaskForm(), DeviceForm()
        self._curves = StudyCurves()
        self._top, self._how, self._where = Rows(), Rows(), Rows()
        self._name = ComboBox(
            name="name",
            label="Visualize",
            tooltip="What the layers keep of an image, or what excites the units",
            choices=[(visualization.title, name) for name, visualization in VISUALIZATIONS.items()],
        )
        self._image = ComboBox(
            name="image",
            label="Image",
            tooltip="The image whose representation is inverted; it is resized for the classifier",
            choices=self._images,
        )
        self._place = ComboBox(
            name="place",
            label="Units of",
            tooltip="The classes, or a layer whose channels are excited at their middle",
            choices=[CLASSES],
        )
        self._prior = ComboBox(
            name="prior",
            label="Prior",
            tooltip="The prior that keeps pictures from noise; several give a picture each",
            choices=list(PRIOR_CHOICES.items()),
        )
        self._side_by_side = side_by_side_box()
        self._layers = CheckList("Layers", "Each ticked layer is inverted to a picture")
        self._units = CheckList("Units", "Each ticked unit is excited by a picture")
        self._layers.setObjectName("layers")
        self._units.setObjectName("units")
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
                *(self._how, self._form, self._device),
            ],
            [self._curves],
        )
        self._connect()

    def emit_all(self) -> None:
        """Emit what is chosen already, for a new controller."""
        self.changed.emit("image", self._image.value)
        self.changed.emit("choice", self._picker.choice)

    def reset_choices(self, event: Any = None) -> None:
        """Offer the viewer's layers; napari connects this method to their events."""
        self._image.reset_choices()

    def choose(self, name: str, image: Image | None = None, **classifier: str) -> None:
        """Choose a visualization, an image and a classifier, as a person would."""
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

    def show_visualization(self, visualization: Visualization) -> None:
        with self._name.changed.blocked():
            self._name.value = visualization.name
        self._name.tooltip = (type(visualization).__doc__ or "").split("\n")[0]
        self._form.show_task(visualization, leave_out=OWN_ROWS)
        inverts = visualization.name == "invert"
        self._top.set_visible("image", inverts)
        self._layers.setVisible(inverts)
        self._where.setVisible(not inverts)
        self._units.setVisible(not inverts)

    def show_device(self, device: str) -> None:
        self._device.show_device(device)

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
        """Offer the classes with their names, or the channels of a layer."""
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
        self._picker.changed.connect(partial(self.changed.emit, "choice"))
        self._picker.asked.connect(self._ask)
        self._layers.changed.connect(partial(self.changed.emit, "layers"))
        self._units.changed.connect(partial(self.changed.emit, "units"))
        self._form.edited.connect(self.visualization_edited.emit)
        self._form.invalid.connect(partial(self.changed.emit, "form_error"))
        self._device.changed.connect(self.changed.emit)

    def _images(self, _widget: ComboBox) -> list[Image]:
        return [layer for layer in self._viewer.layers if isinstance(layer, Image)]
