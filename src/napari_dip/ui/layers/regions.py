"""What people draw or look at, in an image's pixels: masks, rectangles, the field of view."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Shapes
from numpy.typing import NDArray

from napari_dip.errors import UserError
from napari_dip.ui.layers.crop import Crop
from napari_dip.ui.layers.kwargs import unit_factors
from napari_dip.ui.layers.source import (
    LayerSource,
    cropped,
    finest_level,
    input_from_layer,
    source_from_layer,
)
from napari_dip.ui.run.model import Region, RunModel

if TYPE_CHECKING:
    from napari import Viewer
    from napari.components import Dims
    from napari.layers import Image, Layer


def mask_of(layer: Labels | Shapes | Image, image: Image, source: LayerSource) -> Crop:
    """The mask of a source: where a label is painted or a shape is drawn, or what an image marks.

    Raises
    ------
    UserError
        When labels or the image have another shape or lie elsewhere than the image to restore.
    """
    if layer is image:
        raise UserError(f"mask: {layer.name!r} is the image to restore; choose another layer")
    if isinstance(layer, Shapes):
        return _rasterised(layer, image, source)
    crop = input_from_layer(layer, source, "mask")
    crop = replace(crop, is_mask=isinstance(layer, Labels))
    if not _same_place(layer, image):
        raise UserError(
            f"mask: {layer.name!r} lies elsewhere than {image.name!r} (another scale, translate, "
            "rotate, shear, affine or units); make one with New mask layer"
        )
    return crop


def new_mask(image: Image) -> Labels:
    """An empty Labels layer that lies exactly over an image."""
    shape = finest_level(image).shape[: image.ndim]
    return Labels(
        np.zeros(shape, np.uint8),
        name=f"{image.name} missing",
        scale=image.scale,
        translate=image.translate,
        rotate=image.rotate,
        shear=image.shear,
        affine=image.affine.affine_matrix,
        units=image.units,
        axis_labels=image.axis_labels,
    )


def add_mask(viewer: Viewer, image: Image | None) -> Labels:
    """Add an empty mask over the chosen image to a viewer.

    Raises
    ------
    UserError
        When no image is chosen.
    """
    if image is None:
        raise UserError("image: choose an Image layer first; the mask gets its shape")
    mask = new_mask(image)
    viewer.add_layer(mask)
    return mask


def chosen_source(model: RunModel, dims: Dims) -> LayerSource:
    """The part of the chosen image that is to be restored.

    Raises
    ------
    UserError
        When no image is chosen, or the region lies outside of it.
    """
    image = model.image
    if image is None:
        raise UserError("image: choose an Image layer; open one or a sample from the File menu")
    scope = model.scope
    source = source_from_layer(image, dims, volume=scope.is_volume, loop=scope.is_looped)
    if model.region is Region.VIEW:
        return view_of(image, source)
    if model.region is Region.RECTANGLE:
        if model.rectangle is None:
            raise UserError("region: choose a Shapes layer with a rectangle, or the whole image")
        return rectangle_of(model.rectangle, image, source)
    return source


def rectangle_of(layer: Shapes, image: Image, source: LayerSource) -> LayerSource:
    """The part of a source in the selected shape's bounding box, or in the last shape's.

    Raises
    ------
    UserError
        When there is no shape, or it lies outside.
    """
    if not len(layer.data):
        raise UserError(f"region: {layer.name!r} is empty; draw a rectangle over the image")
    chosen = max(layer.selected_data, default=len(layer.data) - 1)
    corners = _in_pixels(layer, layer.data[chosen], image)[:, list(source.space[-2:])]
    start, stop = _depth(source)
    return cropped(
        source,
        [*start, *np.floor(corners.min(axis=0) + 0.5)],
        [*stop, *np.ceil(corners.max(axis=0) + 0.5)],
    )


def view_of(image: Image, source: LayerSource) -> LayerSource:
    """The part of a source that is on the screen."""
    corners = np.asarray(image.corner_pixels, float)
    if image.multiscale:  # they are the displayed level's
        corners = corners * np.asarray(image.downsample_factors)[image.data_level]
    corners = corners[:, list(source.space[-2:])]
    start, stop = _depth(source)
    return cropped(
        source,
        [*start, *np.floor(corners[0])],
        [*stop, *np.ceil(corners[1]) + 1],
    )


def _depth(source: LayerSource) -> tuple[list[int], list[int]]:
    """A source's start and stop along z: rectangles and views are only in the plane."""
    axes = source.space[:-2]
    return [source.start[a] for a in axes], [source.stop[a] for a in axes]


