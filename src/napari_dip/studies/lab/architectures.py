"""Architectures by name: "hourglass-3", "skip-5-nearest", "unet-5", "resnet-8".

A name is a kind, a depth and, for encoder-decoders, how they grow back. An hourglass is the paper's
encoder-decoder without skip connections (its figures of samples and of inpainting by depth).
"""

from __future__ import annotations

import re
from typing import Any

from napari_dip.errors import UserError

PATTERN = re.compile(r"(hourglass|skip|unet|resnet)-(\d+)(-nearest|-bilinear)?")


DEEPEST = 12


SKIP_FILTERS, UNET_FIRST, RESNET_WIDTH = 4, 8, 32
"""As the authors' code has them."""


SLOWER = 0.1
"""What U-Net and ResNet multiply the learning rate with, as in the authors' code."""


def architecture(name: str, width: int) -> dict[str, Any]:
    """The settings of a network, one entry for each level.

    Parameters
    ----------
    name
        As above.
    width
        Filters of each level of an encoder-decoder, and of the widest levels of a U-Net.

    Raises
    ------
    UserError
        When there is no such architecture.
    """
    match = PATTERN.fullmatch(name)
    depth = int(match[2]) if match else 0
    if match is None or not 1 <= depth <= DEEPEST:
        raise UserError(
            f"architectures: {name!r} is none; write hourglass-N, skip-N (either with -nearest), "
            f"unet-N or resnet-N with a depth N from 1 to {DEEPEST}"
        )
    kind, upsampling = match[1], (match[3] or "-bilinear")[1:]
    if kind == "resnet":
        return {"network": kind, "filters": (RESNET_WIDTH,) * depth}
    if kind == "unet":
        widths = tuple(min(UNET_FIRST * 2**level, width) for level in range(depth + 1))
        return {"network": kind, "filters": widths}
    return {
        "network": "skip",
        "filters": (width,) * depth,
        "skips": (SKIP_FILTERS * (kind == "skip"),) * depth,
        "kernels_down": (3,) * depth,
        "kernels_up": (3,) * depth,
        "upsampling": (upsampling,) * depth,
    }


def is_encoder_decoder(settings: dict[str, Any]) -> bool:
    """Whether an architecture's settings are an hourglass's, with skips or without."""
    return bool(settings["network"] == "skip")
