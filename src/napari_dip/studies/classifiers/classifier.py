"""A classifier: its module, its preprocessing, its layers and its classes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, nn

from napari_dip.errors import UserError
from napari_dip.studies.classifiers.layers import OUTPUT, Layer, find_layers, read
from napari_dip.studies.classifiers.messages import reason, suggestion
from napari_dip.studies.classifiers.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False)
class Classifier:
    """A module that classifies images, with what is needed to use it.

    Attributes
    ----------
    module
        Takes normalised images (1, channels, y, x) and returns a value for each class,
        (1, classes).
    preprocessing
        The size and normalisation of the images that the module takes.
    name
        The name in reports and messages.
    classes
        Names of the classes; empty where only their numbers are known.
    weights
        The origin of the weights, for reports.

    Examples
    --------
    >>> from torch import nn
    >>> from napari_dip import Preprocessing
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 2))
    >>> classifier = Classifier(net, Preprocessing(16, mean=(0.5,), std=(0.5,)), "cells")
    >>> {name: layer.shape for name, layer in classifier.layers.items()}["0"]
    (4, 14, 14)
    >>> classifier.logits.shape
    (2,)
    """

    module: nn.Module = field(repr=False)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    name: str = "classifier"
    classes: tuple[str, ...] = field(default=(), repr=False)
    weights: str = ""

    @cached_property
    def layers(self) -> dict[str, Layer]:
        """The layers by name, in the order of a forward pass; "output" is the last.

        Raises
        ------
        UserError
            When the module can't take an image of the preprocessing's size.
        """
        device = next((p.device for p in self.module.parameters()), torch.device("cpu"))
        x = torch.full(self.preprocessing.shape, 0.5, device=device)
        with self.evaluating(device), torch.no_grad():
            try:
                return find_layers(self.module, self.preprocessing.normalise(x))
            except Exception as error:  # the module is any code
                height, width = self.preprocessing.sides
                raise UserError(
                    f"model: {self.name} can't take an image of {self.preprocessing.channels} x "
                    f"{height} x {width} ({reason(error)}); give size, mean and std that it takes"
                ) from error

    def layer(self, name: str) -> Layer:
        """The layer of that name, or at that module path.

        Raises
        ------
        UserError
            When there is no such layer; the nearest names are suggested.
        """
        for layer in self.layers.values():
            if name.strip() in (layer.name, layer.path or OUTPUT):
                return layer
        if isinstance(self.module, torch.jit.ScriptModule):
            raise UserError(
                f"layer: {self.name} is TorchScript, whose layers can't be read: it has no layer "
                f"{name!r}, only {OUTPUT}; export it with torch.export, or give module:function"
            )
        raise UserError(
            f"layer: {self.name} has no layer {name!r}; {suggestion(name, list(self.layers))}"
        )

    @property
    def logits(self) -> Layer:
        """The layer with a value for each class, before a soft-max.

        Raises
        ------
        UserError
            When the module does not return a value for each class.
        """
        layer = self.layers[OUTPUT]
        if len(layer.shape) != 1:
            shape = ", ".join(map(str, (1, *layer.shape))) if layer.shape else "no tensor"
            raise UserError(
                f"model: {self.name} gives ({shape}) and not (1, classes); give a classifier, "
                "or name one of its convolutional layers"
            )
        return layer

    def class_index(self, text: str) -> int:
        """The number of a class, from its number or its name.

        Raises
        ------
        UserError
            When there is no such class; the nearest names are suggested.
        """
        wanted = text.strip().lower()
        (count,) = self.logits.shape
        try:
            number = int(wanted)
        except ValueError:
            found = [i for i, name in enumerate(self.classes) if name.lower() == wanted]
        else:
            if not 0 <= number < count:
                raise UserError(
                    f"unit: {number} is no class of {self.name}; it has 0 to {count - 1}"
                )
            return number
        if len(found) == 1:
            return found[0]
        if found:
            numbers = " and ".join(map(str, found))
            raise UserError(f"unit: classes {numbers} are both called {text}; give the number")
        if not self.classes:
            raise UserError(
                f"unit: {self.name}'s classes have no names; give a number from 0 to {count - 1}"
            )
        raise UserError(
            f"unit: {self.name} has no class {text!r}; {suggestion(text, self.classes)}"
        )

    def class_name(self, index: int) -> str:
        """The name of a class, with its number where the name is not unique; else its number."""
        if index >= len(self.classes):
            return str(index)
        name = self.classes[index]
        return name if self.classes.count(name) == 1 else f"{name} ({index})"

    def values(self, layer: Layer, x: Tensor) -> Tensor:
        """The values of a layer for images (1, channels, y, x) in [0, 1]."""
        return read(self.module, layer, self.preprocessing.normalise(x)).float()

    @contextmanager
    def evaluating(self, device: torch.device) -> Iterator[None]:
        """Keep the module on a device, in evaluation mode and with fixed parameters, for a while.

        Gradients reach the image and nothing else. Afterwards, also after an error, all is as it
        was: the mode of each submodule, the `requires_grad` of each parameter, and the device.
        """
        module = self.module
        modes = [(part, part.training) for part in module.modules()]
        parameters = [(p, p.requires_grad) for p in module.parameters()]
        home = next((p.device for p, _ in parameters), device)
        try:
            module.eval()
            for parameter, _ in parameters:
                parameter.requires_grad_(False)
            if home != device:
                module.to(device)
            yield
        finally:
            if home != device:
                module.to(home)
            for parameter, required in parameters:
                parameter.requires_grad_(required)
            for part, mode in modes:
                part.training = mode
