"""Architectures by name: "hourglass-3", "skip-5-nearest", "unet-5", "resnet-8".

A name is made of a kind, a depth and, for encoder-decoders, the upsampling. An hourglass is the
encoder-decoder of the paper's figures of samples and of inpainting by depth: without skips.
"""

from __future__ import annotations

import re
from typing import Any

from napari_dip.errors import UserError

_PATTERN = re.compile(r"(hourglass|skip|unet|resnet)-(\d+)(-nearest|-bilinear)?")

_DEEPEST = 12
"""Greatest depth."""

_SKIP_FILTERS, _UNET_FIRST, _RESNET_WIDTH = 4, 8, 32
"""Filters of skip connections, of a U-Net's first level and of a ResNet, from the authors' code."""

SLOW_LEARNING = 0.1
"""Factor on the learning rate of U-Net and ResNet, from the authors' code."""


def architecture(name: str, width: int) -> dict[str, Any]:
    """The settings of a network, with one entry for each level.

    Parameters
    ----------
    name
        The architecture's name, such as "skip-5".
    width
        Filters of each level of an encoder-decoder, and of the widest levels of a U-Net.

    Raises
    ------
    UserError
        When there is no such architecture.
    """
    match = _PATTERN.fullmatch(name)
    depth = int(match[2]) if match else 0
    if match is None or not 1 <= depth <= _DEEPEST:
        raise UserError(
            "architectures: expected hourglass-N, skip-N (either with -nearest), unet-N or "
            f"resnet-N, got {name!r}; give a depth N from 1 to {_DEEPEST}"
        )
    kind, upsampling = match[1], (match[3] or "-bilinear")[1:]
    if kind == "resnet":
        return {"network": kind, "filters": (_RESNET_WIDTH,) * depth}
    if kind == "unet":
        widths = tuple(min(_UNET_FIRST * 2**level, width) for level in range(depth + 1))
        return {"network": kind, "filters": widths}
    return {
        "network": "skip",
        "filters": (width,) * depth,
        "skips": (_SKIP_FILTERS * (kind == "skip"),) * depth,
        "kernels_down": (3,) * depth,
        "kernels_up": (3,) * depth,
        "upsampling": (upsampling,) * depth,
    }
