"""Inpainting: fit what is known, and let the network's structure fill in the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement, fill_missing
from napari_dip.tasks.presets import FINE, FROM_IMAGE, PAPER, volume_changes
from napari_dip.tasks.settings import setting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


LARGE_HOLE = 12
"""Pixels from the middle of a hole to its rim from which it is a region, not a stroke of text."""


SPRINKLED = 0.3
"""Missing fraction from which thin holes are missing pixels all over, not text."""


LARGE_PICTURE = 10**5
"""Pixels from which a fit from noise has not arrived when its iterations are over."""


FROM_FILL: dict[str, Any] = {
    **FROM_IMAGE,
    "shuffle": 2,
    "filters": (64,) * 4,
    "average": 0.97,
}
"""Start from a smooth fill, at half the resolution."""


@dataclass(frozen=True, kw_only=True)
class Inpaint(Task):
    """Fill in missing pixels: text and scratches, random pixels, or whole regions.

    `paper` follows section 4: text 6000 iterations; random pixels 11000 at a learning rate of
    0.001; regions with coordinates as input, no skips and nearest-neighbour upsampling, 5000 (the
    text gives a bilinear default, the released code nearest). The paper's own settings for its
    library picture are `input="noise"`, `input_noise=0`, `learning_rate=0.1`,
    `filters=(16,32,64,128,128,128)`, `kernels_up=5`.
    """

    name = "inpaint"
    title = "Inpaint"
    fills_missing = True

    hole: Literal["text", "pixels", "region"] | None = setting(
        None,
        "What is missing: text (thin strokes), pixels (all over) or region (large holes); "
        "told from the mask if not given",
    )
    keep_known: bool = setting(True, "Return known pixels untouched instead of as fitted")

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
            return {**PAPER, "average": 0.0, "hole": hole, **own[hole]}
        text = {**FROM_FILL, "input_noise": 0.03, "skips": (16,)}
        own = {
            "text": text if math.prod(measurement.space) > LARGE_PICTURE else {},
            "pixels": {**FROM_FILL, "input_noise": 0.05, "iterations": 300},
            "region": {"skips": (0,), "filters": (64,) * 5, "input_noise": 1 / 30},
        }
        shared = {**FINE, "stop": "converged", "hole": hole}
        return {**shared, **own[hole], **volume_changes(measurement.space)}

    def input_image(self, measurement: Measurement, space: Sequence[int]) -> Tensor | None:
        """The picture with its holes filled smoothly."""
        import torch

        missing = (~measurement.observed[0].all(dim=0)).numpy()
        picture = fill_missing(measurement.y, measurement.observed)[0].numpy()
        return torch.from_numpy(smoothly_filled(picture, missing).astype(picture.dtype))[None]

    @property
    def keeps_known(self) -> bool:
        return self.keep_known


def smoothly_filled(picture: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    """Fill holes so that the picture's curvature has no jumps (biharmonic).

    A volume as a whole would take too much memory: it is filled plane by plane, in each of three
    directions, and has the mean of the planes of which anything is known.

    Parameters
    ----------
    picture
        (channels, *space), with whatever there is in the holes.
    missing
        (*space), True in the holes.
    """
    import numpy as np
    from skimage.restoration import inpaint_biharmonic

    if missing.ndim == 2:
        return np.asarray(inpaint_biharmonic(picture, missing, channel_axis=0))
    total, count = np.zeros(picture.shape), np.zeros(missing.shape)
    for axis in range(missing.ndim):
        ours = (np.moveaxis(values, axis, 0) for values in (missing, count))
        across = (np.moveaxis(values, axis + 1, 0) for values in (picture, total))
        for holes, filled, plane, out in zip(*ours, *across, strict=True):
            if not holes.all():  # a lost slice: those that cross it know better
                out += smoothly_filled(np.ascontiguousarray(plane), np.ascontiguousarray(holes))
                filled += 1
    return np.where(count > 0, total / np.maximum(count, 1), picture)


def kind_of_hole(observed: Tensor) -> Literal["text", "pixels", "region"]:
    """Name the holes of a mask by their depth and their number."""
    from scipy.ndimage import distance_transform_edt

    known = observed[0].all(dim=0).numpy()
    if distance_transform_edt(~known).max() >= LARGE_HOLE:
        return "region"
    return "pixels" if (~known).mean() > SPRINKLED else "text"
