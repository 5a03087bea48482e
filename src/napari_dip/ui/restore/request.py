"""Everything that a run of the Restore dock needs, recorded when Run is pressed."""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.data.axes import Axes
from napari_dip.data.masks import read_mask
from napari_dip.errors import UserError
from napari_dip.files.inputs import InputFiles
from napari_dip.files.lazy import LazyImage
from napari_dip.restoration.job import Job
from napari_dip.restoration.restore import prepare
from napari_dip.tasks.base import Task
from napari_dip.tiling.mosaic import Mosaic, ResultExists
from napari_dip.tiling.plan import MosaicRequest
from napari_dip.tiling.source import TiledSource
from napari_dip.ui.layers.crop import Crop
from napari_dip.ui.layers.regions import chosen_source, mask_of
from napari_dip.ui.layers.source import LayerSource, finest_level, input_from_layer
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.restore.partition import LARGEST_WHOLE, Partition, partition_of

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image


_SAMPLE_SIDE = 32
"""Side in pixels of the boxes whose checksum tells layers of one name apart."""


class TemporaryFolder:
    """A folder that is removed when this object is no longer referenced, or when Python ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="napari-dip-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True)
class RestoreRequest:
    """Everything that a run needs.

    Attributes
    ----------
    task
        The settings.
    source, partition
        What is restored, and how it is divided.
    mask, guide, psf, reference
        The inputs, not read yet.
    names
        The layers of the inputs: pairs of an input's name and its layer's.
    device, seed
        As in `restore`.
    folder
        Where the result of a tiled run goes; None for a temporary folder.
    """

    task: Task
    source: LayerSource
    partition: Partition
    mask: Crop | None = None
    guide: Crop | None = None
    psf: Crop | None = None
    reference: Crop | None = None
    names: tuple[tuple[str, str], ...] = ()
    device: str = "auto"
    seed: int = 0
    folder: Path | None = None

    @property
    def name(self) -> str:
        """The name of the result's layer."""
        return f"{self.source.name} [{self.task.name}]"

    @property
    def factors(self) -> tuple[int, ...]:
        """How many times finer the result is than the image, along each axis of space."""
        return self.task.factors(len(self.source.space))

    @property
    def is_multiscale(self) -> bool:
        """Whether the result's layer is a pyramid of several levels."""
        sides = zip(self.source.sides[-2:], self.factors[-2:], strict=True)
        is_large = max(side * factor for side, factor in sides) > LARGEST_WHOLE
        return self.partition.is_tiled and is_large

    @property
    def file_name(self) -> str:
        """The name of a tiled run's result: the layer's name and the task's."""
        name = re.sub(r"[^\w .()+-]+", "_", self.source.name).strip(" .") or "image"
        return f"{name}_{self.task.name}.ome.zarr"

    def prepare(self) -> Job:
        """Read the layers and check everything, for a run in memory.

        Raises
        ------
        UserError
            When something can't be used.
        """
        source = self.source
        crops = {name: getattr(self, name) for name in ("mask", "guide", "psf", "reference")}
        inputs: dict[str, Any]
        inputs = {name: None if crop is None else crop.read() for name, crop in crops.items()}
        notes = [note for record in source.readings for note in record.notes]
        if self.mask is not None and (samples := len(self.mask.shape) - len(self.mask.index)):
            letters = "TZC"[: len(self.mask.shape) - samples - 2] + "YX" + "S" * samples
            inputs["mask"], found = read_mask(inputs["mask"], letters)
            notes += found
        return prepare(
            source.crop.read(),
            self.task.with_anisotropy(source.calibrated_axes(source.axes)),
            axes=source.axes,
            device=self.device,
            seed=self.seed,
            guide_axes=self._guide_axes,
            notes=notes,
            **inputs,
        )

    @property
    def _guide_axes(self) -> str | None:
        """Letters of a guide's axes, if it is in colour; as the image's, or guessed, if not."""
        guide = self.guide
        if guide is None or len(guide.shape) == len(guide.index):
            return None
        return "ZYX"[-len(self.source.space) :] + "S"

    def mosaic(self, folder: Path, should_stop: Callable[[], bool]) -> Mosaic:
        """Survey the image and plan its tiles, for a tiled run.

        Raises
        ------
        UserError
            When something can't be used.
        Stopped
            When `should_stop` said so.
        """
        partition = self.partition
        output = folder / self.file_name
        axes = self.source.calibrated_axes(partition.letters)
        source = _lazy_image(self.source.name, self.source.crop, replace(axes, name=self.name))
        for record in self.source.readings:
            source = replace(source, record=record)
        try:
            return Mosaic.open(
                MosaicRequest(
                    source=TiledSource(
                        source, partition.letters, partition.axis_plan, self._inputs()
                    ),
                    output=output,
                    task=self.task,
                    name=self.source.name,
                    tile=partition.tile,
                    overlap=partition.overlap,
                    seed=self.seed,
                    device=self.device,
                ),
                resume=True,
                should_stop=should_stop,
            )
        except ResultExists:
            raise UserError(
                f"results in: {output} exists already and was made in another way; choose another "
                "folder, or remove it"
            ) from None

    def _inputs(self) -> InputFiles:
        """Mask, guide and PSF with the letters of their axes."""
        names = dict(self.names)
        letters = self.partition.letters.replace("S", "")
        inputs: dict[str, Any] = {}
        if (mask := self.mask) is not None:
            count = len(mask.index)
            axes = Axes(letters[len(letters) - count :] + "S" * (len(mask.shape) - count))
            inputs["mask"] = _lazy_image(names["mask"], mask, axes)
        if (guide := self.guide) is not None:
            count = len(guide.index)
            axes = Axes(letters[len(letters) - count :] + "S" * (len(guide.shape) - count))
            inputs["guide"] = _lazy_image(names["guide"], guide, axes)
        if (psf := self.psf) is not None:
            inputs["psf"] = _lazy_image(names["psf"], psf, Axes("ZYX"[-len(psf.shape) :]))
        return InputFiles(**inputs)


