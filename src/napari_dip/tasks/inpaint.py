"""Inpainting: the network fits the known pixels, and its structure fills in the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement, fill_missing
from napari_dip.tasks.presets import FINE, FROM_IMAGE, PAPER, is_volume, volume_changes
from napari_dip.tasks.settings import setting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_dip.tasks.expected_error import ExpectedError


_REGION_DEPTH = 12
"""Depth of a hole, in pixels from its middle to its rim, from which it is a region, not text."""

_SCATTERED = 0.3
"""Missing fraction from which thin holes are scattered pixels, not text."""

_FROM_FILL: dict[str, Any] = {
    **FROM_IMAGE,
    "shuffle": 2,
    "filters": (64,) * 4,
    "average": 0.97,
}
"""Settings to start from an image with its holes filled, at half the resolution."""

_SHARE_IN_REGIONS = 0.35
"""Share of the fit in its blend with the fill in large holes, where which is better varies."""

_FROM_NONLOCAL_FILL: dict[str, Any] = {
    **_FROM_FILL,
    "input_noise": 0.02,
    "iterations": 100,
    "blend_share": 0.1,
}
"""The same for a plane whose holes are filled from its own similar patches: a fill so good that
the fit adds little to it."""

_FILL_ALONE: dict[str, Any] = {"iterations": 1, "blend_share": 0.0}
"""Settings for thin holes in a volume: the fit is 3 to 15 dB worse than the fill, and any share of
it costs."""


@dataclass(frozen=True, kw_only=True)
class Inpaint(Task):
    """Fill in missing pixels: text and scratches, random pixels, or whole regions.

    `instant` predicts missing pixels from the known pixels of similar patches. In planes, `fast`
    and `best` take this image as the network's input, fit the known pixels, and blend both images
    in the holes. In volumes the prediction, from similar cubes, is so much better than a fit that
    it is the result; large holes there are fitted from a smooth fill.

    `paper` follows section 4: text 6000 iterations; random pixels 11000 at a learning rate of
    0.001; regions with coordinates as input, no skips and nearest-neighbour upsampling, 5000 (the
    text gives a bilinear default, the released code nearest). The paper's own settings for its
    library picture are `input="noise"`, `input_noise=0`, `learning_rate=0.1`,
    `filters=(16,32,64,128,128,128)`, `kernels_up=5`.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import restore
    >>> image, mask = np.tile(np.arange(16.0), (16, 1)), np.zeros((16, 16), bool)
    >>> mask[4:8, 4:8] = True
    >>> filled = restore(image, Inpaint(iterations=2, filters=(4,)), mask=mask).image
    >>> np.array_equal(filled[~mask], image[~mask])  # known pixels stay as they are
    True
    """

    name = "inpaint"
    title = "Inpaint"
    fills_missing = True
    fit_alone: ClassVar = {"blend_share": 1.0}

    hole: Literal["text", "pixels", "region"] | None = setting(
        None,
        "Kind of the holes: text (thin strokes), pixels (scattered) or region (large holes); "
        "recognised from the mask if not given",
        of_image=True,
    )
    keep_known: bool = setting(True, "Return known pixels unchanged instead of as fitted")
    blend_share: float | None = setting(
        None,
        "Share of the fit in its blend with a non-local fill: 1 for the fit alone",
        least=0,
        most=1,
        advanced=True,
    )

    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        hole = self.hole or kind_of_hole(measurement.observed)
        if self.preset == "paper":
            own: dict[str, dict[str, Any]] = {
                "text": {"iterations": 6000},
                "pixels": {"iterations": 11000, "learning_rate": 0.001},
                "region": {
                    "iterations": 5000,
                    "input": "meshgrid",
                    "skips": (0,),
                    "upsampling": ("nearest",),
                },
            }
            return {**PAPER, "average": 0.0, "hole": hole, "blend_share": 1.0, **own[hole]}
        region = {"skips": (0,), "filters": (64,) * 5, "input_noise": 1 / 30}
        shared = {**FINE, "stop": "converged", "hole": hole, "blend_share": 1.0}
        if not is_volume(measurement.space):
            own = {
                "text": _FROM_NONLOCAL_FILL,
                "pixels": _FROM_NONLOCAL_FILL,
                "region": {**region, "blend_share": _SHARE_IN_REGIONS},
            }
            return {**shared, **own[hole], **({} if self.keep_known else {"blend_share": 1.0})}
        changes = volume_changes(measurement.space)
        if hole == "region":
            return {**shared, **region, **changes}
        thin = {**shared, **_FROM_FILL, **changes, "input_noise": 0.05, "iterations": 300}
        is_fitted = self.blend_share or not self.keep_known
        return thin if is_fitted else {**thin, **_FILL_ALONE}

    def best_values(self, measurement: Measurement) -> dict[str, Any]:
        values = super().best_values(measurement)
        thin = (self.hole or kind_of_hole(measurement.observed)) != "region"
        if thin and self.keep_known and not is_volume(measurement.space):
            values |= {"iterations": 200, "blend_share": 0.2}
        return values

    def input_image(self, measurement: Measurement, space: Sequence[int]) -> Tensor | None:
        """The image with its holes filled, (1, channels, *space)."""
        return self._filled(measurement)[None]

    def instant(self, measurement: Measurement) -> Tensor | None:
        if self.preset == "paper":
            return None
        return self._filled(measurement)

    def share_of_fit(self, channels: int, progress: float) -> float:
        if self.blend_share is None or self.blend_share == 1:
            return 1.0
        return self.blend_share * progress

    def expected_error(self, x: Tensor, measurement: Measurement) -> ExpectedError | None:
        from napari_dip.tasks.expected_error import expected_when_filled

        # What a large hole holds, nothing around it tells.
        if self.preset == "paper" or self.hole == "region" or is_volume(measurement.space):
            return None
        return expected_when_filled(measurement, self._filled)

    def _filled(self, measurement: Measurement) -> Tensor:
        """The image with its holes filled without a fit, (channels, *space)."""
        hole = self.hole or kind_of_hole(measurement.observed)
        if self.preset == "paper" or (is_volume(measurement.space) and hole == "region"):
            return _smooth_fill(measurement)
        return _nonlocal_fill(measurement, not self.is_instant)

    @property
    def keeps_known(self) -> bool:
        return self.keep_known


def _nonlocal_fill(measurement: Measurement, thorough: bool) -> Tensor:
    """The image with its holes filled from similar patches, (channels, *space).

    It is kept, for it is both the instant estimate and the network's input.
    """
    from napari_dip.engine.nonlocal_inpainting import fill_nonlocal

    def fill() -> Tensor:
        smooth = _smooth_fill(measurement)
        known = measurement.y[0], measurement.observed[0]
        return measurement.estimate(partial(fill_nonlocal, thorough=thorough), *known, smooth)

    return measurement.once(("nonlocal fill", thorough), fill)


def _smooth_fill(measurement: Measurement) -> Tensor:
    """The image with its holes filled smoothly, (channels, *space)."""
    import torch

    missing = (~measurement.observed[0].all(dim=0)).numpy()
    image = fill_missing(measurement.y, measurement.observed)[0].numpy()
    return torch.from_numpy(smoothly_filled(image, missing).astype(image.dtype))


def smoothly_filled(image: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    """Fill holes so that the curvature has no jumps (biharmonic inpainting).

    A volume as a whole would take too much memory. Its planes are filled one by one, in each of
    three directions, and averaged over the directions in which the plane has a known pixel.

    Parameters
    ----------
    image
        (channels, *space), with any finite values in the holes.
    missing
        (*space), True in the holes.
    """
    import numpy as np
    from skimage.restoration import inpaint_biharmonic

    if missing.ndim == 2:
        return np.asarray(inpaint_biharmonic(image, missing, channel_axis=0))
    total, count = np.zeros(image.shape), np.zeros(missing.shape)
    for axis in range(missing.ndim):
        ours = (np.moveaxis(values, axis, 0) for values in (missing, count))
        across = (np.moveaxis(values, axis + 1, 0) for values in (image, total))
        for holes, filled, plane, out in zip(*ours, *across, strict=True):
            if not holes.all():  # of a lost slice, only the planes across it know anything
                out += smoothly_filled(np.ascontiguousarray(plane), np.ascontiguousarray(holes))
                filled += 1
    return np.where(count > 0, total / np.maximum(count, 1), image)


def kind_of_hole(observed: Tensor) -> Literal["text", "pixels", "region"]:
    """Recognise the kind of a mask's holes by their depth and their fraction of the image."""
    from scipy.ndimage import distance_transform_edt

    known = observed[0].all(dim=0).numpy()
    if distance_transform_edt(~known).max() >= _REGION_DEPTH:
        return "region"
    return "pixels" if (~known).mean() > _SCATTERED else "text"
