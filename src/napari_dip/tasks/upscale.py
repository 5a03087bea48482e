"""Super-resolution: a fit whose downsampled image is the given one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from napari_dip.errors import UserError
from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement, fill_missing
from napari_dip.tasks.presets import FAST, PAPER, is_volume, volume_changes
from napari_dip.tasks.settings import setting

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.engine.operators import Downsample

_SHARE_OF_FIT = {2: 0.5, 3: 0.5, 4: 1.0}
"""Share of the fit in its blend with the plug-and-play estimate, by factor. Where much is left of
an image, this estimate is as good as a fit; where little is left, a fit finds edges and lines that
it does not."""

_SHARE_OF_LARGE_FIT = 0.7
"""The same for larger factors: a small image may tell a fit too little."""

_EARLY = 0.3
"""Part of the budget in which the share of the fit grows."""


@dataclass(frozen=True, kw_only=True)
class Upscale(Task):
    """Enlarge by a whole factor.

    `paper` is section 3.2 with section 4's settings: 2000 iterations and sigma_p 1/30 up to a
    factor of 4 (the released code: 0.03), 4000 and 1/20 above. `instant` is a plug-and-play
    estimate, which alternates between non-local denoising and the image that explains the given
    one. `fast` perturbs the input less than the paper: in so few iterations a stronger perturbation
    costs detail, and none leaves blotches. Its result is a blend of the fit and the instant
    estimate, for a factor of 4 the fit alone, improved by one more pair of steps. A volume has the
    fit alone, except with `instant`.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import restore
    >>> image = np.random.default_rng(0).random((16, 20))
    >>> restore(image, Upscale(factor=2, iterations=2, filters=(4,))).image.shape
    (32, 40)
    """

    name = "upscale"
    title = "Super-resolve"
    fit_alone: ClassVar = {"blend_share": 1.0, "last_pass": False}

    factor: int = setting(
        4, "Factor by which the result is larger along each axis", least=2, most=32
    )

    along: Literal["all", "z"] = setting(
        "all", "Axes that become finer: all of them, or z alone if slices lie far apart"
    )

    blend_share: float | None = setting(
        None,
        "Share of the fit in its blend with a plug-and-play estimate: 1 for the fit alone",
        least=0,
        most=1,
        advanced=True,
    )
    last_pass: bool | None = setting(
        None, "Let the blend guide a last pass over similar patches", advanced=True
    )

    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        large = self.factor > 4
        if self.preset == "paper":
            return {
                **PAPER,
                **self.fit_alone,
                "average": 0.0,
                "iterations": 4000 if large else 2000,
                "input_noise": 1 / 20 if large else 1 / 30,
            }
        shared = {**FAST, "stop": "converged"}
        if is_volume(measurement.space):
            changes = volume_changes(measurement.space)
            return {**shared, **changes, **self.fit_alone, "input_noise": 0.0}
        return {
            **shared,
            "iterations": 330 if large else 250,
            "input_noise": 1 / 80,
            "blend_share": _SHARE_OF_FIT.get(self.factor, _SHARE_OF_LARGE_FIT),
            "last_pass": True,
        }

    def instant(self, measurement: Measurement) -> Tensor | None:
        if self.blend_share == 1 and not self.last_pass and not self.is_instant:
            return None
        from napari_dip.engine.plug_and_play_upscaling import upscale_plug_and_play

        y = fill_missing(measurement.y, measurement.observed)[0]
        upscale = partial(upscale_plug_and_play, sigma=self._level(measurement))
        return measurement.estimate(upscale, y, measurement.observed[0], self.operator(measurement))

    def share_of_fit(self, channels: int, progress: float) -> float:
        return (self.blend_share or 0.0) * min(1.0, progress / _EARLY)

    def refine(self, x: Tensor, measurement: Measurement) -> Tensor:
        if not self.last_pass:
            return x
        from napari_dip.engine.plug_and_play_upscaling import refine_upscaled

        y = fill_missing(measurement.y, measurement.observed)[0]
        known = y, measurement.observed[0]
        return measurement.estimate(refine_upscaled, x, *known, self.operator(measurement))

    def operator(self, measurement: Measurement) -> Downsample:
        from napari_dip.engine.operators import Downsample

        return Downsample(*self.factors(len(measurement.space)))

    def factors(self, ndim: int) -> tuple[int, ...]:
        if self.along == "all":
            return (self.factor,) * ndim
        if ndim < 3:
            raise UserError("along: z needs a stack that is fitted in 3-D; use all")
        return (self.factor, 1, 1)
