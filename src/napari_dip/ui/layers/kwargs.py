"""Keywords of layers: their place, their appearance, and the data type of their arrays."""

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
"""napari's name for the unit of an axis that has none."""


def unit_factors(units: Sequence[Any] | None, into: Sequence[Any]) -> NDArray[np.float64]:
    """Factors that convert coordinates from some units into others; 1 if that is impossible."""
    count = len(into)
    if units is None or len(units) < count:
        return np.ones(count)
    pairs = list(zip(units[-count:], into, strict=True))
    if any(a.dimensionality != b.dimensionality for a, b in pairs):
        return np.ones(count)
    return np.array([float((1.0 * a).to(b).magnitude) for a, b in pairs])


def displayable(image: Array) -> Array:
    """An image in a data type that textures take as it is, without a conversion at each update."""
    return image.astype(np.float32) if image.dtype in (np.float64, np.float16) else image


def plain_kwargs(*, rgb: bool) -> dict[str, Any]:
    """Keywords of a layer of an image that was made from no other layer."""
    return {
        **transform_kwargs(Affine(scale=(1, 1))),
        "affine": np.eye(3),
        "units": ("pixel", "pixel"),
        "axis_labels": ("y", "x"),
        "rgb": rgb,
    }


def stack_kwargs(kwargs: dict[str, Any], axis: str = "iteration") -> dict[str, Any]:
    """A layer's keywords with one more axis before the others, such as the iteration."""
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
    """The appearance of a layer as keywords: colours, contrast, blending."""
    appearance = {
        "blending": str(layer.blending),
        "opacity": layer.opacity,
        "interpolation2d": str(layer.interpolation2d),
    }
    if layer.rgb:
        return appearance
    return appearance | {
        "colormap": layer.colormap,
        "contrast_limits": tuple(layer.contrast_limits),
        "gamma": layer.gamma,
    }
