"""Sample data for every task, as layers; made from bundled pictures, without a download."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

import numpy as np

from napari_dip.samples import SAMPLES
from napari_dip.tasks import TASKS
from napari_dip.ui.model import as_dict
from napari_dip.ui.provenance import KEY

LayerTuple: TypeAlias = tuple[Any, dict[str, Any], str]


def layers_of(task: str) -> list[LayerTuple]:
    """The layers of a task's sample: the image first, what goes with it hidden above it.

    The image's metadata has what is known about its degradation; the dock's "From layer" fills
    the form with it.
    """
    sample = SAMPLES[task]()
    settings = as_dict(TASKS[task](**sample.settings))
    made_for = {"task": settings.pop("task"), "settings": settings}
    # `rgb` is said, not guessed: so is everything else that shapes leave open.
    layers: list[LayerTuple] = [
        (sample.image, {"name": sample.title, "rgb": True, "metadata": {KEY: made_for}}, "image")
    ]
    if sample.guide is not None:
        flash = {"name": "Photo with flash", "rgb": True, "visible": False}
        layers.append((sample.guide, flash, "image"))
    if sample.psf is not None:
        psf = {"name": "Point spread function", "rgb": False, "visible": False}
        layers.append((sample.psf, psf, "image"))
    if sample.reference is not None:
        # A larger original covers the same scene: its pixel centres begin earlier.
        factor = sample.reference.shape[0] / sample.image.shape[0]
        original = {
            "name": "Original",
            "rgb": True,
            "visible": False,
            "scale": (1 / factor,) * 2,
            "translate": ((1 / factor - 1) / 2,) * 2,
        }
        layers.append((sample.reference, original, "image"))
    if sample.mask is not None:
        layers.append((sample.mask.astype(np.uint8), {"name": "Missing"}, "labels"))
    return layers


denoise, dejpeg, inpaint, upscale, deblur, enhance, flash = (
    partial(layers_of, task)
    for task in ("denoise", "dejpeg", "inpaint", "upscale", "deblur", "enhance", "flash")
)
