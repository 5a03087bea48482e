"""Deblurring: a fit whose image, blurred by the point spread function, is the given one."""

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

    The paper does not deblur; `paper` is its default network and training with this data term. A
    deblurring fit amplifies the noise that it learns, so by default it stops when the residual
    reaches the noise level, given as `sigma` or estimated. `fast` starts from the blurred image.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import restore
    >>> image, psf = np.random.default_rng(0).random((16, 16)), np.full((3, 3), 1 / 9)
    >>> restore(image, Deblur(iterations=2, filters=(4,)), psf=psf).image.shape
    (16, 16)
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
        """The blurred image, with its border repeated outside the frame: (1, channels, *space)."""
        import torch.nn.functional as F

        assert measurement.psf is not None
        # The visible part begins k - 1 - k // 2 pixels inside (`Blur.crop_to_visible`).
        widths = [w for k in reversed(measurement.psf.shape) for w in (k - 1 - k // 2, k // 2)]
        filled = fill_missing(measurement.y, measurement.observed)
        return F.pad(filled, widths, mode="replicate")
