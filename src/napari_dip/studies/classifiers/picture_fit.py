"""One picture that is made of a classifier: what it is to be like, and the fit that makes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
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

REPORTS = 100
"""Along a fit; for each the classifier is asked once more."""


@dataclass(frozen=True)
class Objective:
    """What a picture is to be like.

    Attributes
    ----------
    y
        (1, channels, y, x): the image that is inverted, or an empty one of the picture's shape.
    objective
        The data term, made of y once the classifier is at work.
    score
        What else is told of a picture (1, channels, y, x).
    has_optimum
        As in `Problem`.
    scale
        How large the data term typically is.
    """

    y: Tensor
    objective: Callable[[Tensor], Fidelity]
    score: Callable[[Tensor], Mapping[str, float]]
    has_optimum: bool
    scale: float = 1.0


@dataclass(frozen=True)
class PictureFit:
    """One picture that is to be made of a classifier, and how."""

    classifier: Classifier
    aim: Objective
    prior: Prior
    settings: FitSettings
    device: torch.device
    seed: int

    def run(self, should_stop: ShouldStop) -> Iterator[PartUpdate]:
        """Make it, yielding moments; however it ends, the classifier is as it was."""
        classifier, aim = self.classifier, self.aim
        with classifier.evaluating(self.device):
            objective = aim.objective(aim.y.to(self.device))
            for progress in fit(
                self._problem(objective),
                self.settings,
                seed=self.seed,
                device=self.device,
                report_every=math.ceil(self.settings.iterations / REPORTS),
                should_stop=should_stop,
            ):
                x = progress.image[None]
                picture = classifier.preprocessing.picture(x[0])
                yield PartUpdate(progress.iteration, picture, progress.loss, aim.score(x))

    @property
    def memory_needed(self) -> int:
        """Bytes that it takes beside the classifier, to about a third."""
        return memory_needed(self._problem(), self.settings, self.device)

    def _problem(self, fidelity: Fidelity = squared_error) -> Problem:
        is_deep = self.prior == "deep"
        operator = CenterCrop(self.classifier.preprocessing.sides) if is_deep else SigmoidPixels()
        return Problem(self.aim.y, operator, fidelity=fidelity, has_optimum=self.aim.has_optimum)
