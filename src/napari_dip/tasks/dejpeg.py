"""JPEG clean-up: the network is slow to learn the compression's blocks and ringing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement
from napari_dip.tasks.nonlocal_estimate import NoiseScale, nonlocal_estimate
from napari_dip.tasks.presets import FINE, FROM_IMAGE, PAPER, is_volume, volume_changes

if TYPE_CHECKING:
    from torch import Tensor

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
    "iterations": 160,
    "average": 0.95,
}

_NOISE = 1.7
"""Noise level that the non-local estimate is told, in units of the blockiness. It exceeds the
error's rms, because the error is correlated within a block; more would cost fine lines."""

_SHARE_OF_FIT, _SHARE_OF_GREY_FIT = 0.5, 0.2
"""Share of the fit in its blend with the non-local estimate. A fit helps most in colour, which JPEG
keeps at half the resolution."""


@dataclass(frozen=True, kw_only=True)
class DeJPEG(Task):
    """Remove JPEG artefacts.

    `paper` is section 4's network for this task (narrow fine levels without skips, 3 channels of
    noise), 2400 iterations, with the released code's output average of 0.99. `fast` starts from
    the compressed image itself, perturbed enough to hide its blocks; if these are strong, at half
    the resolution. Its result is a blend of the fit and a non-local estimate, which denoises
    similar patches together. `instant` is that estimate alone. A volume has the fit alone, except
    with `instant`.

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
            "iterations": 260,
            **FROM_IMAGE,
            "input_noise": perturbation,
            **(_HEAVY_FIT if perturbation >= _HEAVY else {}),
            **volume_changes(measurement.space),
        }

    def instant(self, measurement: Measurement) -> Tensor | None:
        if self.preset == "paper" or (is_volume(measurement.space) and not self.is_instant):
            return None
        noise = NoiseScale(_NOISE * blockiness(measurement))
        return nonlocal_estimate(measurement, noise, 0.0)

    def share_of_fit(self, channels: int, progress: float) -> float:
        return progress * (_SHARE_OF_FIT if channels > 1 else _SHARE_OF_GREY_FIT)


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
