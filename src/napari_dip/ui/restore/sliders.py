"""The viewer's sliders: which frame or slice of a layer they show, and moving them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_dip.ui.layers.kwargs import unit_factors
from napari_dip.ui.layers.source import slice_position
from napari_dip.ui.restore.partition import Partition, Start

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image


class Sliders:
    """They go along with what is being restored until a person moves them.

    Parameters
    ----------
    dims
        The viewer's.
    division
        Which axes of the layers' array they go through.
    """

    def __init__(self, dims: Dims, division: Partition) -> None:
        self._dims, self._division = dims, division
        self._led: Start | None = None
        self._leads = True

    def shown(self, layer: Image) -> Start:
        """Where the frame or slice begins that is on display."""
        return self._division.start_of(slice_position(layer, self._dims).tolist())

    def lead(self, layer: Image, start: Start) -> None:
        """Show the frame or slice that holds what begins here."""
        entry, here = self._division.start_of(start), self.shown(layer)
        if self._led is not None and here != self._led:
            self._leads = False
        if not self._leads or entry == self._led:
            return
        self._led = entry
        offset = self._dims.ndim - layer.ndim
        factors = unit_factors(self._dims.units, layer.units)
        point = np.asarray(layer.data_to_world(entry[: layer.ndim])) / factors
        for axis in self._division.each:
            self._dims.set_point(offset + axis, float(point[axis]))

    def stay(self) -> None:
        """Go along no more: a person looks at what is on display."""
        self._leads = False
