"""How far a picture has come that is restored block by block."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_dip.blocks.cutting import Block


@dataclass(frozen=True)
class Waiting:
    """A block that is done and waits for its neighbours.

    Attributes
    ----------
    block
        Where it lies in the result.
    core
        The same up to the middle of its overlaps: beyond, a neighbour counts more.
    values
        The file of its values.
    """

    block: Block
    core: Block
    values: Path


@dataclass(frozen=True)
class State:
    """How far a picture has come, in the pixels and the order of axes of its source's result.

    Attributes
    ----------
    written
        Boxes that are in the store.
    waiting
        Blocks that are done and can't be written yet.
    """

    written: tuple[Block, ...] = ()
    waiting: tuple[Waiting, ...] = ()
