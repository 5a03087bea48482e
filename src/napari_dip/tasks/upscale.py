"""Super-resolution: a fit whose downsampled image is the given one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from napari_dip.errors import UserError
from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement
from napari_dip.tasks.presets import FAST, PAPER, is_volume, volume_changes
from napari_dip.tasks.settings import setting

if TYPE_CHECKING:
    from napari_dip.engine.operators import Operator


@dataclass(frozen=True, kw_only=True)
class Upscale(Task):
    """Enlarge by a whole factor.

    `paper` is section 3.2 with section 4's settings: 2000 iterations and sigma_p 1/30 up to a
    factor of 4 (the released code: 0.03), 4000 and 1/20 above. `fast` perturbs the input less: in
    so few iterations a stronger perturbation costs detail, and none leaves blotches.

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

    factor: int = setting(
        4, "Factor by which the result is larger along each axis", least=2, most=32
    )

    along: Literal["all", "z"] = setting(
        "all", "Axes that become finer: all of them, or z alone if slices lie far apart"
    )

    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        large = self.factor > 4
        if self.preset == "paper":
            return {
                **PAPER,
                "average": 0.0,
                "iterations": 4000 if large else 2000,
                "input_noise": 1 / 20 if large else 1 / 30,
            }
        return {
            **FAST,
            "iterations": 400 if large else 300,
            "input_noise": 1 / 80,
            "stop": "converged",
            **volume_changes(measurement.space),
            **({"input_noise": 0.0} if is_volume(measurement.space) else {}),
        }

    def operator(self, measurement: Measurement) -> Operator:
        from napari_dip.engine.operators import Downsample

        return Downsample(*self.factors(len(measurement.space)))

    def factors(self, ndim: int) -> tuple[int, ...]:
        if self.along == "all":
            return (self.factor,) * ndim
        if ndim < 3:
            raise UserError("along: z needs a stack that is fitted in 3-D; use all")
        return (self.factor, 1, 1)
