"""Settings of the passes of non-local denoising, measured on images of several kinds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pass:
    """Settings of one pass over an image.

    Attributes
    ----------
    patch
        Side of a patch in pixels.
    group
        Number of similar patches that are denoised together.
    step
        Distance in pixels between the reference patches that groups are formed around.
    radius
        Distance in pixels, along y and x, up to which similar patches are searched.
    affine
        Whether the weights of a combination sum to 1; otherwise a combination shrinks towards the
        mean value of its group. One entry for the first channel (luminance), one for the others.
    depth
        Slices of a patch.
    slice_step
        Distance in slices between the reference patches.
    slice_radius
        Distance in slices up to which similar patches are searched.
    """

    patch: int = 7
    group: int = 64
    step: int = 4
    radius: int = 18
    affine: tuple[bool, bool] = (False, False)
    depth: int = 1
    slice_step: int = 1
    slice_radius: int = 0


REFINING_PASS = Pass(step=5, affine=(True, False))
"""The pass that takes groups and weights from another estimate."""

WEAK_NOISE_PASSES = (
    Pass(group=18, affine=(True, True)),
    REFINING_PASS,
    Pass(patch=6),
)
"""Passes for weak white noise."""

QUICK_PASSES = (
    Pass(patch=9, group=24, step=6, affine=(True, True)),
    Pass(group=48, step=5, affine=(True, False)),
)
"""Passes for a preview at weak white noise."""

STRONG_NOISE_PASSES = (
    Pass(patch=13, group=24, step=5, affine=(True, True)),
    Pass(patch=9, affine=(True, False)),
    Pass(patch=6, group=80),
)
"""Passes for strong or correlated noise."""

QUICK_STRONG_NOISE_PASSES = (
    Pass(patch=13, group=24, step=6, affine=(True, True)),
    Pass(group=48, step=5),
)
"""Passes for a preview at strong or correlated noise."""

CUBE_PASSES = (
    Pass(5, 40, 3, 7, (True, True), depth=4, slice_step=2, slice_radius=3),
    Pass(4, 64, 3, 7, (True, False), depth=3, slice_step=2, slice_radius=3),
    Pass(4, 96, 3, 7, depth=3, slice_step=2, slice_radius=3),
)
"""Passes for a volume whose neighbouring slices are as alike as its neighbouring pixels."""

FLAT_CUBE_PASSES = (
    Pass(5, 20, 4, 7, (True, True), depth=2, slice_radius=3),
    Pass(5, 64, 4, 7, (True, False), depth=2, slice_radius=3),
    Pass(5, 96, 4, 7, depth=2, slice_radius=3),
)
"""Passes for a volume whose neighbouring slices are less alike."""

SLICE_PASSES = (
    Pass(7, 18, 4, 10, (True, True), slice_radius=2),
    Pass(7, 64, 5, 10, (True, False), slice_radius=2),
    Pass(6, 64, 4, 10, slice_radius=2),
)
"""Passes for a volume whose slices lie far apart: patches of one slice, searched in several."""
