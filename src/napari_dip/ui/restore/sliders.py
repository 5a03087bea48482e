"""The viewer's sliders, which follow a run over frames and slices until a person moves them."""

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
    """Shows the frame that is being restored, until a person moves a slider.

    Parameters
    ----------
    dims
        The viewer's sliders.
    partition
        Tells the loop axes.
    """

    def __init__(self, dims: Dims, partition: Partition) -> None:
        self._dims, self._partition = dims, partition
        self._led_to: Start | None = None
        self._leads = True

    def shown(self, layer: Image) -> Start:
        """Where the frame on display begins."""
        return self._partition.frame_start(slice_position(layer, self._dims).tolist())

    def lead(self, layer: Image, start: Start) -> None:
        """Show the frame that contains the pixel `start`."""
        frame, shown = self._partition.frame_start(start), self.shown(layer)
        if self._led_to is not None and shown != self._led_to:
            self._leads = False
        if not self._leads or frame == self._led_to:
            return
        self._led_to = frame
        offset = self._dims.ndim - layer.ndim
        factors = unit_factors(self._dims.units, layer.units)
        point = np.asarray(layer.data_to_world(frame[: layer.ndim])) / factors
        for axis in self._partition.loop_axes:
            self._dims.set_point(offset + axis, float(point[axis]))

    def stay(self) -> None:
        """Lead no more: a person looks at the frame on display."""
        self._leads = False
