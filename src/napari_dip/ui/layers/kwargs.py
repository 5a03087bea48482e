"""Keywords of layers: where an array lies, what it looks like, and in which number format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.transforms import Affine
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.layers import Image


Array = NDArray[Any]


UNKNOWN = "pixel"
"""What napari calls a unit that is none."""


def unit_factors(units: Sequence[Any] | None, into: Sequence[Any]) -> NDArray[np.float64]:
    """What coordinates in some units are multiplied by to be in others; 1 where they don't mix."""
    count = len(into)
    if units is None or len(units) < count:
        return np.ones(count)
    pairs = list(zip(units[-count:], into, strict=True))
    if any(a.dimensionality != b.dimensionality for a, b in pairs):
        return np.ones(count)
    return np.array([float((1.0 * a).to(b).magnitude) for a, b in pairs])


def displayable(image: Array) -> Array:
    """In a number format that textures take as it is: others are converted at each update."""
    return image.astype(np.float32) if image.dtype in (np.float64, np.float16) else image


def plain_kwargs(*, rgb: bool) -> dict[str, Any]:
    """Keywords of a layer of a picture that was made from no other layer."""
    return {
        **transform_kwargs(Affine(scale=(1, 1))),
        "affine": np.eye(3),
        "units": ("pixel", "pixel"),
        "axis_labels": ("y", "x"),
        "rgb": rgb,
    }


def stack_kwargs(kwargs: dict[str, Any], axis: str = "iteration") -> dict[str, Any]:
    """A layer's keywords with one more axis, of iterations or whatever, before the others."""
    names = ("scale", "translate", "rotate", "shear")
    transform = Affine(**{name: kwargs[name] for name in names}).expand_dims([0])
    return {
        **kwargs,
        **transform_kwargs(transform),
        "affine": Affine(affine_matrix=kwargs["affine"]).expand_dims([0]).affine_matrix,
        "units": ("pixel", *kwargs["units"]),
        "axis_labels": (axis, *kwargs["axis_labels"]),
    }


def transform_kwargs(transform: Affine) -> dict[str, Any]:
    """A transform as a layer's keywords."""
    shear = np.asarray(transform.shear)
    if not shear.any():
        # napari gives as many zeros as there are axes, and takes as many as there are pairs.
        shear = np.zeros(transform.ndim * (transform.ndim - 1) // 2)
    return {
        "scale": transform.scale,
        "translate": transform.translate,
        "rotate": transform.rotate,
        "shear": shear,
    }


def appearance_of(layer: Image) -> dict[str, Any]:
    """What a layer looks like: its colours, its contrast, how it is blended."""
    looks = {
        "blending": str(layer.blending),
        "opacity": layer.opacity,
        "interpolation2d": str(layer.interpolation2d),
    }
    if layer.rgb:
        return looks
    return looks | {
        "colormap": layer.colormap,
        "contrast_limits": tuple(layer.contrast_limits),
        "gamma": layer.gamma,
    }