def _lazy_image(name: str, crop: Crop, axes: Axes) -> LazyImage:
    """A layer's box as a lazy image, with a name that tells it from others in a resumed run."""
    samples = [crop[_sample_box(crop.shape, at)] for at in (0.0, 0.5, 1.0)]
    checksum = zlib.crc32(b"".join(np.ascontiguousarray(values).tobytes() for values in samples))
    return LazyImage(crop, axes, Path(f"{name} {checksum:08x}"))


def _sample_box(shape: tuple[int, ...], at: float) -> tuple[slice, ...]:
    """A small box of an array, from its first corner (`at` is 0) to its last (1)."""
    starts = [round(at * max(0, length - _SAMPLE_SIDE)) for length in shape]
    return tuple(slice(start, start + _SAMPLE_SIDE) for start in starts)


def request_of(model: RestoreModel, dims: Dims) -> RestoreRequest:
    """Make the request that the form describes.

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
    partition = partition_of(source, model.tile_size, fits=model.fits)
    roles: tuple[str, ...] = (*task.accepts, "reference")
    layers = {name: getattr(model, name) for name in roles if getattr(model, name) is not None}
    request = RestoreRequest(
        task,
        source,
        partition,
        names=tuple((name, layer.name) for name, layer in layers.items()),
        device=model.device,
        seed=model.seed,
        folder=model.folder,
    )
    crops: dict[str, Any] = {}
    for name, layer in layers.items():
        if name == "mask":
            crops[name] = mask_of(layer, image, source)
        elif name == "guide":
            crops[name] = input_from_layer(layer, source, name, flat=not partition.is_tiled)
        elif name == "psf":
            crops[name] = _psf(layer, len(source.space))
        else:
            crops[name] = input_from_layer(layer, source, name, request.factors)
    return replace(request, **crops)


def _psf(layer: Image, axes: int) -> Crop:
    """A point spread function without those axes of length 1 that the image does not have."""
    data = finest_level(layer)
    spare = len(data.shape) - axes
    index: list[slice | int] = []
    for side in data.shape:
        index.append(0 if spare > 0 and side == 1 else slice(None))
        spare -= index[-1] == 0
    return Crop(data, tuple(index))
