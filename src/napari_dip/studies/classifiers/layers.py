"""The layers of a classifier: their names, the shapes of their outputs, and their values."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

OUTPUT = "output"
"""Name of the last layer: a value for each class, before a soft-max."""


@dataclass(frozen=True)
class Layer:
    """A place in a classifier where values can be read.

    Attributes
    ----------
    name
        The name that users see: conv1, fc8, or the module's path.
    path
        The path of the module; empty for the whole classifier.
    shape
        The shape of the values for one image: (channels, y, x) after a convolution, (features,)
        later.
    before
        Whether the values are the module's input instead of its output: the logits before a
        soft-max.
    """

    name: str
    path: str
    shape: tuple[int, ...]
    before: bool = False

    @property
    def has_maps(self) -> bool:
        """Whether the values are feature maps, one for each channel."""
        return len(self.shape) == 3


class _Reached(Exception):
    """Ends a forward pass at the wanted layer."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.values = values


def read(module: nn.Module, layer: Layer, x: Tensor) -> Tensor:
    """The values of a layer for an input, with their gradient; later layers are not computed.

    Of a layer that is used several times in one pass, the first values are returned. The hook is
    removed at the end of the call and holds nothing.
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
    """The layers of a classifier by name, in the order of a forward pass.

    Parameters
    ----------
    module
        The classifier's module. Of compiled code (TorchScript) only the output is found.
    x
        An input that the module takes.
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
    """The names used in papers by module path: conv1 ... fc8 (AlexNet), conv1_1 ... fc8 (VGG)."""
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
            # A pooling ends each block of a VGG.
            names[f"features.{path}"] = f"pool{number if kind == 'AlexNet' else block}"
            if kind == "VGG":
                block, number = block + 1, 0
        elif word := _word(part):
            names[f"features.{path}"] = f"{word}{label}"
    number = 5  # five blocks of convolutions come before, in both
    for path, part in module.get_submodule("classifier").named_children():
        number += isinstance(part, nn.Linear)
        if word := _word(part):
            names[f"classifier.{path}"] = f"{word}{number}"
    return names


def _word(part: nn.Module) -> str:
    words = {nn.Conv2d: "conv", nn.ReLU: "relu", nn.BatchNorm2d: "norm", nn.Linear: "fc"}
    return words.get(type(part), "")
