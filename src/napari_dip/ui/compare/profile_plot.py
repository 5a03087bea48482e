"""The plot of a line profile."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_dip.ui.compare.layer_table import letter_colour
from napari_dip.ui.compare.profile import Profiles
from napari_dip.ui.widgets.curves import AXIS_COLOUR, make_plot

PLOT_HEIGHT, AXIS_HEIGHT = 170, 44
"""Heights of the plot and of its lower axis in pixels; a lower axis would cut off its label."""


class ProfilePlot(QWidget):
    """Plot of the values along a line, in a colour for each layer."""

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        plot = make_plot(PLOT_HEIGHT)
        plot.setToolTip(
            "The values along the line, each layer's in the colour of its letter; of a colour "
            "image, the luminance"
        )
        self._item = plot.getPlotItem()
        for side, text in (("left", "value"), ("bottom", "distance")):
            self._item.getAxis(side).setLabel(text, color=AXIS_COLOUR)
        self._item.getAxis("bottom").setHeight(AXIS_HEIGHT)
        layout.addWidget(plot)

    def show_profiles(self, profiles: Profiles) -> None:
        """Show the values of all layers, the later ones on top."""
        self._item.clear()
        for index, (distances, values) in enumerate(profiles.lines):
            self._item.plot(
                distances, values, pen=pg.mkPen(letter_colour(index), width=2), connect="finite"
            )
        unit = f" / {profiles.unit}" if profiles.unit else ""
        self._item.getAxis("bottom").setLabel(f"distance{unit}", color=AXIS_COLOUR)
