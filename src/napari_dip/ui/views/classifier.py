"""Which classifier, and what it asks of its images."""

from __future__ import annotations

from pathlib import Path

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

from napari_dip.ui.classifier_choice import Wanted
from napari_dip.ui.model import Action
from napari_dip.ui.views.rows import LABEL_WIDTH, folded

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
