"""Noise impedance: a network denoises because it fits an image sooner than noise.

Source: arXiv 1711.10925, section 2.1 and its figure of learning curves.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_dip.restoration.job import Job
from napari_dip.studies.lab.base import NetworkPreset, Study, StudyInputs, decode_image
from napari_dip.studies.study import PartUpdate, ShouldStop, StudyPart
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.settings import setting

if TYPE_CHECKING:
    from torch import Tensor


_REPORTS = 150
"""Number of points of each curve."""

TARGETS = ("image", "image + noise", "shuffled", "white noise")


@dataclass(frozen=True, kw_only=True)
class Impedance(Study):
    """Fit an image, the image with noise, the image with its pixels shuffled, and white noise.

    All four fits start from the same weights and the same input, and advance by turns. The loss is
    the mean squared error where black is 0 and white is 1. `paper` has the paper's network, `fast`
    a narrower one, which shows the same.

    Examples
    --------
    >>> Impedance(iterations=500, sigma=0.1).iterations
    500
    """

    name = "impedance"
    title = "Noise impedance"
    axis = "target"
    side_by_side = True
    interleaved = True

    preset: NetworkPreset = setting("fast", "fast: a narrow network; paper: the paper's network")
    iterations: int = setting(400, "Iterations of each fit", least=1, most=10**6)
    sigma: float = setting(
        25 / 255,
        "Standard deviation of the added noise, as a fraction of the range from black to white",
        least=0,
        most=1,
    )
    learning_rate: float = setting(0.01, "Adam's learning rate", least=1e-6, most=1, advanced=True)

    def parts(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        narrow: dict[str, Any] = {"filters": (32,) * 5, "layout": "channels-last"}
        # The paper's denoising, where nothing but the network's structure resists noise.
        task = Denoise(
            preset="paper",
            runs=1,
            stop="budget",
            iterations=self.iterations,
            learning_rate=self.learning_rate,
            input_noise=0.0,
            average=0.0,
            **({} if self.preset == "paper" else narrow),
        )
        job = study_inputs.job(task)
        return tuple(
            StudyPart(name, self.iterations, partial(self._fit, job, target))
            for name, target in zip(TARGETS, self._targets(job), strict=True)
        )

    def _targets(self, job: Job) -> tuple[Tensor, ...]:
        """The images to be fitted, in the order of `TARGETS`."""
        import numpy as np
        import torch

        from napari_dip.tasks.measurement import fill_missing

        y = fill_missing(job.measurement.y, job.measurement.observed)
        # NumPy's generator: torch's would, with the fit's seed, draw the network's input again, and
        # the network fits at once a noise that it only has to copy from its input.
        rng = np.random.default_rng(job.seed)
        noise = torch.from_numpy(rng.standard_normal(y.shape, np.float32))
        pixels = y.flatten(2)
        order = torch.from_numpy(rng.permutation(pixels.shape[2]))
        return (
            y,
            # The network ends in a sigmoid, which can't reach values outside of [0, 1].
            (y + self.sigma * noise).clamp(0, 1),
            pixels[:, :, order].reshape(y.shape),
            torch.from_numpy(rng.random(y.shape, np.float32)),
        )

    def _fit(self, job: Job, target: Tensor, should_stop: ShouldStop) -> Generator[PartUpdate]:
        from napari_dip.engine.fit import fit
        from napari_dip.engine.operators import Identity
        from napari_dip.engine.problem import Problem

        for progress in fit(
            Problem(target, Identity()),
            job.task.fit_settings(job.measurement),
            seed=job.seed,
            device=job.device,
            report_every=math.ceil(self.iterations / _REPORTS),
            should_stop=should_stop,
        ):
            image = decode_image(job, progress.image)
            yield PartUpdate(progress.iteration, image, progress.loss)
