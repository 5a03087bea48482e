"""Flash / no-flash: the ambient light of one photograph with the sharpness of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement
from napari_dip.tasks.presets import FINE, PAPER, volume_changes

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class FlashNoFlash(Task):
    """Denoise a photograph taken without flash, guided by one of the same scene with flash.

    The flash image is the network's input, which makes the fit a non-linear guided filter
    (section 3.7). The paper does not give its settings; `paper` follows the released code: 601
    iterations at a learning rate of 0.1, no perturbation, nearest upsampling at the two finest
    levels. `fast` perturbs the flash image a little, so that less of the noise is learned.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import restore
    >>> ambient, flash = np.random.default_rng(0).random((2, 16, 16))
    >>> restore(ambient, FlashNoFlash(iterations=2, filters=(4,)), guide=flash).image.shape
    (16, 16)
    """

    name = "flash"
    title = "Flash / no-flash"
    needs = ("guide",)
    accepts = ("mask", "guide")

    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        upsampling = ("nearest", "nearest", "bilinear")
        if self.preset == "paper":
            return {
                **PAPER,
                "iterations": 601,
                "learning_rate": 0.1,
                "input": "image",
                "input_noise": 0.0,
                "upsampling": upsampling,
                "average": 0.0,
            }
        return {
            **FINE,
            "iterations": 150,
            "input": "image",
            "input_noise": 0.05,
            **volume_changes(measurement.space),
        }

    def input_image(self, measurement: Measurement, space: Sequence[int]) -> Tensor | None:
        return measurement.guide
