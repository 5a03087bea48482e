"""torchvision's classifiers: their names, their weights, and their classes."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_dip.errors import UserError
from napari_dip.studies.classifiers.classifier import Classifier
from napari_dip.studies.classifiers.messages import reason, suggestion
from napari_dip.studies.classifiers.preprocessing import Preprocessing

_PAPER_CLASSIFIERS = ("alexnet", "vgg16", "vgg19")
"""The classifiers of the paper's figures."""

_OPTIONS = {
    name: {"transform_input": True, "init_weights": False} for name in ("googlenet", "inception_v3")
}
"""Constructor options that go with the pretrained weights."""

_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
"""Old names in the weights of DenseNets, whose modules were renamed after the training."""


def names() -> list[str]:
    """Names of torchvision's classifiers, the paper's first; only those without torchvision."""
    try:
        models = _models()
    except UserError:
        return list(_PAPER_CLASSIFIERS)
    return [
        *_PAPER_CLASSIFIERS,
        *(n for n in models.list_models(module=models) if n not in _PAPER_CLASSIFIERS),
    ]


def zoo_classifier(name: str, weights: Path | None = None, *, progress: bool = True) -> Classifier:
    """One of torchvision's classifiers, with its pretrained weights or those of a file.

    Parameters
    ----------
    name
        torchvision's name: alexnet, vgg16, resnet50, ...
    weights
        A state-dict file of this architecture, possibly with another number of classes; downloaded
        on first use if not given.
    progress
        Whether the download draws a progress bar on stderr.

    Raises
    ------
    UserError
        When torchvision is missing, or there is no such classifier, or no such weights.
    """
    models = _models()
    known = names()
    if name not in known:
        raise UserError(
            f"model: {name!r} is no file, no module:function and none of torchvision's "
            f"classifiers; {suggestion(name, known)}"
        )
    pretrained = models.get_model_weights(name).DEFAULT
    categories = tuple(pretrained.meta["categories"])
    state = _download(name, pretrained, progress) if weights is None else read_state(weights)
    options = _OPTIONS.get(name, {})
    module = models.get_model(name, weights=None, **options)
    classes = _classes(module.state_dict(), state)
    if classes is not None:
        module = models.get_model(name, weights=None, num_classes=classes, **options)
        categories = ()
    _fill(module, state, name, weights)
    preprocessing = Preprocessing.of(pretrained.transforms())
    origin = str(pretrained) if weights is None else weights.name
    return Classifier(module, preprocessing, name, categories, origin)


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a state-dict file by name. No code is run.

    The `state_dict` is taken from a training checkpoint, and the "module." that
    `torch.nn.DataParallel` writes is removed from the names.

    Raises
    ------
    UserError
        When the file is missing, damaged or no state dict.
    """
    if not path.is_file():
        raise UserError(f"weights: there is no file {path}; check the name and the folder")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights" in str(error).lower():  # torch's own refusal
            raise UserError(
                f"weights: {path} holds more than tensors, and to load that could run any code; "
                "save module.state_dict() instead"
            ) from error
        raise _unreadable(path, error) from error
    except Exception as error:  # damaged files raise errors of every kind
        raise _unreadable(path, error) from error
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise UserError(f"weights: {path} holds no state dict; save module.state_dict()")
    return _renamed(state)


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(
        f"weights: {path} can't be read ({reason(error)}); is it complete, and a PyTorch file?"
    )


def _download(name: str, pretrained: Any, progress: bool) -> dict[str, Tensor]:
    try:
        state = pretrained.get_state_dict(progress=progress, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:  # no network; cut short
        raise UserError(
            f"weights: {name}'s can't be downloaded from {pretrained.url} ({reason(error)}); "
            "go online once, or name a local file of them"
        ) from error
    return _renamed(state)


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {_OLD_DENSENET.sub(r"\1\2", k.removeprefix("module.")): v for k, v in state.items()}


def _classes(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> int | None:
    """The number of classes, where that alone tells given weights from an architecture's own."""
    head = list(own)[-1].rpartition(".")[0]
    differing = [k for k in own if k in given and own[k].shape != given[k].shape]
    if own.keys() != given.keys() or not differing:
        return None
    if any(k.rpartition(".")[0] != head for k in differing):
        return None
    return len(given[differing[0]])


def _fill(module: nn.Module, state: Mapping[str, Tensor], name: str, weights: Path | None) -> None:
    own = module.state_dict()
    wrong = [k for k in own if k not in state] or [k for k in state if k not in own]
    misshapen = [k for k in own if k in state and own[k].shape != state[k].shape]
    if wrong or misshapen:
        about = f"{misshapen[0]} has another shape" if misshapen else f"{wrong[0]} is one's alone"
        raise UserError(
            f"weights: {weights or 'those downloaded'} are not {name}'s but of another "
            f"architecture ({about}); name the model that they belong to"
        )
    # Assigned, not copied: the weights of a VGG take half a gigabyte.
    module.load_state_dict(
        {k: v.float() if v.is_floating_point() else v for k, v in state.items()}, assign=True
    )


def _models() -> Any:
    """`torchvision.models`."""
    try:
        from torchvision import models
    except ImportError as error:
        raise UserError(
            "model: torchvision is not installed; pip install 'napari-dip[classifiers]'"
        ) from error
    except RuntimeError as error:  # compiled for another torch
        raise UserError(
            f"model: torchvision does not go with this torch ({reason(error)}); install the two "
            "from the same place"
        ) from error
    return models
