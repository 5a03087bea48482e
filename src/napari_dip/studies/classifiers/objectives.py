"""The data terms: the distance to a representation, and minus an activation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_dip.engine.operators import Operator
from napari_dip.errors import UserError
from napari_dip.studies.classifiers.classifier import Classifier
from napari_dip.studies.classifiers.layers import Layer

_BORDER = 8 / 7
"""Size of the network's image relative to the classifier's input. The paper's network makes 256
pixels and the classifier sees the middle 224, without the artefacts at the borders."""


class CenterCrop(Operator):
    """Crops the middle of a larger image."""

    def __init__(self, sides: Sequence[int]) -> None:
        super().__init__()
        self.sides = tuple(sides)

    def image_shape(self, space: Sequence[int]) -> tuple[int, ...]:
        return tuple(math.ceil(_BORDER * side) for side in space)

    def crop_to_visible(self, x: Tensor) -> Tensor:
        for axis, side in enumerate(self.sides, start=2):
            x = x.narrow(axis, (x.shape[axis] - side) // 2, side)
        return x

    def forward(self, x: Tensor) -> Tensor:
        return self.crop_to_visible(x)


class SigmoidPixels(Operator):
    """Keeps free pixels between 0 and 1 by a sigmoid, which preserves mid-grey and its contrast.

    The operator is not linear.
    """

    def crop_to_visible(self, x: Tensor) -> Tensor:
        return torch.sigmoid(4 * (x - 0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.crop_to_visible(x)


class FeatureDistance:
    """||Phi(x) - Phi(x0)||^2 / ||Phi(x0)||^2, comparable between layers of any size and scale.

    Source: arXiv 1711.10925, section 3.4.

    Parameters
    ----------
    classifier, layer
        The representation Phi.
    x0
        The image to be inverted, (1, channels, y, x) in [0, 1].
    """

    def __init__(self, classifier: Classifier, layer: Layer, x0: Tensor) -> None:
        self.classifier, self.layer = classifier, layer
        with torch.no_grad():
            self.target = classifier.values(layer, x0)
        self.energy = self.target.square().sum().clamp(min=1e-12)

    def __call__(self, prediction: Tensor, y: Tensor) -> Tensor:
        difference = self.classifier.values(self.layer, prediction) - self.target
        return difference.square().sum() / self.energy


@dataclass(frozen=True)
class Unit:
    """One neuron: a class, or the middle of a channel's feature map.

    Attributes
    ----------
    layer
        The layer of the neuron.
    index
        The number of the class or channel.
    name
        The name of the neuron in pictures and reports.
    """

    layer: Layer
    index: int
    name: str

    @classmethod
    def of(cls, classifier: Classifier, layer: str | None, text: str) -> Unit:
        """The unit with the name or number that a user typed.

        Raises
        ------
        UserError
            When there is no such layer, class or channel.
        """
        if layer is None or classifier.layer(layer) == classifier.layers["output"]:
            index = classifier.class_index(text)
            return cls(classifier.logits, index, classifier.class_name(index))
        found = classifier.layer(layer)
        count = found.shape[0]
        if not text.strip().isdigit() or int(text) >= count:
            raise UserError(
                f"unit: {text!r} is no channel of {found.name}; it has 0 to {count - 1}"
            )
        return cls(found, int(text), f"{found.name} {int(text)}")

    def activation(self, classifier: Classifier, x: Tensor) -> Tensor:
        """The unit's value for an image (1, channels, y, x) in [0, 1]."""
        values = classifier.values(self.layer, x)[0]
        if self.layer.has_maps:
            return values[self.index, values.shape[1] // 2, values.shape[2] // 2]
        return values.reshape(len(values), -1)[self.index].mean()


def typical_value(classifier: Classifier, layer: Layer, device: torch.device) -> float:
    """The scale of a layer's values: their root mean square for an image of noise."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(classifier.preprocessing.shape, generator=generator)
    return float(classifier.values(layer, x.to(device)).square().mean().sqrt().clamp(min=1e-12))


def minus_activation(classifier: Classifier, unit: Unit, prediction: Tensor, y: Tensor) -> Tensor:
    """The data term of maximisation, -Phi(x)_m. Source: arXiv 1711.10925, section 3.5."""
    return -unit.activation(classifier, prediction)
