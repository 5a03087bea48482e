"""Denoising: fit the noisy image, and keep what comes before the noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_dip.tasks.base import Measurement, Task
from napari_dip.tasks.presets import FAST, FAST_3D, PAPER, is_volume

STRONG_NOISE = 40 / 255
"""From this sigma on the paper perturbs the input more (it does at 50, and not at 25)."""

SHARE = 0.7
"""The perturbation in units of the noise: less leaves a noisier target, more a noisier input."""


@dataclass(frozen=True, kw_only=True)
class Denoise(Task):
    """Remove noise.

    `paper` is section 3.1 with section 4's settings: 1800 iterations, output average 0.99, mean of
    2 runs (the released code runs 3000 iterations). `fast` starts from the noisy image itself, at
    half the resolution, with recorrupted pairs: a perturbation of the input whose share is taken
    off the target, so that neither holds the other's noise (Pang et al., CVPR 2021).
    """

    name = "denoise"
    title = "Denoise"

    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        if self.preset == "paper":
            strong = self.sigma is not None and self.sigma > STRONG_NOISE
            return {
                **PAPER,
                "iterations": 1800,
                "runs": 2,
                "input_noise": 1 / 20 if strong else 1 / 30,
            }
        known = None if self.sigma is None else self.sigma / measurement.unit
        sigma = measurement.estimated_sigma() if known is None else known
        return {
            **FAST,
            "iterations": 400,
            "input": "image",
            "input_noise": min(max(SHARE * sigma, 1e-3), 1.0),
            "recorrupt": True,
            "shuffle": 2,
            **(FAST_3D if is_volume(measurement.space) else {}),
        }
