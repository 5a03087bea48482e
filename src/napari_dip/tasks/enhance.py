"""Detail enhancement: an early fit lacks the fine detail, and the result has more of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement
from napari_dip.tasks.presets import FAST, PAPER, volume_changes
from napari_dip.tasks.settings import setting

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class EnhanceDetail(Task):
    """Boost fine detail: image + gain * (image - coarse), where coarse is an early fit.

    The fewer iterations, the coarser the fit and the larger the details that are boosted; the
    paper shows 250 to 7000 (section 3.5), and `paper` stops at 2500.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import restore
    >>> image = np.random.default_rng(0).random((16, 16))
    >>> list(restore(image, EnhanceDetail(gain=2, iterations=2, filters=(4,))).images)
    ['image', 'coarse', 'detail']
    """

    name = "enhance"
    title = "Enhance detail"
    parts = ("coarse", "detail")
    differences = ("detail",)

    gain: float = setting(1.0, "Multiple of the detail that is added; 1 in the paper", least=0)

    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        if self.preset == "paper":
            return {**PAPER, "iterations": 2500, "input_noise": 0.0, "average": 0.0}
        return {
            **FAST,
            "iterations": 200,
            "input_noise": 0.0,
            "average": 0.9,
            **volume_changes(measurement.space),
        }

    def postprocess(self, x: Tensor, measurement: Measurement) -> dict[str, Tensor]:
        given = measurement.y[0].where(measurement.observed[0], x)
        detail = given - x
        return {"image": given + self.gain * detail, "coarse": x, "detail": detail}
