"""Deblurring: an image that, blurred by the point spread function, is the one that was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement, fill_missing
from napari_dip.tasks.presets import FINE, PAPER, volume_changes

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.engine.operators import Operator


@dataclass(frozen=True, kw_only=True)
class Deblur(Task):
    """Undo a blur whose point spread function is known (non-blind deconvolution).

    The paper does not deblur; `paper` is its default network and training on this data term. A
    deblurring fit learns the noise, amplified, so by default it stops when the residual reaches
    the noise level, given as `sigma` or estimated. `fast` starts from the blurred picture.
    """

    name = "deblur"
    title = "Deblur"
    needs = ("psf",)
    accepts = ("mask", "psf")

    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        if self.preset == "paper":
            return {**PAPER, "iterations": 2000, "stop": "sigma"}
        return {
            **FINE,
            "input": "image",
            "average": 0.95,
            "stop": "sigma",
            **volume_changes(measurement.space),
        }

    def operator(self, measurement: Measurement) -> Operator:
        from napari_dip.engine.operators import Blur

        assert measurement.psf is not None  # `needs` is checked before a measurement is made
        return Blur(measurement.psf)

    def input_image(self, measurement: Measurement, space: Sequence[int]) -> Tensor | None:
        """The blurred picture where it is seen, its border repeated where it is not."""
        import torch.nn.functional as F

        assert measurement.psf is not None
        # The part of the image that is shown begins k - 1 - k // 2 pixels in (`Blur.visible`).
        widths = [w for k in reversed(measurement.psf.shape) for w in (k - 1 - k // 2, k // 2)]
        filled = fill_missing(measurement.y, measurement.observed)
        return F.pad(filled, widths, mode="replicate")
