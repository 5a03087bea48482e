"""Work on a thread of its own, and what the window needs to watch and steer it.

Nothing is signalled: the window asks, at its own pace, for the newest update. So updates can't
pile up, none can arrive after its run or its window is gone, and an error can't be swallowed on
its way. The thread knows neither Qt nor napari.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.data.axes import Axes
from napari_dip.errors import UserError
from napari_dip.files.lazy import LazyImage
from napari_dip.restoration.files import with_anisotropy
from napari_dip.restoration.job import Job
from napari_dip.restoration.restore import prepare
from napari_dip.tasks.base import InputName, Task
from napari_dip.tiling.mosaic import Mosaic, ResultExists
from napari_dip.tiling.source import Given, TiledPicture
from napari_dip.ui.layers.crop import Crop
from napari_dip.ui.layers.regions import chosen_source, mask_of
from napari_dip.ui.layers.source import LayerSource, finest_level, input_from_layer
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.restore.partition import LARGEST, Partition, divide

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image


@dataclass(frozen=True)
class RestoreRequest:
    """Everything that a run needs, taken down when it is asked for.

    `names` are the layers' beside the image, by their role.
    """

    task: Task
    source: LayerSource
    mask: Crop | None = None
    guide: Crop | None = None
    psf: Crop | None = None
    reference: Crop | None = None
    device: str = "auto"
    seed: int = 0
    names: tuple[tuple[str, str], ...] = ()

    @property
    def factors(self) -> tuple[int, ...]:
        """How many times finer the result is than the image, along each axis of space."""
        return self.task.factors(len(self.source.space))

    def prepare(self) -> Job:
        """Read the layers and check everything."""
        source = self.source
        return prepare(
            source.crop.read(),
            with_anisotropy(self.task, source.axes_of_tiff(source.axes)),
            axes=source.axes,
            mask=None if self.mask is None else self.mask.read(),
            guide=None if self.guide is None else self.guide.read(),
            psf=None if self.psf is None else self.psf.read(),
            reference=None if self.reference is None else self.reference.read(),
            device=self.device,
            seed=self.seed,
        )


class Temporary:
    """A folder that goes when nobody holds this any more, or when Python ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="napari-dip-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True)
class TiledRequest:
    """What is to be restored part by part.

    Attributes
    ----------
    asked
        Task, layers, device and seed.
    division
        Which parts.
    folder
        Where the result is to be; None for a temporary one.
    """

    asked: RestoreRequest
    division: Partition
    folder: Path | None = None

    @property
    def factors(self) -> tuple[int, ...]:
        """How many times finer the result is, along each axis of the array."""
        fine = dict(zip(self.asked.source.space, self.asked.factors, strict=True))
        return tuple(fine.get(axis, 1) for axis in range(len(self.division.letters)))

    @property
    def is_large(self) -> bool:
        """Whether the result is shown at several levels."""
        sides = zip(self.asked.source.sides[-2:], self.asked.factors[-2:], strict=True)
        return max(side * factor for side, factor in sides) > LARGEST

    @property
    def file_name(self) -> str:
        """Of the result, made of the layer's name and the task's."""
        name = re.sub(r"[^\w .()+-]+", "_", self.asked.source.name).strip(" .") or "image"
        return f"{name}_{self.asked.task.name}.ome.zarr"

    def mosaic(self, folder: Path, should_stop: Callable[[], bool]) -> Mosaic:
        """Go over the picture and decide what its parts share; on the thread.

        Raises
        ------
        UserError
            When something can't be used.
        Stopped
            When `should_stop` said so.
        """
        asked, division = self.asked, self.division
        output = folder / self.file_name
        sides: dict[InputName, Given] = {}
        flat = division.letters.replace("S", "")
        if asked.mask is not None:
            letters = flat[len(flat) - len(asked.mask.shape) :]
            sides["mask"] = _picture(dict(asked.names)["mask"], asked.mask, Axes(letters))
        if asked.guide is not None:
            own = len(asked.guide.index)
            letters = flat[len(flat) - own :] + "S" * (len(asked.guide.shape) - own)
            sides["guide"] = _picture(dict(asked.names)["guide"], asked.guide, Axes(letters))
        if asked.psf is not None:
            letters = "ZYX"[-len(asked.psf.shape) :]
            sides["psf"] = _picture(dict(asked.names)["psf"], asked.psf, Axes(letters))
        axes = asked.source.axes_of_tiff(division.letters)
        axes = replace(axes, name=f"{asked.source.name} [{asked.task.name}]")
        source = _picture(asked.source.name, asked.source.crop, axes)
        try:
            return Mosaic(
                TiledPicture(source, division.letters, division.fitting, sides),
                output,
                asked.task,
                name=asked.source.name,
                block=division.block,
                overlap=division.overlap,
                seed=asked.seed,
                device=asked.device,
                resume=True,
                should_stop=should_stop,
            )
        except ResultExists:
            raise UserError(
                f"results in: {output} exists already and was made in another way; choose another "
                "folder, or remove it"
            ) from None


