"""JPEG clean-up: blocks and ringing are noise that the network is slow to learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement
from napari_dip.tasks.presets import FINE, FROM_IMAGE, PAPER, volume_changes

BLOCK = 8
"""Pixels on each side of JPEG's blocks."""


BLOCKS_HIDDEN = 2.5
"""The perturbation in units of the blockiness, which is near the error's rms from quality 5 to 40:
as for noise, about twice the error hides it."""


HEAVY = 0.12
"""The perturbation, at a quality of about 10, from which there is no detail left that half the
resolution would lose; at a quality of 50 it would cost a decibel."""


COARSE: dict[str, Any] = {"filters": (64,) * 4, "shuffle": 2, "iterations": 200, "average": 0.95}


@dataclass(frozen=True, kw_only=True)
class DeJPEG(Task):
    """Remove JPEG artefacts.

        `paper` is section 4's own network for it (narrow fine levels, no skips there, 3 channels of
    noise), 2400 iterations, with the released code's output average of 0.99. `fast` starts from
    the compressed picture itself, perturbed enough to hide its blocks; where these are heavy, at
    half the resolution.
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
        hiding = min(max(BLOCKS_HIDDEN * blockiness(measurement), 0.02), 0.15)
        return {
            **FINE,
            "iterations": 300,
            **FROM_IMAGE,
            "input_noise": hiding,
            **(COARSE if hiding >= HEAVY else {}),
            **volume_changes(measurement.space),
        }


def blockiness(measurement: Measurement) -> float:
    """How much larger steps are across the borders of JPEG's blocks than elsewhere, in y's units.

    A step is a difference of neighbours less the mean of those beside it. The blocks may begin
    anywhere, since pictures are cropped, so the position with the largest steps counts.
    """
    import torch

    found = []
    for axis in (-2, -1):
        slope = torch.diff(measurement.y, dim=axis).movedim(axis, -1)
        step = (slope[..., 1:-1] - (slope[..., :-2] + slope[..., 2:]) / 2).abs()
        means = torch.stack([step[..., start::BLOCK].mean() for start in range(BLOCK)])
        found.append(means.max() - means.median())
    return float(torch.stack(found).mean())
