"""The plot of a line profile."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_dip.ui.compare.layer_table import colour_of
from napari_dip.ui.compare.profile import Profiles
from napari_dip.ui.widgets.curves import MARK


class ProfilePlot(QWidget):
    """The values along a line, in a colour for each layer."""

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._plot = pg.PlotWidget(background=None)
        # Its own hint is a whole window's size.
        self._plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._plot.setFixedHeight(170)
        self._plot.setToolTip(
            "The values along the line, each layer's in the colour of its letter; of a colour "
            "picture it is the luminance"
        )
        self._item = self._plot.getPlotItem()
        self._item.setMenuEnabled(False)
        self._item.hideButtons()
        for side, text in (("left", "value"), ("bottom", "distance")):
            axis = self._item.getAxis(side)
            axis.setLabel(text, color=MARK)
            axis.setTextPen(MARK)
            axis.enableAutoSIPrefix(False)
        # The label's own height cuts its descenders.
        self._item.getAxis("bottom").setHeight(44)
        layout.addWidget(self._plot)

    def show_profiles(self, profiles: Profiles) -> None:
        """Show the values of all layers, the later over the earlier."""
        self._item.clear()
        for place, (distances, values) in enumerate(profiles.lines):
            self._item.plot(
                distances, values, pen=pg.mkPen(colour_of(place), width=2), connect="finite"
            )
        unit = f" / {profiles.unit}" if profiles.unit else ""
        self._item.getAxis("bottom").setLabel(f"distance{unit}", color=MARK)
