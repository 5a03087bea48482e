"""`invert` and `maximize`: studies of a classifier, in which each picture is a fit."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_dip.data.metrics import psnr
from napari_dip.engine.device import resolve_device
from napari_dip.engine.fit import never
from napari_dip.engine.memory import check_memory
from napari_dip.errors import UserError
from napari_dip.restoration.restore import check_seed
from napari_dip.studies.classifiers.classifier import Classifier
from napari_dip.studies.classifiers.layers import OUTPUT, Layer
from napari_dip.studies.classifiers.loading import load_classifier
from napari_dip.studies.classifiers.objectives import (
    FeatureDistance,
    Unit,
    minus_activation,
    typical_value,
)
from napari_dip.studies.classifiers.picture_fit import Objective, PictureFit
from napari_dip.studies.classifiers.settings import Invert, Maximize, Visualization
from napari_dip.studies.study import ShouldStop, StudyJob, StudyPart, StudyResult, StudyUpdate


def invert(
    image: NDArray[Any],
    model: Classifier | str | os.PathLike[str],
    settings: Invert,
    *,
    axes: str | None = None,
    device: str = "auto",
    seed: int = 0,
    on_progress: Callable[[StudyUpdate], object] | None = None,
    should_stop: ShouldStop = never,
) -> StudyResult:
    """Find images that a classifier's layers can't tell from a given one (natural pre-images).

    min over theta of ||Phi(f_theta(z)) - Phi(x0)||^2 / ||Phi(x0)||^2 for each layer Phi. Source:
    arXiv 1711.10925, section 3.4.

    Parameters
    ----------
    image
        x0, grey or in colour, of any size and dtype; it is resized and normalised as the classifier
        asks.
    model
        A classifier, or a name or file for `load_classifier`.
    settings
        The layers, the priors and the settings of the fits.
    axes
        Letters of the image's axes: Y, X and C or S; guessed if not given.
    device, seed
        As in `restore`.
    on_progress
        Called with a `StudyUpdate` now and then, and at the end.
    should_stop
        Asked before each iteration; true ends the study with what there is.

    Returns
    -------
    StudyResult
        A picture for each layer and prior, float32 in [0, 1], of the size that the classifier
        takes; its `scores` have the PSNR against the prepared image.

    Raises
    ------
    UserError
        When an argument can't be used; the message says what to do instead.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from napari_dip import Classifier, Preprocessing
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 2))
    >>> classifier = Classifier(net, Preprocessing(16, mean=(0.5,), std=(0.5,)))
    >>> image = np.tile(np.linspace(0, 1, 20), (20, 1))
    >>> settings = Invert(layers=("0",), iterations=2, filters=(4,))
    >>> result = invert(image, classifier, settings, device="cpu")
    >>> result.names, result["0"].image.shape
    (('0',), (16, 16))
    """
    job = prepare_inversion(
        image, _classifier(model), settings, axes=axes, device=device, seed=seed
    )
    return job.result(should_stop, on_progress)


def maximize(
    model: Classifier | str | os.PathLike[str],
    settings: Maximize,
    *,
    device: str = "auto",
    seed: int = 0,
    on_progress: Callable[[StudyUpdate], object] | None = None,
    should_stop: ShouldStop = never,
) -> StudyResult:
    """Make images that excite units of a classifier: classes, or channels of one of its layers.

    max over theta of Phi(f_theta(z))_m, m a class before the soft-max or the middle of a channel's
    feature map. Source: arXiv 1711.10925, section 3.5.

    Parameters
    ----------
    model
        A classifier, or a name or file for `load_classifier`.
    settings
        The units, the priors and the settings of the fits.
    device, seed, on_progress, should_stop
        As in `invert`.

    Returns
    -------
    StudyResult
        A picture for each unit and prior, float32 in [0, 1]; its `scores` have the activation that
        it reaches, and of a class its probability, and the number of the class that it is
        recognised as.

    Raises
    ------
    UserError
        When an argument can't be used; the message says what to do instead.

    Examples
    --------
    >>> from torch import nn
    >>> from napari_dip import Classifier, Preprocessing
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 2))
    >>> classifier = Classifier(net, Preprocessing(16, mean=(0.5,), std=(0.5,)), classes=("a", "b"))
    >>> settings = Maximize(unit=("a",), iterations=2, filters=(4,))
    >>> result = maximize(classifier, settings, device="cpu")
    >>> sorted(result["a"].scores)
    ['activation', 'probability', 'recognised']
    """
    job = prepare_maximization(_classifier(model), settings, device=device, seed=seed)
    return job.result(should_stop, on_progress)


def prepare_inversion(
    image: NDArray[Any],
    classifier: Classifier,
    settings: Invert,
    *,
    axes: str | None = None,
    device: str = "auto",
    seed: int = 0,
) -> StudyJob:
    """Check the arguments of `invert` without starting it; they are the same."""
    if settings.layers is None:
        some = ", ".join(list(classifier.layers)[:8])
        raise UserError(f"layers: name one or several of {classifier.name}'s, such as {some}")
    layers = [_of_setting("layers", classifier, name) for name in settings.layers]
    x0 = classifier.preprocessing.prepare(image, axes)
    prepared = classifier.preprocessing.picture(x0[0])

    def score(x: Tensor) -> Mapping[str, float]:
        return {"psnr": psnr(classifier.preprocessing.picture(x[0]), prepared, 1.0)}

    objectives = {
        layer.name: Objective(
            x0, partial(FeatureDistance, classifier, layer), score, has_optimum=True
        )
        for layer in layers
    }
    return _job("layer", classifier, settings, objectives, resolve_device(device), seed)


def prepare_maximization(
    classifier: Classifier, settings: Maximize, *, device: str = "auto", seed: int = 0
) -> StudyJob:
    """Check the arguments of `maximize` without starting it; they are the same."""
    if settings.unit is None:
        raise UserError("unit: name one or several classes by number or name, such as 3")
    torch_device = resolve_device(device)
    units = [Unit.of(classifier, settings.layer, text) for text in settings.unit]
    empty = torch.zeros(classifier.preprocessing.shape)
    with classifier.evaluating(torch_device), torch.no_grad():
        scale = typical_value(classifier, units[0].layer, torch_device)

    def objective(unit: Unit) -> Objective:
        @torch.no_grad()
        def score(x: Tensor) -> Mapping[str, float]:
            x = x.to(torch_device)
            scores = {"activation": float(unit.activation(classifier, x))}
            if unit.layer.name == OUTPUT:
                logits = classifier.values(unit.layer, x)[0]
                scores["probability"] = float(logits.softmax(0)[unit.index])
                scores["recognised"] = int(logits.argmax())
            return scores

        data_term = partial(minus_activation, classifier, unit)
        return Objective(empty, lambda y: data_term, score, has_optimum=False, scale=scale)

    objectives = {unit.name: objective(unit) for unit in units}
    return _job("unit", classifier, settings, objectives, torch_device, seed)


def _job(
    axis: str,
    classifier: Classifier,
    settings: Visualization,
    objectives: Mapping[str, Objective],
    device: torch.device,
    seed: int,
) -> StudyJob:
    """A study with a picture for each objective and prior."""
    seed = check_seed(seed)
    parts = []
    for name, objective in objectives.items():
        for prior in settings.prior:
            is_vgg = classifier.name.startswith("vgg")
            options = settings.fit_settings(prior, is_vgg=is_vgg, scale=objective.scale)
            picture = PictureFit(classifier, objective, prior, options, device, seed)
            check_memory(picture.memory_needed, device)
            title = name if len(settings.prior) == 1 else f"{name} {prior}"
            parts.append(StudyPart(title, options.iterations, picture.run))
    about = {
        "model": classifier.name,
        "weights": classifier.weights,
        "preprocessing": asdict(classifier.preprocessing),
        "seed": seed,
        "device": str(device),
    }
    return StudyJob(settings.name, axis, tuple(parts), {**about, **settings.to_dict()})


def _of_setting(setting: str, classifier: Classifier, name: str) -> Layer:
    """A layer by name; errors name the setting that has the name."""
    try:
        return classifier.layer(name)
    except UserError as error:
        raise UserError(f"{setting}: {str(error).partition(': ')[2]}") from error


def _classifier(model: Classifier | str | os.PathLike[str]) -> Classifier:
    return model if isinstance(model, Classifier) else load_classifier(model)
