"""A classifier's layers: their names, their outputs' shapes, and what they give for an image."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

OUTPUT = "output"
"""The name of what a classifier returns: one value for each class, before a soft-max."""


@dataclass(frozen=True)
class Layer:
    """A place in a classifier where values can be read.

    Attributes
    ----------
    name
        As it is offered: conv1, fc8, or the module's path.
    path
        Of the module; empty for the whole classifier.
    shape
        Of its values for one image: (channels, y, x) after a convolution, (features,) later.
    before
        Whether they are the module's input instead: the logits in front of a soft-max.
    """

    name: str
    path: str
    shape: tuple[int, ...]
    before: bool = False

    @property
    def has_maps(self) -> bool:
        """Whether its values are feature maps, one for each channel."""
        return len(self.shape) == 3


class _Reached(Exception):
    """The forward pass has come to the wanted layer; the rest of it need not be computed."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.values = values


def read(module: nn.Module, layer: Layer, x: Tensor) -> Tensor:
    """What a layer gives for an input, with its gradient; layers behind it are not computed.

    A layer that is used several times in one pass counts the first time. The hook is there during
    the call and no longer, and holds nothing.
    """
    if not layer.path:
        values: Tensor = module(x)
        return values

    def before(part: nn.Module, given: tuple[Any, ...]) -> None:
        raise _Reached(given[0])

    def after(part: nn.Module, given: tuple[Any, ...], output: Tensor) -> None:
        raise _Reached(output)

    part = module.get_submodule(layer.path)
    hook = (
        part.register_forward_pre_hook(before)
        if layer.before
        else part.register_forward_hook(after)
    )
    try:
        module(x)
    except _Reached as reached:
        return reached.values
    finally:
        hook.remove()
    raise RuntimeError(f"the classifier did not come to its layer {layer.name}")


def find_layers(module: nn.Module, x: Tensor) -> dict[str, Layer]:
    """The layers of a classifier by their names, in the order in which an input passes them.

    Parameters
    ----------
    module
        Ready to be used. Compiled code (TorchScript) can't be looked into: only its output is
        found.
    x
        An input that it takes.
    """
    names = readable_names(module)
    layers: dict[str, Layer] = {}
    last: tuple[str, nn.Module] = "", module

    def note(path: str) -> Callable[[nn.Module, Any, Any], None]:
        def after(part: nn.Module, given: Any, output: Any) -> None:
            nonlocal last
            if not any(part.children()):
                last = path, part
            name = names.get(path, path)
            if isinstance(output, Tensor) and output.ndim > 1:
                layers.setdefault(name, Layer(name, path, tuple(output.shape[1:])))

        return after

    with ExitStack() as hooks:
        for path, part in module.named_modules():
            if path and not isinstance(part, torch.jit.ScriptModule):
                hooks.callback(part.register_forward_hook(note(path)).remove)
        output = module(x)
    path, part = last
    is_softmax = isinstance(part, (nn.Softmax, nn.LogSoftmax))
    shape = tuple(output.shape[1:]) if isinstance(output, Tensor) else ()
    layers[OUTPUT] = Layer(OUTPUT, path if is_softmax else "", shape, before=is_softmax)
    return layers


def readable_names(module: nn.Module) -> dict[str, str]:
    """The names that papers use, by module path: conv1 ... fc8 (AlexNet), conv1_1 ... fc8 (VGG)."""
    kind = type(module).__name__
    if kind not in ("AlexNet", "VGG"):
        return {}
    names: dict[str, str] = {}
    block, number = 1, 0
    for path, part in module.get_submodule("features").named_children():
        if isinstance(part, nn.Conv2d):
            number += 1
        label = f"{number}" if kind == "AlexNet" else f"{block}_{number}"
        if isinstance(part, nn.MaxPool2d):
            # Blocks of a VGG end with their pooling.
            names[f"features.{path}"] = f"pool{number if kind == 'AlexNet' else block}"
            if kind == "VGG":
                block, number = block + 1, 0
        elif word := _word(part):
            names[f"features.{path}"] = f"{word}{label}"
    number = 5  # both have five blocks of convolutions before
    for path, part in module.get_submodule("classifier").named_children():
        number += isinstance(part, nn.Linear)
        if word := _word(part):
            names[f"classifier.{path}"] = f"{word}{number}"
    return names


def _word(part: nn.Module) -> str:
    words = {nn.Conv2d: "conv", nn.ReLU: "relu", nn.BatchNorm2d: "norm", nn.Linear: "fc"}
    return words.get(type(part), "")
