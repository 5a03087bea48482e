"""JPEG clean-up: blocks and ringing are noise that the network is slow to learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_dip.tasks.base import Measurement, Task
from napari_dip.tasks.presets import FAST_3D, FINE, PAPER, is_volume


@dataclass(frozen=True, kw_only=True)
class DeJPEG(Task):
    """Remove JPEG artefacts.

        `paper` is section 4's own network for it (narrow fine levels, no skips there, 3 channels of
    noise), 2400 iterations, with the released code's output average of 0.99. `fast` starts from
    the compressed picture itself, perturbed enough to hide its blocks.
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
        return {
            **FINE,
            "iterations": 300,
            "input": "image",
            "input_noise": 0.05,
            **(FAST_3D if is_volume(measurement.space) else {}),
        }
