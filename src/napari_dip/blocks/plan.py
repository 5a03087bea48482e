"""What all blocks of a picture share, decided once: value range, noise level, settings, seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_dip.axes import Fitting
from napari_dip.blocks.cutting import Block, Grid, cut
from napari_dip.errors import UserError
from napari_dip.file_restoration import READERS
from napari_dip.files import read_image
from napari_dip.files.lazy import LazyPicture, open_lazily
from napari_dip.job import Job
from napari_dip.restoration import prepare
from napari_dip.series import continued
from napari_dip.tasks import task_from_dict
from napari_dip.tasks.base import Side, Task
from napari_dip.value_range import Extent

DEPTH = 64
"""Slices of a block of a volume."""

Array = NDArray[Any]

Given = Path | LazyPicture
"""A file, or a picture that is open: that of a layer, for items that stay in this process."""


@dataclass(frozen=True)
class Source:
    """A picture, with what is beside it, and how it is to be fitted.

    Attributes
    ----------
    picture, axes
        The picture, and the letters of its axes.
    fitting
        Which axes are fitted together.
    sides
        Mask and PSF.
    mask_keeps
        The mask marks what is known.
    """

    picture: Given
    axes: str
    fitting: Fitting
    sides: Mapping[Side, Given]
    mask_keeps: bool = False

    @property
    def path(self) -> Path:
        """The picture's, or its name."""
        return _path(self.picture)

    @property
    def names(self) -> dict[str, str]:
        """What is beside the picture, by what it is for."""
        return {side: str(_path(given)) for side, given in self.sides.items()}

    @property
    def kept(self) -> list[int]:
        """The axes that are fitted."""
        return [i for i, a in enumerate(self.axes) if a not in self.fitting.each]

    @property
    def series(self) -> str:
        """The axis along which entries that are fitted one by one resemble each other."""
        return next((a for a in "TZ" if a in self.fitting.each), "")

    @property
    def letters(self) -> str:
        """Of the axes that are fitted."""
        return "".join(self.fitting.fitted[i] for i in self.kept)

    def open(self) -> LazyPicture:
        return _opened(self.picture, self.axes)

    def psf(self) -> Array | None:
        """The point spread function, if there is one."""
        given = self.sides.get("psf")
        if isinstance(given, LazyPicture):
            return given.read()
        return None if given is None else READERS["psf"](read_image(given))

    def fitted(self, values: Array) -> Array:
        """A box without the axes whose entries are fitted one by one."""
        return values[tuple(slice(None) if i in self.kept else 0 for i in range(values.ndim))]

    def beside(self, block: Block) -> dict[str, Array]:
        """What is given beside a box of the picture."""
        given = {}
        if "mask" in self.sides:
            with _opened(self.sides["mask"]) as mask:
                missing = _covering(mask, self.axes, block) != 0
            given["mask"] = self.fitted(missing != self.mask_keeps)
        if (psf := self.psf()) is not None:
            given["psf"] = psf
        return given


def _path(given: Given) -> Path:
    return given.path if isinstance(given, LazyPicture) else given


def _opened(given: Given, axes: str | None = None) -> LazyPicture:
    return given if isinstance(given, LazyPicture) else open_lazily(given, axes)


def _covering(mask: LazyPicture, letters: str, block: Block) -> Array:
    """A mask's box, spread over the axes that it does not have."""
    slices = dict(zip(letters, block.slices, strict=True))
    own = mask.axes.letters
    values = mask.read(tuple(slices.get(letter, slice(None)) for letter in own))
    if "S" in own and "S" not in letters:
        colours = values[..., :-1] if values.shape[-1] in (2, 4) else values
        values, own = (colours != 0).any(axis=-1), own.replace("S", "")
    if not set(own) <= set(letters):
        raise UserError(f"mask: its axes {own} are not the picture's {letters}; give it the same")
    order = [own.index(a) for a in letters if a in own]
    shape = [n if a in own else 1 for a, n in zip(letters, block.shape, strict=True)]
    try:
        return np.broadcast_to(values.transpose(order).reshape(shape), block.shape)
    except ValueError:
        raise UserError(
            f"mask: its shape {mask.shape} is not the picture's; make it as large as the picture"
        ) from None


