"""Sample data for every task, as layers; made from bundled pictures, without a download."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_dip.samples.pictures import SAMPLES, Sample
from napari_dip.samples.stacks import VOXEL, noisy_movie, noisy_stack
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.layers.provenance import KEY, task_to_dict

if TYPE_CHECKING:
    from napari_dip.samples.demo import Demo


LayerTuple: TypeAlias = tuple[Any, dict[str, Any], str]


ROLES = {
    "Original": "reference",
    "Photo with flash": "guide",
    "Point spread function": "psf",
    "Missing": "mask",
}
"""What the layers beside a sample's image are for, by their names."""


def layers_of(task: str) -> list[LayerTuple]:
    """The layers of a task's sample: the image first, what goes with it hidden above it.

    The image's metadata has what is known about its degradation; the dock's "From layer" fills
    the form with it.
    """
    sample = SAMPLES[task]()
    return _layers(sample, TASKS[task](**sample.settings))


def stack() -> list[LayerTuple]:
    """A noisy stack, to be denoised in 3-D."""
    layers = _layers(noisy_stack(), TASKS["denoise"]())
    place = {"scale": tuple(VOXEL.values()), "units": ("um",) * 3, "axis_labels": tuple(VOXEL)}
    return [(data, kwargs | place, kind) for data, kwargs, kind in layers]


def movie() -> list[LayerTuple]:
    """A noisy movie, to be denoised frame after frame."""
    layers = _layers(noisy_movie(), TASKS["denoise"]())
    labels = {"axis_labels": ("t", "y", "x")}
    return [(data, kwargs | labels, kind) for data, kwargs, kind in layers]


def layers_of_demo(shown: Demo) -> list[LayerTuple]:
    """The layers of a demo's sample, and what became of it on top."""
    image, *beside = _layers(shown.sample, shown.task)
    restored = shown.result.image
    kwargs = {
        "name": f"{shown.sample.title} [{shown.task.name}]",
        "rgb": True,
        "metadata": {KEY: shown.result.report()},
        **_over(shown.sample, restored),
    }
    hidden = [(data, {**about, "visible": False}, kind) for data, about, kind in beside]
    return [image, *hidden, (restored, kwargs, "image")]


def _layers(sample: Sample, task: Task) -> list[LayerTuple]:
    settings = task_to_dict(task)
    made_for = {"task": settings.pop("task"), "settings": settings}
    # `rgb` is said, not guessed: so is everything else that shapes leave open.
    rgb = sample.axes.endswith("S")
    layers: list[LayerTuple] = [
        (sample.image, {"name": sample.title, "rgb": rgb, "metadata": {KEY: made_for}}, "image")
    ]
    if sample.guide is not None:
        flash = {"name": "Photo with flash", "rgb": True, "visible": False}
        layers.append((sample.guide, flash, "image"))
    if sample.psf is not None:
        psf = {"name": "Point spread function", "rgb": False, "visible": False}
        layers.append((sample.psf, psf, "image"))
    if sample.reference is not None:
        original = {"name": "Original", "rgb": rgb, "visible": False}
        layers.append((sample.reference, original | _over(sample, sample.reference), "image"))
    if sample.mask is not None:
        layers.append((sample.mask.astype(np.uint8), {"name": "Missing"}, "labels"))
    return layers


def _over(sample: Sample, picture: NDArray[Any]) -> dict[str, Any]:
    """Where a finer picture of a sample's scene lies: its pixel centres begin earlier."""
    factor = picture.shape[0] / sample.image.shape[0]
    axes = len(sample.axes.removesuffix("S"))
    return {"scale": (1 / factor,) * axes, "translate": ((1 / factor - 1) / 2,) * axes}


denoise, dejpeg, inpaint, upscale, deblur, enhance, flash = (
    partial(layers_of, task)
    for task in ("denoise", "dejpeg", "inpaint", "upscale", "deblur", "enhance", "flash")
)
