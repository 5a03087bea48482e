import numpy as np
import pyqtgraph as pg
import pytest

from napari_dip.ui.compare.layer_table import LETTER_COLOURS
from napari_dip.ui.compare.profile import Profiles
from napari_dip.ui.compare.profile_plot import ProfilePlot

from ..find import plot_item


@pytest.fixture
def plot(qtbot):
    plot = ProfilePlot()
    qtbot.addWidget(plot)
    return plot


def curves(plot):
    return plot_item(plot).listDataItems()


def test_a_curve_for_each_layer_in_the_colour_of_its_letter(plot):
    x = np.linspace(0, 3, 4)
    plot.show_profiles(Profiles(((x, x), (x, 2 * x)), "µm"))
    assert [curve.opts["pen"].color().name() for curve in curves(plot)] == list(LETTER_COLOURS[:2])
    assert [curve.getData()[1][-1] for curve in curves(plot)] == [3, 6]
    assert "distance / µm" in plot_item(plot).getAxis("bottom").labelString()
    plot.show_profiles(Profiles(((x, x),), ""))
    assert len(curves(plot)) == 1
    assert "/" not in plot_item(plot).getAxis("bottom").labelText


def test_gaps_stay_gaps(plot):
    x = np.arange(4.0)
    plot.show_profiles(Profiles(((x, np.array([0, np.nan, 2, 3])),), ""))
    (curve,) = curves(plot)
    assert curve.opts["connect"] == "finite"
    assert isinstance(curve, pg.PlotDataItem)