@dataclass(frozen=True)
class Group:
    """What blocks of one channel (or of all, if they are fitted jointly) share."""

    extent: Extent
    task: Task
    """Nothing is left open."""


@dataclass(frozen=True)
class Plan:
    """What all blocks of a picture share.

    Attributes
    ----------
    source
        The picture.
    groups
        By the channel's number, if channels are fitted one by one; else one group, of "".
    factors
        How many times finer the result is along each axis.
    data_range, seed, device
        As in `restore`.
    warm
        Each frame starts from the weights of the one before.
    """

    source: Source
    groups: Mapping[str, Group]
    factors: tuple[int, ...]
    data_range: float
    seed: int
    device: str
    warm: bool

    def group(self, block: Block) -> Group:
        return self.groups[channel_of(self.source, block)]

    def job(self, block: Block, values: Array, *, follows: bool = False) -> Job:
        """The fit of a block, which may follow that of a frame before."""
        group = self.group(block)
        return prepare(
            self.source.fitted(values),
            continued(group.task) if follows else group.task,
            axes=self.source.letters,
            data_range=self.data_range,
            device=self.device,
            seed=self.seed,
            extent=group.extent,
            **self.source.beside(block),
        )

    def decided(self) -> dict[str, Any]:
        """What was decided, as JSON values."""
        groups = {
            key: {
                "extent": asdict(group.extent),
                "task": {"task": group.task.name, **group.task.to_dict()},
            }
            for key, group in self.groups.items()
        }
        return {"groups": groups, "factors": self.factors, "data_range": self.data_range}

    @classmethod
    def restored(
        cls, source: Source, decided: Mapping[str, Any], *, seed: int, device: str, warm: bool
    ) -> Self:
        """The plan that `decided` tells of."""
        groups = {
            key: Group(
                Extent(**{name: tuple(values) for name, values in group["extent"].items()}),
                task_from_dict(group["task"]),
            )
            for key, group in decided["groups"].items()
        }
        factors = tuple(decided["factors"])
        return cls(source, groups, factors, decided["data_range"], seed, device, warm)


def channel_of(source: Source, block: Block) -> str:
    """The group that a box belongs to."""
    return str(block.start[source.axes.index("C")]) if "C" in source.fitting.each else ""


def sides_of(fitting: Fitting, joint: Mapping[str, int]) -> tuple[int, ...]:
    """Sides of a box: one pixel along axes that are gone through, all of the others not named."""
    letters = zip(fitting.letters, fitting.fitted, strict=True)
    return tuple(1 if own in fitting.each else joint.get(a, 10**9) for own, a in letters)


@dataclass(frozen=True)
class Layout:
    """Blocks, and over how many pixels they fade into each other along each axis."""

    grid: Grid
    overlaps: tuple[int, ...]


def blocks_for(fitting: Fitting, shape: tuple[int, ...], block: int | None, overlap: int) -> Layout:
    """Cut a picture into blocks: of `block` pixels along y and x, and as suits along z.

    Without `block` only the axes are cut whose entries are fitted one by one.
    """
    if block is None:
        return Layout(cut(shape, sides_of(fitting, {}), (0,) * len(shape)), (0,) * len(shape))
    depth = min(block, DEPTH)
    sides = sides_of(fitting, {"Y": block, "X": block, "Z": depth})
    most = {"Y": overlap, "X": overlap, "Z": min(overlap, depth // 4)}
    overlaps = tuple(
        0 if own in fitting.each else most.get(letter, 0)
        for own, letter in zip(fitting.letters, fitting.fitted, strict=True)
    )
    return Layout(cut(shape, sides, overlaps), overlaps)
