"""What all blocks of a picture share, decided once: value range, noise level, settings, seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from numpy.typing import NDArray

from napari_dip.axes import Fitting
from napari_dip.blocks.cutting import Block, Grid, cut
from napari_dip.blocks.source import Source, channel_of
from napari_dip.job import Job
from napari_dip.restoration import prepare
from napari_dip.series import continued
from napari_dip.tasks import task_from_dict
from napari_dip.tasks.base import Task
from napari_dip.value_range import Extent

DEPTH = 64
"""Slices of a block of a volume."""

Array = NDArray[Any]


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
    guide
        How far the guide's values reach, if there is one.
    factors
        How many times finer the result is along each axis.
    data_range, seed, device
        As in `restore`.
    warm
        Each frame starts from the weights of the one before.
    """

    source: Source
    groups: Mapping[str, Group]
    guide: Extent | None
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
            guide_extent=self.guide,
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
        guide = None if self.guide is None else asdict(self.guide)
        shared = {"factors": self.factors, "data_range": self.data_range}
        return {"groups": groups, "guide": guide, **shared}

    @classmethod
    def restored(
        cls, source: Source, decided: Mapping[str, Any], *, seed: int, device: str, warm: bool
    ) -> Self:
        """The plan that `decided` tells of."""
        groups = {
            key: Group(_extent(group["extent"]), task_from_dict(group["task"]))
            for key, group in decided["groups"].items()
        }
        guide = None if decided["guide"] is None else _extent(decided["guide"])
        factors = tuple(decided["factors"])
        return cls(source, groups, guide, factors, decided["data_range"], seed, device, warm)


def _extent(told: Mapping[str, Any]) -> Extent:
    """An extent from its JSON values."""
    return Extent(**{name: tuple(values) for name, values in told.items()})


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
