"""How the samples of a TIFF become what a viewer shows, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import PHOTOMETRIC

from napari_dip.data.reading import NoteKind
from napari_dip.files.metadata import Metadata
from napari_dip.files.orientation import UPRIGHT, swaps_sides, upright
from napari_dip.files.tiff_series import TiffImage

_ORIENTATION = 274
"""The number of the tag that says how the picture has to be turned."""

_FEW_BITS = {2: 85, 4: 17}
"""Factors from the values of 2- and 4-bit samples to those of 8 bits."""


@dataclass(frozen=True)
class TiffPixels:
    """How stored samples become those that a viewer shows.

    Attributes
    ----------
    orientation
        The value of the tag.
    white_is_zero
        The least value is white.
    bits
        Bits of a sample.
    colours
        The palette, (3, entries), of 16 bits; None if there is none that gives the pixels' colours.
    """

    orientation: int = UPRIGHT
    white_is_zero: bool = False
    bits: int = 8
    colours: Any = None

    @classmethod
    def of(cls, image: TiffImage) -> TiffPixels:
        page = image.page
        tag = page.tags.get(_ORIENTATION)
        is_palette = page.photometric == PHOTOMETRIC.PALETTE and not image.file.is_imagej
        return cls(
            orientation=int(tag.value) if tag is not None and 1 <= int(tag.value) <= 8 else UPRIGHT,
            white_is_zero=page.photometric == PHOTOMETRIC.MINISWHITE,
            bits=int(np.max(page.bitspersample)),
            colours=page.colormap if is_palette else None,
        )

    @property
    def change(self) -> list[tuple[NoteKind, str]]:
        """What is changed, in words, and of which kind that is."""
        words = []
        if self.white_is_zero:
            text = "white is stored as the least value; it is read so that it looks the same"
            words.append((NoteKind.TOLD, text))
        if self.bits in _FEW_BITS and self.colours is None:
            text = f"its {self.bits}-bit values are spread over 8 bits"
            words.append((NoteKind.CHANGED, text))
        if self.colours is not None:
            words.append((NoteKind.CHANGED, "its palette is replaced by RGB"))
        if self.orientation != UPRIGHT:
            text = f"it is turned upright, as its orientation ({self.orientation}) says"
            words.append((NoteKind.TOLD, text))
        return words

    def applied(
        self, data: NDArray[Any], axes: str, metadata: Metadata
    ) -> tuple[NDArray[Any], str, Metadata]:
        """The samples, their axes, and the metadata, as they are to be seen."""
        if self.colours is not None:
            data = np.moveaxis((np.asarray(self.colours) >> 8).astype(np.uint8)[:, data], 0, -1)
            axes += "S"
        elif self.bits in _FEW_BITS and data.dtype == np.uint8:
            data = data * np.uint8(_FEW_BITS[self.bits])
        if self.white_is_zero:
            few = self.bits in _FEW_BITS
            data = inverted(data, axes, 8 if few else self.bits)
        data = upright(data, axes, self.orientation)
        if self.orientation != UPRIGHT:
            metadata = replace(metadata, tags=metadata.tags.upright())
        if swaps_sides(self.orientation):
            metadata = metadata.transposed()
        return data, axes, metadata


def inverted(data: NDArray[Any], axes: str, bits: int) -> NDArray[Any]:
    """Samples with black and white exchanged; twice it gives them back.

    Whole numbers are subtracted from the greatest (and, if signed, from the least one too), floats
    within [0, 1] from 1, and of others the sign changes. Transparency stays.
    """
    if axes.endswith("S") and data.shape[-1] == 2:
        colour = inverted(data[..., :1], axes[:-1], bits)
        return np.concatenate([colour, data[..., 1:]], axis=-1)
    kind = data.dtype.kind
    if kind in "bi":
        return np.asarray(~data)
    if kind == "u":
        most = min(2**bits - 1, int(np.iinfo(data.dtype).max))
        whole: NDArray[Any] = (most - data).astype(data.dtype)
        return whole
    is_unit = data.size > 0 and bool(np.nanmin(data) >= 0) and bool(np.nanmax(data) <= 1)
    return np.asarray(data.dtype.type(1) - data if is_unit else -data)
