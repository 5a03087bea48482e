"""Sample data for every task as layers, made from bundled pictures without a download."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_dip.samples.pictures import SAMPLES, Sample
from napari_dip.samples.stacks import VOXEL_SIZE, noisy_movie, noisy_stack
from napari_dip.tasks.base import Task
from napari_dip.tasks.registry import TASKS
from napari_dip.ui.layers.provenance import KEY, task_to_dict

if TYPE_CHECKING:
    from napari_dip.samples.demo import Demo


LayerTuple: TypeAlias = tuple[Any, dict[str, Any], str]
"""Data, keywords and type of a layer, as napari takes them from a plugin."""

SAMPLE_ROLES = {
    "Original": "reference",
    "Photo with flash": "guide",
    "Point spread function": "psf",
    "Missing": "mask",
}
"""Roles of a sample's layers other than its image, by their names."""


def layers_of(task: str) -> list[LayerTuple]:
    """Return the layers of a task's sample: the image, and above it the others, hidden.

    The image's metadata has the task and what is known about the degradation, from which the
    dock's "From layer" fills the form.
    """
    sample = SAMPLES[task]()
    return _layers(sample, TASKS[task](**sample.settings))


def stack() -> list[LayerTuple]:
    """Return the layers of a noisy stack that can be denoised in 3-D."""
    layers = _layers(noisy_stack(), TASKS["denoise"]())
    placement = {
        "scale": tuple(VOXEL_SIZE.values()),
        "units": ("um",) * 3,
        "axis_labels": tuple(VOXEL_SIZE),
    }
    return [(data, kwargs | placement, kind) for data, kwargs, kind in layers]


def movie() -> list[LayerTuple]:
    """Return the layers of a noisy movie that can be denoised frame by frame."""
    layers = _layers(noisy_movie(), TASKS["denoise"]())
    labels = {"axis_labels": ("t", "y", "x")}
    return [(data, kwargs | labels, kind) for data, kwargs, kind in layers]


def layers_of_demo(shown: Demo) -> list[LayerTuple]:
    """Return the layers of a demo's sample, and on top the restored image."""
    image, *others = _layers(shown.sample, shown.task)
    restored = shown.result.image
    kwargs = {
        "name": f"{shown.sample.title} [{shown.task.name}]",
        "rgb": True,
        "metadata": {KEY: shown.result.report()},
        **_placement(shown.sample, restored),
    }
    hidden = [(data, {**kwargs, "visible": False}, kind) for data, kwargs, kind in others]
    return [image, *hidden, (restored, kwargs, "image")]


def _layers(sample: Sample, task: Task) -> list[LayerTuple]:
    settings = task_to_dict(task)
    made_for = {"task": settings.pop("task"), "settings": settings}
    rgb = sample.axes.endswith("S")  # napari would guess it from the shape
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
        placement = _placement(sample, sample.reference)
        layers.append((sample.reference, original | placement, "image"))
    if sample.mask is not None:
        layers.append((sample.mask.astype(np.uint8), {"name": "Missing"}, "labels"))
    return layers


def _placement(sample: Sample, image: NDArray[Any]) -> dict[str, Any]:
    """Return the keywords that put an image with smaller pixels exactly over the sample's."""
    factor = image.shape[0] / sample.image.shape[0]
    axes = len(sample.axes.removesuffix("S"))
    return {"scale": (1 / factor,) * axes, "translate": ((1 / factor - 1) / 2,) * axes}


denoise, dejpeg, inpaint, upscale, deblur, enhance, flash = (
    partial(layers_of, task)
    for task in ("denoise", "dejpeg", "inpaint", "upscale", "deblur", "enhance", "flash")
)
