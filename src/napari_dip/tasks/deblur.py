"""Deblurring: a fit whose image, blurred by the point spread function, is the given one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement, fill_missing
from napari_dip.tasks.presets import FINE, FROM_IMAGE, PAPER, is_volume, volume_changes

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.engine.operators import Blur

_SHARE_OF_FIT = 0.3
"""Share of the fit in its blend with the plug-and-play estimate, which is better by itself on most
images."""

_EARLY = 0.2
"""Part of the budget in which the share of the fit grows. A fit to a noisy image often reaches the
noise level soon after."""

_NOISY = 5 / 255
"""Noise level, in units of y, from which the fit works at half the resolution: noise hides the
finest detail of a blurred image."""

_NOISY_FIT: dict[str, Any] = {"filters": (64,) * 4, "shuffle": 2, "iterations": 200}


@dataclass(frozen=True, kw_only=True)
class Deblur(Task):
    """Undo a blur whose point spread function is known (non-blind deconvolution).

    The paper does not deblur; `paper` is its default network and training with this data term. A
    deblurring fit amplifies the noise that it learns, so by default it stops when the residual
    reaches the noise level, given as `sigma` or estimated. `fast` starts from the blurred image,
    and its result is a blend of the fit and a plug-and-play estimate, which alternates between
    deconvolution and non-local denoising. `instant` is that estimate alone. A volume has the fit
    alone, except with `instant`.

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
        shared = {**FINE, "input": "image", "average": 0.95, "stop": "sigma"}
        if is_volume(measurement.space):
            return {**shared, **volume_changes(measurement.space)}
        noisy = self._level(measurement) >= _NOISY
        return {**shared, **FROM_IMAGE, "iterations": 340, **(_NOISY_FIT if noisy else {})}

    def operator(self, measurement: Measurement) -> Blur:
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

    def instant(self, measurement: Measurement) -> Tensor | None:
        if self.preset == "paper" or (is_volume(measurement.space) and not self.is_instant):
            return None
        from napari_dip.engine.plug_and_play import deblur_plug_and_play

        y = fill_missing(measurement.y, measurement.observed)[0]
        deblur = partial(deblur_plug_and_play, sigma=self._level(measurement))
        return measurement.estimate(deblur, y, measurement.observed[0], self.operator(measurement))

    def share_of_fit(self, channels: int, progress: float) -> float:
        return _SHARE_OF_FIT * min(1.0, progress / _EARLY)
