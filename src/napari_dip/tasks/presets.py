"""Settings that the presets of several tasks have in common; each task has its own in its file.

`PAPER` is the paper's default architecture and training ("Std" in section 4 of arXiv 1711.10925),
in float32, as the authors ran it. `FAST` is ours: the same method with a narrower network, a
learning rate that rises and falls once, and bfloat16 where the machine has it.
`docs/performance.md` has the measured effect of each choice.
"""

from __future__ import annotations

from typing import Any

PAPER: dict[str, Any] = {
    "runs": 1,
    "learning_rate": 0.01,
    "schedule": "constant",
    "input": "noise",
    "input_channels": 32,
    "input_noise": 1 / 30,
    "fresh_noise": True,
    "r2r": False,
    "average": 0.99,
    "network": "skip",
    "filters": (128,) * 5,
    "skips": (4,),
    "kernels_down": (3,),
    "kernels_up": (3,),
    "kernel_skip": 1,
    "downsampling": "stride",
    "upsampling": ("bilinear",),
    "padding": "reflect",
    "pointwise": True,
    "shuffle": 1,
    "precision": "float32",
    "layout": "contiguous",
}

FAST: dict[str, Any] = {
    **PAPER,
    "learning_rate": 0.02,
    "schedule": "one-cycle",
    "fresh_noise": False,
    "average": 0.98,
    "filters": (64,) * 4,
    "precision": "auto",
    "layout": "channels-last",
}

FINE: dict[str, Any] = {
    **FAST,
    "filters": (32, 64, 64, 64, 64),
    "input_noise": 0.0,
    "iterations": 400,
}
"""Full resolution with a thin finest level, for fits that have to explain each pixel exactly. A
perturbation would cost detail there, and there is no noise for it to keep out."""

FROM_IMAGE: dict[str, Any] = {"input": "image", "padding": "zero"}
"""The degraded image is the network's input. Zero padding then works as well, and needs no copy: it
saves a sixth of an iteration."""

_FAST_3D: dict[str, Any] = {"filters": (32,) * 4, "iterations": 400, "average": 0.98}
"""Settings of a volume: a 3-D convolution takes three times the arithmetic of a 2-D one per voxel.
A volume overfits even less, for each voxel has more neighbours, so iterations bring more."""


def is_volume(space: tuple[int, ...]) -> bool:
    """Whether space has three axes."""
    return len(space) == 3


def volume_changes(space: tuple[int, ...]) -> dict[str, Any]:
    """Settings by which a `fast` preset differs for a volume; empty for a plane."""
    return _FAST_3D if is_volume(space) else {}
