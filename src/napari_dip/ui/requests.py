"""From the form and the layers to a request: what a person asked for, frozen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_dip.errors import UserError
from napari_dip.ui.crops import Crop
from napari_dip.ui.divided import DividedRequest
from napari_dip.ui.division import divide
from napari_dip.ui.layers import Source, beside, level_0, take
from napari_dip.ui.model import Region, RestoreModel, RunModel
from napari_dip.ui.regions import mask_of, rectangle_of, view_of
from napari_dip.ui.worker import Request

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image


def source_of(model: RunModel, dims: Dims) -> Source:
    """What of the chosen image is to be restored.

    Raises
    ------
    UserError
        When no image is chosen, or the region lies outside of it.
    """
    image = model.image
    if image is None:
        raise UserError("image: choose an Image layer; open one or a sample from the File menu")
    extent = model.extent
    source = take(image, dims, volume=extent.is_volume, each=extent.is_each)
    if model.region is Region.VIEW:
        return view_of(image, source)
    if model.region is Region.RECTANGLE:
        if model.rectangle is None:
            raise UserError("region: choose a Shapes layer with a rectangle, or the whole image")
        return rectangle_of(model.rectangle, image, source)
    return source


def request_of(model: RestoreModel, dims: Dims) -> Request:
    """All that a run needs.

    Raises
    ------
    UserError
        When something is missing, or layers don't go together.
    """
    if model.form_error:
        raise UserError(model.form_error)
    source, task, image = source_of(model, dims), model.task, model.image
    assert image is not None  # source_of has asked for it
    for role in task.needs:
        if getattr(model, role) is None:
            raise UserError(f"{role}: {task.title} needs one; choose a layer")
    used = {r: getattr(model, r) for r in (*task.accepts, "reference")}
    names = tuple((r, layer.name) for r, layer in used.items() if layer is not None)
    request = Request(task, source, device=model.device, seed=model.seed, names=names)
    factors = request.factors
    mask, guide, psf, reference = (used.get(r) for r in ("mask", "guide", "psf", "reference"))
    return replace(
        request,
        mask=None if mask is None else mask_of(mask, image, source),
        guide=None if guide is None else beside(guide, source, "guide", flat=True),
        psf=None if psf is None else _psf(psf, len(source.space)),
        reference=None if reference is None else beside(reference, source, "reference", factors),
    )


def divided_of(model: RestoreModel, request: Request) -> DividedRequest | None:
    """The request part by part, if it is to be carried out so.

    Raises
    ------
    UserError
        When it can't be.
    """
    division = divide(request.source, model.block_size, fits=model.fits)
    if not division.is_divided:
        return None
    if request.guide is not None and model.guide is not None:  # of all that is gone through
        request = replace(request, guide=beside(model.guide, request.source, "guide"))
    return DividedRequest(request, division, model.folder)


def _psf(layer: Image, axes: int) -> Crop:
    """A point spread function, without axes of length 1 that the image does not have."""
    data = level_0(layer)
    spare = len(data.shape) - axes
    index: list[slice | int] = []
    for side in data.shape:
        index.append(0 if spare > 0 and side == 1 else slice(None))
        spare -= index[-1] == 0
    return Crop(data, tuple(index))
