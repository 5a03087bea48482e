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
        It.
    core
        It without a margin at its neighbours, where it would fade into them: half the overlap.
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
