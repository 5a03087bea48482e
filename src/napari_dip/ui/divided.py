"""What is restored part by part: a layer as a picture that is read box by box, never whole."""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_dip.axes import Axes
from napari_dip.blocks.mosaic import Mosaic, ResultExists
from napari_dip.blocks.source import Given
from napari_dip.blocks.source import Source as Picture
from napari_dip.errors import UserError
from napari_dip.files.lazy import LazyPicture
from napari_dip.tasks.base import Side
from napari_dip.ui.crops import Crop
from napari_dip.ui.division import LARGEST, Division
from napari_dip.ui.worker import Request


class Temporary:
    """A folder that goes when nobody holds this any more, or when Python ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="napari-dip-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True)
class DividedRequest:
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

    asked: Request
    division: Division
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
        sides: dict[Side, Given] = {}
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
        axes = asked.source.calibrated(division.letters)
        axes = replace(axes, name=f"{asked.source.name} [{asked.task.name}]")
        source = _picture(asked.source.name, asked.source.crop, axes)
        try:
            return Mosaic(
                Picture(source, division.letters, division.fitting, sides),
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


def _picture(name: str, crop: Crop, axes: Axes) -> LazyPicture:
    """A layer's box. Its name tells it from another one when a run is to be resumed."""
    sample = [crop[_some(crop.shape, part)] for part in (0.0, 0.5, 1.0)]
    mark = zlib.crc32(b"".join(np.ascontiguousarray(values).tobytes() for values in sample))
    return LazyPicture(crop, axes, Path(f"{name} {mark:08x}"))


def _some(shape: tuple[int, ...], part: float) -> tuple[slice, ...]:
    """A small box at the beginning, in the middle or at the end of an array."""
    starts = [round(part * max(0, length - 32)) for length in shape]
    return tuple(slice(start, start + 32) for start in starts)
