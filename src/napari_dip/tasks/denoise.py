"""Denoising: fit the noisy image, and keep what comes before the noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from napari_dip.errors import UserError
from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement, fill_missing
from napari_dip.tasks.presets import FAST, FAST_3D, FROM_PICTURE, PAPER, is_volume
from napari_dip.tasks.settings import setting

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.engine.problem import Problem


FILLED = 0.15
"""The least perturbation where pixels are missing: with less, the network ends by copying its
input, and there that is only a guess."""


STRONG_NOISE = 40 / 255
"""From this sigma on the paper perturbs the input more (it does at 50, and not at 25)."""


SHARE = 0.7
"""The perturbation in units of the noise: less leaves a noisier target, more a noisier input."""


DROWNED = 0.6
"""The signal's standard deviation in units of the noise's, below which a picture is drowned: there
even recorrupted pairs learn noise in the end, and it shows, so the fit is short."""


SHARE_DROWNED = 1.0


SHORT: dict[str, Any] = {"iterations": 150, "average": 0.93}
"""The fit of what is drowned."""


GRAINY: dict[str, Any] = {"iterations": 200, "average": 0.95}
"""The fit of grain: it looks more like detail than white noise does, and is learned sooner."""


NEIGHBOURHOOD = 9
"""Pixels on each side of the window in which a residual is held against the noise."""


FAINT = 0.03
"""Noise, of y's range, up to which leftover detail is given back: with more, the noise that comes
back with it would show, above all before the fit has got far."""


CLEARLY = 1.5
"""How many times the noise's variance a residual has to have to count as detail: both are
estimates, and noise that is given back by mistake costs more than detail that is not."""


@dataclass(frozen=True, kw_only=True)
class Denoise(Task):
    """Remove noise: even, or a camera's, which grows with the light.

    `paper` is section 3.1 with section 4's settings: 1800 iterations, output average 0.99, mean of
    2 runs (the released code runs 3000 iterations). `fast` starts from the noisy image itself, at
    half the resolution, with recorrupted pairs: a perturbation of the input whose share is taken
    off the target, so that neither holds the other's noise (Pang et al., CVPR 2021). It is as
    strong at each pixel as the noise is, and neighbours share it as far. Impulses ("salt and
    pepper") are taken as missing. Where there is little noise, detail that the fit leaves over is
    given back.
    """

    name = "denoise"
    title = "Denoise"

    gain: float | None = setting(
        None,
        "Camera: data values for each photon (electron); estimated if neither this nor sigma is "
        "given",
        least=1e-9,
    )
    offset: float | None = setting(None, "Camera: the data value without light", advanced=True)
    read_noise: float | None = setting(
        None, "Camera: noise without light, in data values", least=0, advanced=True
    )

    grain: float | None = setting(
        None,
        "Noise that neighbouring pixels share: its blur, as a standard deviation in pixels, 0 for "
        "none; estimated if not given",
        least=0,
        most=5,
        advanced=True,
    )
    impulses: bool | None = setting(
        None,
        "Look for impulses (salt and pepper, dead or saturated pixels) and take them as missing; "
        "fast does",
        advanced=True,
    )

    def prepare_measurement(self, measurement: Measurement) -> Measurement:
        from napari_dip.noise.impulse import find_impulses

        if not (self.preset != "paper" if self.impulses is None else self.impulses):
            return measurement
        hit = find_impulses(measurement.y, measurement.observed)
        return replace(measurement, observed=measurement.observed & ~hit)

    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        if self.preset == "paper":
            strong = self.sigma is not None and self.sigma > STRONG_NOISE
            return {
                **PAPER,
                "grain": 0.0,
                "impulses": False,
                "iterations": 1800,
                "runs": 2,
                "input_noise": 1 / 20 if strong else 1 / 30,
            }
        sigma = self._level(measurement)
        drowned = is_drowned(measurement, sigma)
        least = 1e-3 if bool(measurement.observed.all()) else FILLED
        share = SHARE_DROWNED if drowned else SHARE
        return {
            **FAST,
            "iterations": 300,
            "average": 0.965,
            **FROM_PICTURE,
            "input_noise": min(max(share * sigma, least), 1.0),
            "recorrupt": True,
            "grain": 0.0,
            "impulses": True,
            "shuffle": 2,
            **(FAST_3D if is_volume(measurement.space) else {}),
            **(GRAINY if self.grain else {}),
            **(SHORT if drowned else {}),
        }

    def best_values(self, measurement: Measurement) -> dict[str, Any]:
        wide = {"filters": (64 if is_volume(measurement.space) else 128,) * 4}
        is_short = self.grain or is_drowned(measurement, self._level(measurement))
        more = {} if is_short else {"iterations": 400, "average": 0.98}
        return {**super().best_values(measurement), **more, **wide}

    def resolve(self, measurement: Measurement) -> Self:
        from napari_dip.noise.camera import estimate_camera_noise

        task = self
        if self.gain is None:
            for name in ("offset", "read_noise"):
                if getattr(self, name) is not None:
                    raise UserError(f"{name}: it belongs to a camera; give its gain too")
            task = self._with_grain(measurement)
            if task.sigma is None and self.preset != "paper":
                camera = estimate_camera_noise(measurement.values())
                if camera is not None:
                    task = task.replace(**vars(camera))
        if task.gain is not None:
            task = task.replace(offset=task.offset or 0.0, read_noise=task.read_noise or 0.0)
            if not task.sigma:  # the mean level, as a fraction of the data range
                level = rms(task._noise(measurement)) * measurement.data_range_per_unit
                task = task.replace(sigma=min(1.0, level))
        return super(Denoise, task).resolve(measurement)

    def _with_grain(self, measurement: Measurement) -> Self:
        """With what was found of grain, unless something is given."""
        from napari_dip.noise.correlated import estimate_grain

        if self.grain is not None or self.preset == "paper":
            return self
        filled = fill_missing(measurement.y, measurement.observed)[0]
        if is_volume(measurement.space):
            filled = filled[:, len(filled[0]) // 2]
        found = estimate_grain(filled.numpy())
        if found is None:
            return self
        blur, sigma = found
        known = (
            min(1.0, sigma * measurement.data_range_per_unit) if self.sigma is None else self.sigma
        )
        return self.replace(grain=blur, sigma=known)

    def problem(self, measurement: Measurement) -> Problem:
        problem = super().problem(measurement)
        if not (self.recorrupt and self.gain is not None):
            return problem
        # In units of the settings' level, which may be that of the whole that this is a part of:
        # each pixel's perturbation is the same share of its noise, in all blocks and frames.
        return replace(problem, noise_shape=self._noise(measurement) / self._level(measurement))

    def postprocess(self, x: Tensor, measurement: Measurement) -> dict[str, Tensor]:
        if self.recorrupt and (self.sigma or 0.0) <= FAINT * measurement.data_range_per_unit:
            x = with_remaining_detail(x, measurement, self._noise(measurement)[0])
        return {"image": x}

    def _level(self, measurement: Measurement) -> float:
        """The noise's standard deviation in y's units, as given or estimated."""
        if self.sigma is None:
            return measurement.estimated_sigma
        return self.sigma / measurement.data_range_per_unit

    def _noise(self, measurement: Measurement) -> Tensor:
        """The noise's standard deviation in y's units: (1, channels, *space), or of ones."""
        import numpy as np
        import torch

        from napari_dip.noise.camera import CameraNoise

        if self.gain is None:
            return torch.full((1,) * measurement.y.ndim, self._level(measurement))
        camera = CameraNoise(self.gain, self.offset or 0.0, self.read_noise or 0.0)
        channels = measurement.values()
        spans = measurement.spans * len(channels)
        maps = [camera.std(v) / span for v, span in zip(channels, spans, strict=False)]
        return torch.from_numpy(np.stack(maps)).float()[None]


def is_drowned(measurement: Measurement, sigma: float) -> bool:
    """Whether there is more noise than picture, by the variance that the noise leaves over."""
    y, observed = measurement.y, measurement.observed
    left = float(y[observed].var(correction=0)) - sigma**2
    return left < (DROWNED * sigma) ** 2


def rms(x: Tensor) -> float:
    """Root of the mean square."""
    return math.sqrt(float(x.square().mean()))


def with_remaining_detail(x: Tensor, measurement: Measurement, noise: Tensor) -> Tensor:
    """Give back what the fit has left over where that is more than noise (a local Wiener filter).

    A residual whose variance is the noise's holds nothing but noise; of a clearly larger one, the
    part above it is detail that the network has not come to.

    Parameters
    ----------
    x
        The fitted image, (channels, *space).
    measurement
        What was fitted.
    noise
        Its noise's standard deviation, (1 or channels, 1 or *space).
    """
    import torch
    from scipy.ndimage import uniform_filter

    residual = ((measurement.y - x) * measurement.observed)[0]
    energy = residual.square().mean(dim=0).numpy()
    local = torch.from_numpy(uniform_filter(energy, NEIGHBOURHOOD, mode="mirror"))
    expected = noise.square().mean(dim=0)
    share = torch.where(local > CLEARLY * expected, 1 - expected / local.clamp(min=1e-12), 0)
    return x + share * residual
