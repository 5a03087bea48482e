"""The fit that makes one picture of a classifier, and its objective."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_dip.engine.fit import fit
from napari_dip.engine.losses import Fidelity, squared_error
from napari_dip.engine.memory import memory_needed
from napari_dip.engine.problem import FitSettings, Problem
from napari_dip.studies.classifiers.classifier import Classifier
from napari_dip.studies.classifiers.objectives import CenterCrop, SigmoidPixels
from napari_dip.studies.classifiers.settings import Prior
from napari_dip.studies.study import PartUpdate, ShouldStop

_REPORTS = 100
"""Number of reports of a fit; each costs one more pass through the classifier."""


@dataclass(frozen=True)
class Objective:
    """The objective of a picture: what its fit minimises.

    Attributes
    ----------
    y
        (1, channels, y, x): the image to be inverted, or an empty one of the picture's shape.
    data_term
        Makes the data term from y, once the classifier is on its device.
    score
        Computes the scores of a picture (1, channels, y, x) by name.
    has_optimum
        As in `Problem`.
    scale
        The typical size of the data term.
    """

    y: Tensor
    data_term: Callable[[Tensor], Fidelity]
    score: Callable[[Tensor], Mapping[str, float]]
    has_optimum: bool
    scale: float = 1.0


@dataclass(frozen=True)
class PictureFit:
    """The fit of one picture."""

    classifier: Classifier
    objective: Objective
    prior: Prior
    settings: FitSettings
    device: torch.device
    seed: int

    def run(self, should_stop: ShouldStop) -> Generator[PartUpdate]:
        """Make the picture, yielding updates; in the end the classifier is as it was."""
        classifier, objective = self.classifier, self.objective
        with classifier.evaluating(self.device):
            data_term = objective.data_term(objective.y.to(self.device))
            for progress in fit(
                self._problem(data_term),
                self.settings,
                seed=self.seed,
                device=self.device,
                report_every=math.ceil(self.settings.iterations / _REPORTS),
                should_stop=should_stop,
            ):
                x = progress.image[None]
                picture = classifier.preprocessing.picture(x[0])
                yield PartUpdate(progress.iteration, picture, progress.loss, objective.score(x))

    @property
    def memory_needed(self) -> int:
        """Bytes that the fit needs besides the classifier, accurate to about a third."""
        return memory_needed(self._problem(), self.settings, self.device)

    def _problem(self, fidelity: Fidelity = squared_error) -> Problem:
        is_deep = self.prior == "deep"
        operator = CenterCrop(self.classifier.preprocessing.sides) if is_deep else SigmoidPixels()
        objective = self.objective
        return Problem(objective.y, operator, fidelity=fidelity, has_optimum=objective.has_optimum)