def _same_place(layer: Layer, image: Layer) -> bool:
    """Whether equal pixels of two layers lie at equal places, along the axes that they share."""
    shared = min(layer.ndim, image.ndim)
    factors = unit_factors(layer.units, image.units[-shared:])
    points = np.vstack([np.zeros(shared), 1000 * np.eye(shared)])
    return all(
        np.allclose(_world(layer, p)[-shared:] * factors, _world(image, p)[-shared:], atol=1e-3)
        for p in points
    )


def _world(layer: Layer, point: NDArray[Any]) -> NDArray[np.float64]:
    """The world coordinates of a pixel that is given for the last axes, in the layer's units."""
    pixel = np.zeros(layer.ndim)
    pixel[layer.ndim - len(point) :] = point
    return np.asarray(layer.data_to_world(pixel), float)


def _in_pixels(layer: Shapes, vertices: NDArray[Any], image: Image) -> NDArray[Any]:
    """A shape's vertices in an image's pixels, NaN along axes that the shape does not have."""
    shared = min(layer.ndim, image.ndim)
    factors = unit_factors(layer.units, image.units[-shared:])
    out = np.full((len(vertices), image.ndim), np.nan)
    origin = _world(image, np.zeros(image.ndim))
    for i, vertex in enumerate(vertices):
        world = origin.copy()
        world[-shared:] = np.asarray(layer.data_to_world(vertex))[-shared:] * factors
        out[i, -shared:] = np.asarray(image.world_to_data(world))[-shared:]
    # Vertices mostly lie at pixel centres; rounding errors must not decide about pixels.
    return np.round(out, 6)


def _rasterised(layer: Shapes, image: Image, source: LayerSource) -> Crop:
    """Shapes as a mask of a source."""
    plane = source.space[-2:]
    sides = source.sides[-2:]
    corner = np.array([source.start[axis] for axis in plane])
    shapes = [_in_pixels(layer, vertices, image) for vertices in layer.data]
    shape = [b - a for a, b in zip(source.start, source.stop, strict=True)]
    everywhere = (slice(None),) * len(shape)
    others = [axis for axis in range(len(source.shape)) if axis not in plane]
    if shapes and all(np.isnan(vertices[:, others]).all() for vertices in shapes):
        # One plane for all frames and slices: a whole mask would take a movie's memory.
        kinds = zip(shapes, layer.shape_type, strict=True)
        drawn = _drawn([(v[:, list(plane)] - corner, kind) for v, kind in kinds], sides)
        return Crop(np.broadcast_to(np.expand_dims(drawn, others), shape), everywhere)
    mask = np.zeros(shape, bool)
    for entry in np.ndindex(*(mask.shape[axis] for axis in others)):
        at = {axis: source.start[axis] + i for axis, i in zip(others, entry, strict=True)}
        here = [
            (vertices[:, list(plane)] - corner, kind)
            for vertices, kind in zip(shapes, layer.shape_type, strict=True)
            if all(_lies_in(vertices[:, axis], i) for axis, i in at.items())
        ]
        if here:
            index: list[Any] = [slice(None)] * mask.ndim
            for axis, i in zip(others, entry, strict=True):
                index[axis] = i
            mask[tuple(index)] = _drawn(here, sides)
    return Crop(mask, everywhere)


def _lies_in(coordinates: NDArray[np.float64], index: int) -> bool:
    return bool(np.isnan(coordinates).all() or (np.rint(coordinates) == index).any())


def _drawn(shapes: list[tuple[NDArray[Any], str]], sides: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask of shapes, which are given as vertices in its pixels and a kind."""
    # A rectangle that is seen through another layer's rotation is a polygon.
    kinds = ["polygon" if kind == "rectangle" else kind for _, kind in shapes]
    canvas = Shapes([vertices for vertices, _ in shapes], shape_type=kinds)
    labels: NDArray[Any] = canvas.to_labels(labels_shape=sides)
    return labels != 0
