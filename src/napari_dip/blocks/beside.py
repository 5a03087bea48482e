"""What lies beside a picture and is read box by box with it: masks and guides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_dip.axes import CHANNELS
from napari_dip.blocks.cutting import Block
from napari_dip.errors import UserError
from napari_dip.files.lazy import LazyPicture

Array = NDArray[Any]


def mask_over(mask: LazyPicture, letters: str, block: Block) -> Array:
    """A mask's box, not zero where it marks pixels, spread over the axes that it does not have."""
    slices = dict(zip(letters, block.slices, strict=True))
    own = mask.axes.letters
    values = mask.read(tuple(slices.get(letter, slice(None)) for letter in own))
    if "S" in own and "S" not in letters:
        colours = values[..., :-1] if values.shape[-1] in (2, 4) else values
        values, own = (colours != 0).any(axis=-1), own.replace("S", "")
    if not set(own) <= set(letters):
        raise UserError(f"mask: its axes {own} are not the picture's {letters}; give it the same")
    try:
        return _spread(values, own, dict(zip(letters, block.shape, strict=True)))
    except ValueError:
        raise UserError(
            f"mask: its shape {mask.shape} is not the picture's; make it as large as the picture"
        ) from None


def guide_axes(guide: LazyPicture, picture: LazyPicture, letters: str) -> str:
    """The letters of a guide's axes, checked against a picture and the letters of its.

    Channels and colours are the guide's own. Along T and Z it may have one entry for all.

    Raises
    ------
    UserError
        When its shape is another.
    """
    if guide.shape == picture.shape:
        return letters
    own = guide.axes.letters
    lengths = dict(zip(letters, picture.shape, strict=True))
    for letter, length in zip(own, guide.shape, strict=True):
        is_one_for_all = letter in "TZ" and length == 1
        if letter not in CHANNELS and not is_one_for_all and length != lengths.get(letter):
            raise UserError(
                f"guide: its shape {guide.shape} ({own}) does not match the picture's "
                f"{picture.shape} ({letters}); align and crop the two pictures to one size"
            )
    return own


def guide_over(
    guide: LazyPicture, own: str, letters: str, block: Block, each: str
) -> tuple[Array, str]:
    """A guide's box, spread over the axes that it does not have, and the letters of its axes.

    Parameters
    ----------
    guide, own
        The guide, and the letters of its axes.
    letters, block
        Those of the picture's, and the box in it.
    each
        The axes that are left out, for their entries are fitted one by one.

    Returns
    -------
    values, axes
        The picture's axes of space in its order, then the guide's own channels.
    """
    slices = dict(zip(letters, block.slices, strict=True))
    lengths = dict(zip(own, guide.shape, strict=True))
    values = guide.read(
        tuple(slice(None) if n == 1 or a in CHANNELS else slices[a] for a, n in lengths.items())
    )
    sides = dict(zip(letters, block.shape, strict=True))
    sides = {a: n for a, n in sides.items() if a not in each and a not in CHANNELS}
    sides |= {a: n for a, n in lengths.items() if a in CHANNELS}
    # What is left out, or holds for all, has one entry in the box.
    kept = [a for a, n in zip(own, values.shape, strict=True) if sides.get(a) == n]
    values = values[tuple(slice(None) if a in kept else 0 for a in own)]
    return _spread(values, kept, sides), "".join(sides)


def _spread(values: Array, own: Sequence[str], sides: Mapping[str, int]) -> Array:
    """Values over axes of these lengths, in this order: alike along those that they do not have."""
    order = [own.index(a) for a in sides if a in own]
    shape = [n if a in own else 1 for a, n in sides.items()]
    return np.broadcast_to(values.transpose(order).reshape(shape), tuple(sides.values()))
