"""Load a classifier: one of torchvision's, a file, or the result of a Python function."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from napari_dip.errors import UserError
from napari_dip.studies.classifiers.classifier import Classifier
from napari_dip.studies.classifiers.messages import reason
from napari_dip.studies.classifiers.preprocessing import Preprocessing
from napari_dip.studies.classifiers.zoo import zoo_classifier

_SUFFIXES = (".pt", ".pth", ".pt2", ".ts")
"""Suffixes of model files."""


def load_classifier(
    model: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = None,
    size: int | tuple[int, int] | None = None,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    progress: bool = True,
) -> Classifier:
    """Load a classifier.

    Parameters
    ----------
    model
        One of torchvision's by its name (alexnet, vgg16, vgg19, resnet50, ...); a TorchScript or
        torch.export file; or `module:function`, which is called without arguments and returns a
        module, a module and its preprocessing, or a `Classifier`. TorchScript files and functions
        are code, which runs: load those that you trust.
    weights
        For one of torchvision's: a state-dict file of that architecture. Without it torchvision
        downloads its pretrained weights on first use.
    size, mean, std
        The preprocessing, where it differs from that of `model`: sides in pixels, and the mean and
        standard deviation of each channel. Files have none; 224 pixels (or the exported size) and
        ImageNet's mean and standard deviation are assumed.
    progress
        Whether a download draws a progress bar on stderr.

    Raises
    ------
    UserError
        When the model or the weights can't be used; the message says what to do instead.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3)).eval()
    >>> torch.export.save(torch.export.export(net, (torch.zeros(1, 1, 8, 8),)), "net.pt2")
    >>> classifier = load_classifier("net.pt2", mean=(0.5,), std=(0.5,))
    >>> classifier.name, classifier.preprocessing.shape
    ('net', (1, 1, 8, 8))
    """
    text = os.fspath(model)
    path = Path(text)
    given = {
        name: value
        for name, value in (("size", size), ("mean", mean), ("std", std))
        if value is not None
    }
    if path.suffix.lower() in _SUFFIXES or path.is_file():
        classifier = _from_file(path)
    elif ":" in text:
        classifier = _from_function(text)
    else:
        local = None if weights is None else Path(weights)
        classifier = zoo_classifier(text, local, progress=progress)
        weights = None
    if weights is not None:
        raise UserError("weights: a model of your own has its own; leave them out")
    changed: Any = {**_same_length(given), **given}
    return replace(classifier, preprocessing=replace(classifier.preprocessing, **changed))


def _same_length(given: dict[str, Any]) -> dict[str, Any]:
    """A standard deviation of 1 for a mean given alone, and a mean of 0 the other way round."""
    if "mean" in given and "std" not in given:
        return {"std": (1.0,) * len(given["mean"])}
    if "std" in given and "mean" not in given:
        return {"mean": (0.0,) * len(given["std"])}
    return {}


def _from_file(path: Path) -> Classifier:
    if not path.is_file():
        raise UserError(f"model: there is no file {path}; check the name and the folder")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(
            f"model: {path} is no TorchScript and no torch.export file, or not a whole one; save "
            "it with torch.export.save"
        ) from error
    inside = {entry.partition("/")[2] for entry in entries}
    if "constants.pkl" in inside:
        return _loaded(path, _torchscript)
    if "models/model.json" in inside or "serialized_exported_program.json" in entries:
        if any(
            name.startswith(("data/constants/custom", "data/constants/opaque")) for name in inside
        ):
            raise UserError(
                f"model: {path} holds Python objects, and to load them could run any code; give "
                "module:function if you trust it"
            )
        return _loaded(path, _exported)
    if "data.pkl" in inside:
        raise UserError(
            f"model: {path} was written by torch.save: weights alone, or a pickle that could run "
            "any code; name the architecture and give its state dict as weights, or save the "
            "model with torch.export.save"
        )
    raise UserError(
        f"model: {path} is no TorchScript and no torch.export file; save it with torch.export.save"
    )


def _loaded(path: Path, load: Any) -> Classifier:
    try:
        with warnings.catch_warnings(), _no_pickles():
            # TorchScript is deprecated, but many models are still shared in it.
            warnings.simplefilter("ignore")
            module, size = load(path)
    except Exception as error:  # damaged files raise errors of every kind
        raise UserError(
            f"model: {path} can't be loaded ({reason(error)}); is it complete, and of a torch that "
            f"is no newer than {torch.__version__}?"
        ) from error
    return Classifier(module, _default_preprocessing(module, size), path.stem)


def _torchscript(path: Path) -> tuple[nn.Module, int | tuple[int, int]]:
    module: nn.Module = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    return module, 224


def _exported(path: Path) -> tuple[nn.Module, int | tuple[int, int]]:
    program = torch.export.load(path)
    inputs = program.graph_signature.user_inputs
    shape = next(n.meta["val"].shape for n in program.graph.nodes if n.name == inputs[0])
    sides = [side for side in shape[2:] if isinstance(side, int)]
    size = (sides[0], sides[1]) if len(sides) == 2 else 224
    # Unflattened, it has modules whose values can be read.
    return torch.export.unflatten(program), size


@contextmanager
def _no_pickles() -> Iterator[None]:
    """Prevent torch from falling back to pickles, which can run any code."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _default_preprocessing(module: nn.Module, size: int | tuple[int, int] = 224) -> Preprocessing:
    """ImageNet's preprocessing; no normalisation for other channel counts than three."""
    channels = next((int(p.shape[1]) for p in module.parameters() if p.ndim == 4), 3)
    if channels == 3:
        return Preprocessing(size)
    return Preprocessing(size, (0.0,) * channels, (1.0,) * channels)


def _from_function(text: str) -> Classifier:
    where, _, name = text.rpartition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)  # as `python -m` does
    try:
        made = getattr(importlib.import_module(where), name)()
    except UserError:
        raise
    except Exception as error:  # the function is any code
        raise UserError(
            f"model: {text} failed ({type(error).__name__}: {reason(error)}); it has to be "
            "module:function, callable without arguments"
        ) from error
    finally:
        sys.path.remove(here)
    if isinstance(made, Classifier):
        return made
    module, *rest = made if isinstance(made, tuple) else (made,)
    if not isinstance(module, nn.Module) or len(rest) > 1:
        raise UserError(
            f"model: {text} returned {type(made).__name__}; it has to return a torch module, or "
            "a module and its preprocessing"
        )
    preprocessing = Preprocessing.of(rest[0]) if rest else _default_preprocessing(module)
    return Classifier(module, preprocessing, text)