def _picture(name: str, crop: Crop, axes: Axes) -> LazyImage:
    """A layer's box. Its name tells it from another one when a run is to be resumed."""
    sample = [crop[_some(crop.shape, part)] for part in (0.0, 0.5, 1.0)]
    mark = zlib.crc32(b"".join(np.ascontiguousarray(values).tobytes() for values in sample))
    return LazyImage(crop, axes, Path(f"{name} {mark:08x}"))


def _some(shape: tuple[int, ...], part: float) -> tuple[slice, ...]:
    """A small box at the beginning, in the middle or at the end of an array."""
    starts = [round(part * max(0, length - 32)) for length in shape]
    return tuple(slice(start, start + 32) for start in starts)


def request_of(model: RestoreModel, dims: Dims) -> RestoreRequest:
    """All that a run needs.

    Raises
    ------
    UserError
        When something is missing, or layers don't go together.
    """
    if model.form_error:
        raise UserError(model.form_error)
    source, task, image = chosen_source(model, dims), model.task, model.image
    assert image is not None  # chosen_source has asked for it
    for role in task.needs:
        if getattr(model, role) is None:
            raise UserError(f"{role}: {task.title} needs one; choose a layer")
    used = {r: getattr(model, r) for r in (*task.accepts, "reference")}
    names = tuple((r, layer.name) for r, layer in used.items() if layer is not None)
    request = RestoreRequest(task, source, device=model.device, seed=model.seed, names=names)
    factors = request.factors
    mask, guide, psf, reference = (used.get(r) for r in ("mask", "guide", "psf", "reference"))
    return replace(
        request,
        mask=None if mask is None else mask_of(mask, image, source),
        guide=None if guide is None else input_from_layer(guide, source, "guide", flat=True),
        psf=None if psf is None else _psf(psf, len(source.space)),
        reference=None
        if reference is None
        else input_from_layer(reference, source, "reference", factors),
    )


def divided_of(model: RestoreModel, request: RestoreRequest) -> TiledRequest | None:
    """The request part by part, if it is to be carried out so.

    Raises
    ------
    UserError
        When it can't be.
    """
    division = divide(request.source, model.tile_size, fits=model.fits)
    if not division.is_divided:
        return None
    if request.guide is not None and model.guide is not None:  # of all that is gone through
        request = replace(request, guide=input_from_layer(model.guide, request.source, "guide"))
    return TiledRequest(request, division, model.folder)


def _psf(layer: Image, axes: int) -> Crop:
    """A point spread function, without axes of length 1 that the image does not have."""
    data = finest_level(layer)
    spare = len(data.shape) - axes
    index: list[slice | int] = []
    for side in data.shape:
        index.append(0 if spare > 0 and side == 1 else slice(None))
        spare -= index[-1] == 0
    return Crop(data, tuple(index))
