"""JPEG clean-up: the network is slow to learn the compression's blocks and ringing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement
from napari_dip.tasks.presets import FINE, FROM_IMAGE, PAPER, volume_changes

_JPEG_BLOCK = 8
"""Side of JPEG's blocks in pixels."""

_PERTURBATION = 2.5
"""Perturbation in units of the blockiness, which is near the error's rms from quality 5 to 40."""

_HEAVY = 0.12
"""Perturbation from which the fit works at half the resolution, at a quality of about 10. No detail
is left there that this would lose; at a quality of 50 it would cost a decibel."""

_HEAVY_FIT: dict[str, Any] = {
    "filters": (64,) * 4,
    "shuffle": 2,
    "iterations": 200,
    "average": 0.95,
}


@dataclass(frozen=True, kw_only=True)
class DeJPEG(Task):
    """Remove JPEG artefacts.

    `paper` is section 4's network for this task (narrow fine levels without skips, 3 channels of
    noise), 2400 iterations, with the released code's output average of 0.99. `fast` starts from
    the compressed image itself, perturbed enough to hide its blocks; if these are strong, at half
    the resolution.

    Examples
    --------
    >>> DeJPEG(preset="paper", iterations=1200).iterations
    1200
    """

    name = "dejpeg"
    title = "JPEG clean-up"

    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        if self.preset == "paper":
            return {
                **PAPER,
                "filters": (8, 16, 32, 64, 128),
                "skips": (0, 0, 0, 4, 4),
                "iterations": 2400,
                "input_channels": 3,
            }
        perturbation = min(max(_PERTURBATION * blockiness(measurement), 0.02), 0.15)
        return {
            **FINE,
            "iterations": 300,
            **FROM_IMAGE,
            "input_noise": perturbation,
            **(_HEAVY_FIT if perturbation >= _HEAVY else {}),
            **volume_changes(measurement.space),
        }


def blockiness(measurement: Measurement) -> float:
    """By how much steps across the borders of JPEG's blocks exceed the others, in units of y.

    A step is the difference of two neighbours less the mean of the differences on either side. A
    cropped image's blocks may begin anywhere, so the position with the largest steps counts.
    """
    import torch

    found = []
    for axis in (-2, -1):
        slope = torch.diff(measurement.y, dim=axis).movedim(axis, -1)
        step = (slope[..., 1:-1] - (slope[..., :-2] + slope[..., 2:]) / 2).abs()
        means = torch.stack([step[..., start::_JPEG_BLOCK].mean() for start in range(_JPEG_BLOCK)])
        found.append(means.max() - means.median())
    return float(torch.stack(found).mean())
