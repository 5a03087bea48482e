"""JPEG clean-up: similar patches and a fit fill in what the quantisation leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement, fill_missing
from napari_dip.tasks.nonlocal_estimate import NoiseScale, nonlocal_estimate
from napari_dip.tasks.presets import FINE, FROM_IMAGE, PAPER, is_volume, volume_changes

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from napari_dip.engine.jpeg_quantization import JpegQuantization

_JPEG_BLOCK = 8
"""Side of JPEG's blocks in pixels."""

_PERTURBATION = 2.5
"""Perturbation in units of the blockiness, which is near the error's rms from quality 5 to 40."""

_HEAVY = 0.12
"""Perturbation from which the fit works at half the resolution, at a quality of about 10. No detail
is left there that this would lose; in colour, at a quality of 50, it would cost a decibel."""

_HEAVY_FIT: dict[str, Any] = {
    "filters": (64,) * 4,
    "shuffle": 2,
    "iterations": 120,
    "average": 0.95,
}

_NOISE = 1.7
"""Noise level that the non-local estimate is told where no quantisation is found, in units of the
blockiness. It exceeds the error's rms, because the error is correlated within a block; more would
cost fine lines."""

_SHARE_OF_FIT, _SHARE_OF_GREY_FIT = 0.5, 0.1
"""Share of the fit in its blend with the instant estimate. A fit helps in colour, which JPEG keeps
at half the resolution; in grey it hardly does."""


@dataclass(frozen=True, kw_only=True)
class DeJPEG(Task):
    """Remove JPEG artefacts.

    `paper` is section 4's network for this task (narrow fine levels without skips, 3 channels of
    noise), 2400 iterations, with the released code's output average of 0.99. `instant` finds the
    compression's grid and steps in the pixels, and alternates between non-local denoising and what
    the steps allow. If it finds none, because the image was resized or is no JPEG of one or three
    channels, it denoises similar patches together, and the report says so. `fast` starts from the
    compressed image itself, perturbed enough to hide its blocks; if these are strong, at half the
    resolution. The blend of this fit and the instant estimate guides a last step within the
    limits of the quantisation. A volume has the fit alone, except with `instant`.

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
        is_grey = measurement.y.shape[1] == 1
        return {
            **FINE,
            "iterations": 220,
            **FROM_IMAGE,
            "input_noise": perturbation,
            **(_HEAVY_FIT if is_grey or perturbation >= _HEAVY else {}),
            **volume_changes(measurement.space),
        }

    def instant(self, measurement: Measurement) -> Tensor | None:
        if self.preset == "paper" or (is_volume(measurement.space) and not self.is_instant):
            return None
        quantization = find_jpeg(measurement)
        if quantization is None:
            noise = NoiseScale(_NOISE * blockiness(measurement))
            return nonlocal_estimate(measurement, noise, 0.0)
        from napari_dip.engine.jpeg_restoration import restore_jpeg

        levels = _Levels(measurement)
        return levels.back(measurement.estimate(restore_jpeg, levels.measured, quantization))

    def refine(self, x: Tensor, measurement: Measurement) -> Tensor:
        quantization = None if self.preset == "paper" else find_jpeg(measurement)
        if quantization is None:
            return x
        from napari_dip.engine.jpeg_restoration import refine_jpeg

        levels = _Levels(measurement)
        given = levels.measured, levels.of(x), quantization
        return levels.back(measurement.estimate(refine_jpeg, *given))

    def warnings(
        self, given: Self, measurement: Measurement, dtype: np.dtype[Any]
    ) -> tuple[str, ...]:
        if self.preset == "paper" or is_volume(measurement.space) or find_jpeg(measurement):
            return ()
        found = (
            "image: no JPEG compression is found in its pixels, as after resizing, or in another "
            "format; it is denoised without the limits that the compression would set"
        )
        return (found,)

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


def find_jpeg(measurement: Measurement) -> JpegQuantization | None:
    """How the image was quantised; None if that is not found, or if it is no grey or RGB plane."""
    from napari_dip.engine.jpeg_quantization import find_quantization

    if is_volume(measurement.space) or measurement.y.shape[1] not in (1, 3):
        return None
    return measurement.once(
        "jpeg",
        lambda: find_quantization(_Levels(measurement).measured, measurement.observed[0].all(0)),
    )


class _Levels:
    """The values of a plane as a JPEG's levels, from 0 to 255.

    Whole numbers up to 255 are levels; other values are scaled by the data range.
    """

    def __init__(self, measurement: Measurement) -> None:
        import torch

        y = fill_missing(measurement.y, measurement.observed)[0]
        channels = len(y)
        black, span = (
            torch.tensor((list(values) * channels)[:channels])[:, None, None]
            for values in (measurement.black, measurement.spans)
        )
        values = black + span * y
        is_whole = bool(((values - values.round()).abs() < 0.01).all())
        if not (is_whole and 1 < values.max() < 255.5 and values.min() > -0.5):
            scale = 255 * measurement.data_range_per_unit / span
            black, span = black * scale, span * scale
        self._black, self._span = black, span
        self.measured = self.of(y)

    def of(self, y: Tensor) -> Tensor:
        """Levels of values (channels, y, x) in units of y."""
        return self._black + self._span * y

    def back(self, levels: Tensor) -> Tensor:
        """Values in units of y, of levels (channels, y, x)."""
        return (levels - self._black) / self._span
