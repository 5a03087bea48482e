"""The Qt view of the Compare dock, without a window."""

import threading

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QCoreApplication, QEvent, QTimer
from qtpy.QtWidgets import QLabel, QPushButton, QSlider

from napari_dip.data.metrics import ssim
from napari_dip.ui.compare import reads
from napari_dip.ui.compare import view as compare
from napari_dip.ui.compare.comparison import Mode
from napari_dip.ui.compare.displayed_slice import luminance
from napari_dip.ui.compare.layer_table import LayerTable
from napari_dip.ui.compare.profile_plot import ProfilePlot
from napari_dip.ui.compare.scores import noise_of
from napari_dip.ui.compare.view import QtCompareView

from ..find import button, fields, find, plot_item

rng = np.random.default_rng(0)


@pytest.fixture(autouse=True, scope="module")
def _imported():
    """Import what reads need: on a busy machine that takes longer than they do."""
    noise_of(rng.random((8, 8)))
    ssim(rng.random((8, 8)), rng.random((8, 8)), 1, None)
    luminance(rng.random((8, 8, 3)))


class Lazy:
    """An array like dask's or zarr's, whose reading waits and tells of its thread."""

    def __init__(self, values):
        self._values = values
        self.shape, self.dtype, self.ndim, self.size = (20, 30), values.dtype, 2, values.size
        self.may_read = threading.Event()
        self.threads = set()

    def __getitem__(self, index):
        self.threads.add(threading.current_thread())
        assert self.may_read.wait(10)
        return self._values[index]


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    for name in ("a", "b"):
        viewer.add_image(rng.random((20, 30)), name=name)
    return viewer


@pytest.fixture
def open_view(qtbot, viewer):
    """Make a view that follows the layers, as napari does for a dock."""

    def make():
        view = QtCompareView(viewer)
        qtbot.addWidget(view)
        events = viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered, events.renamed):
            event.connect(view.reset_choices)
        return view

    return make


@pytest.fixture
def view(open_view):
    return open_view()


def press(view, text):
    button(view, text).click()


def until(qtbot, condition):
    qtbot.waitUntil(lambda: bool(condition()), timeout=60_000)


def is_settled(view):
    """Whether nothing is to be done or read any more."""
    is_following = find(view, QTimer, "follow layers").isActive()
    return not (is_following or find(view, QTimer, "reads").isActive())


def settle(qtbot, view):
    until(qtbot, lambda: is_settled(view))


def message(view):
    return find(view, QLabel, "message").text()


def names(viewer):
    return [layer.name for layer in viewer.layers]


def table(view):
    return find(view, LayerTable)


def close(view):
    """Tell a view that it has lost its parent, as napari does when a dock is closed."""
    QCoreApplication.sendEvent(view, QEvent(QEvent.Type.ParentChange))


def scores(view, row):
    return [table(view).topLevelItem(row).text(column) for column in (2, 3, 4)]


def test_two_layers_are_ticked_to_begin_with(viewer, open_view):
    viewer.add_image(rng.random((20, 30)), name="c")
    viewer.add_image(rng.random((20, 30)), name="hidden", visible=False)
    assert [layer.name for layer in table(open_view()).chosen] == ["b", "c"]
    viewer.layers.selection = {viewer.layers["a"], viewer.layers["hidden"]}
    assert [layer.name for layer in table(open_view()).chosen] == ["a", "hidden"]


def test_buttons_compare_and_put_back(view, viewer, qtbot):
    press(view, "Side by side")
    assert viewer.canvas.grid.enabled
    press(view, "Curtain")
    until(qtbot, lambda: "Curtain: b" in viewer.layers)
    width = viewer.layers["Curtain: b"].data.shape[1]
    find(view, QSlider).setValue(100)
    assert viewer.layers["Curtain: b"].data.shape[1] > width
    press(view, "Difference")
    until(qtbot, lambda: "b - a" in viewer.layers)
    assert message(view) == "Added the layer 'b - a'."
    press(view, "As before")
    assert not viewer.canvas.grid.enabled
    assert names(viewer) == ["a", "b", "b - a"]


def test_buttons_show_how_it_is_compared(view, viewer, qtbot):
    def shown():
        return [
            text for text in (*map(str, Mode), "Line profile") if button(view, text).isChecked()
        ]

    assert not button(view, "As before").isEnabled()
    assert find(view, QSlider).isHidden()
    for mode in Mode:
        press(view, str(mode))
        assert shown() == [str(mode)]
        assert find(view, QSlider).isHidden() == (mode is not Mode.CURTAIN)
    settle(qtbot, view)
    press(view, "Line profile")
    assert shown() == ["Curtain", "Line profile"]
    press(view, "As before")
    assert shown() == []
    assert not button(view, "As before").isEnabled()


def test_the_slider_follows_a_drag(view, viewer, qtbot):
    press(view, "Curtain")
    settle(qtbot, view)
    view.comparison.curtain.moved.emit(0.25)
    assert find(view, QSlider).value() == 250


def test_flicker_names_the_shown_layer(view, viewer):
    press(view, "Flicker")
    assert message(view).startswith("B: b. Shift-C")
    press(view, "Flicker")
    assert message(view).startswith("A: a. Shift-C")


def test_scores_fill_the_table(view, viewer, qtbot):
    fields(view)["reference"].value = viewer.layers["a"]
    press(view, "Scores")
    until(qtbot, lambda: scores(view, 1)[2])
    assert scores(view, 0)[:2] == ["∞", "1.000"]
    assert float(scores(view, 1)[0]) < 20


def test_scores_without_a_reference_are_noise(view, viewer, qtbot):
    press(view, "Scores")
    until(qtbot, lambda: scores(view, 1)[2])
    assert scores(view, 0)[:2] == ["–", "–"]


def test_scores_say_what_is_missing(view, viewer, qtbot):
    fields(view)["reference"].value = viewer.add_image(
        rng.random((40, 60)), name="truth", visible=False
    )
    press(view, "Scores")
    until(qtbot, lambda: scores(view, 1)[2])
    assert message(view).startswith("⚠ scores: 'a' has the shape (20, 30)")


@pytest.mark.parametrize(
    "change",
    [
        lambda view, viewer: table(view).choose(viewer.layers[:1]),
        lambda view, viewer: setattr(fields(view)["reference"], "value", viewer.layers["a"]),
        lambda view, viewer: setattr(viewer.layers["a"], "data", rng.random((20, 30))),
    ],
)
def test_scores_of_something_else_are_removed(view, viewer, qtbot, change):
    press(view, "Scores")
    until(qtbot, lambda: scores(view, 0)[2])
    change(view, viewer)
    assert scores(view, 0) == ["", "", ""]


def test_scores_stay_while_the_mode_changes(view, viewer, qtbot):
    press(view, "Scores")
    until(qtbot, lambda: scores(view, 0)[2])
    for text in ("Side by side", "Flicker", "Curtain", "Line profile", "Difference", "As before"):
        press(view, text)
        settle(qtbot, view)
    viewer.dims.set_point(1, 7)  # along an axis that is on display
    assert scores(view, 0)[2]


def test_messages_say_what_to_tick(view, viewer):
    table(view).choose(viewer.layers[:1])
    for text, what in (("Flicker", "flicker"), ("Difference", "difference")):
        press(view, text)
        assert message(view) == f"⚠ {what}: tick two or more Image layers"
        assert not button(view, text).isChecked()
    table(view).choose([])
    for text, what in (("Scores", "scores"), ("Line profile", "line profile")):
        press(view, text)
        assert message(view) == f"⚠ {what}: tick an Image layer"


def test_ticking_another_layer_compares_it_too(view, viewer, qtbot):
    c = viewer.add_image(rng.random((20, 30)), name="c", visible=False)
    press(view, "Side by side")
    table(view).choose([*table(view).chosen, c])
    until(qtbot, lambda: c.visible)
    table(view).choose([c])
    until(qtbot, lambda: not viewer.canvas.grid.enabled)
    assert not c.visible


@pytest.mark.parametrize("text", [str(mode) for mode in Mode])
def test_a_compared_layer_that_is_removed_or_renamed(view, viewer, qtbot, text):
    viewer.add_image(rng.random((20, 30)), name="c")
    table(view).choose(viewer.layers)
    press(view, text)
    settle(qtbot, view)
    viewer.layers["c"].name = "renamed"
    viewer.layers.remove("b")
    settle(qtbot, view)
    assert button(view, text).isChecked()
    assert [layer.name for layer in view.comparison.layers] == ["a", "renamed"]
    viewer.layers.remove("a")
    settle(qtbot, view)
    assert view.comparison.mode is None
    assert names(viewer) == ["renamed"]
    assert viewer.layers["renamed"].visible


def test_removing_the_curtains_layers_ends_the_mode(view, viewer, qtbot):
    press(view, "Curtain")
    settle(qtbot, view)
    viewer.layers.selection = set(viewer.layers[2:])
    viewer.layers.remove_selected()
    settle(qtbot, view)
    assert names(viewer) == ["a", "b"]
    assert not button(view, "Curtain").isChecked()
    assert viewer.layers["b"].visible


def test_the_docks_own_layers_are_not_listed(view, viewer, qtbot):
    press(view, "Curtain")
    settle(qtbot, view)
    assert table(view).topLevelItemCount() == 2
    assert len(fields(view)["reference"].choices) == 3


def test_nothing_is_read_on_the_windows_thread(view, viewer, qtbot, monkeypatch):
    """Scores, curtain, difference and profile of lazy layers never wait in the window."""
    monkeypatch.setattr(reads, "CHECKS_UNTIL_LATE", 1)
    lazy = Lazy(rng.random((20, 30)))
    layer = viewer.add_image(lazy, name="lazy", contrast_limits=(0, 1), visible=False)
    fields(view)["reference"].value = layer
    table(view).choose([viewer.layers["a"], layer])
    for text in ("Scores", "Curtain", "Difference", "Line profile"):
        press(view, text)
        until(qtbot, lambda: message(view) == "Reading ...")
        lazy.may_read.set()
        settle(qtbot, view)
        lazy.may_read.clear()
        assert "⚠" not in message(view)
        assert lazy.threads
        assert threading.main_thread() not in lazy.threads
        lazy.threads.clear()
    assert scores(view, 2)[0] == "∞"
    assert "Curtain: lazy" in viewer.layers
    assert "lazy - a" in viewer.layers
    assert len(plot_item(view).listDataItems()) == 2


def test_dask_arrays_are_computed_on_other_threads(view, viewer, qtbot, monkeypatch):
    dask = pytest.importorskip("dask")
    da = pytest.importorskip("dask.array")
    # As in a process of its own: tests of the batch leave a cluster's client behind.
    monkeypatch.setitem(dask.config.config, "scheduler", "threads")
    threads = set()

    def block(values):
        threads.add(threading.current_thread())
        return values

    data = da.from_array(rng.random((20, 30)), chunks=10).map_blocks(block, dtype=float)
    layer = viewer.add_image(data, name="lazy", contrast_limits=(0, 1), visible=False)
    table(view).choose([viewer.layers["a"], layer])
    threads.clear()
    press(view, "Scores")
    press(view, "Difference")
    until(qtbot, lambda: bool(threads))
    settle(qtbot, view)
    assert threading.main_thread() not in threads


def test_a_read_that_comes_too_late_is_dropped(view, viewer, qtbot):
    lazy = Lazy(rng.random((20, 30)))
    layer = viewer.add_image(lazy, name="lazy", contrast_limits=(0, 1), visible=False)
    table(view).choose([viewer.layers["a"], layer])
    press(view, "Scores")
    press(view, "Curtain")
    until(qtbot, lambda: len(lazy.threads) == 2)
    press(view, "As before")
    viewer.layers.remove(layer)
    lazy.may_read.set()
    settle(qtbot, view)
    assert names(viewer) == ["a", "b"]
    assert scores(view, 0) == ["", "", ""]


def test_images_that_can_not_be_subtracted_are_reported(view, viewer, qtbot):
    viewer.add_image(rng.random((4, 5)), name="small")
    table(view).choose([viewer.layers["a"], viewer.layers["small"]])
    press(view, "Difference")
    until(qtbot, lambda: "show the same area" in message(view))


def test_curtain_and_profile_follow_slice_and_pixels(qtbot, open_view, viewer):
    viewer.layers.clear()
    stacks = rng.random((2, 4, 20, 30))
    for name, stack in zip("ab", stacks, strict=True):
        viewer.add_image(stack, name=name)
    view = open_view()
    for text in ("Curtain", "Line profile"):
        press(view, text)
        settle(qtbot, view)

    def shows(stack, plane):
        return np.allclose(viewer.layers["Curtain: b"].data, stack[plane, :, 15:]) and np.allclose(
            plot_item(view).listDataItems()[1].getData()[1], stack[plane, 10, 3:28]
        )

    plane = int(viewer.dims.point[0])
    assert shows(stacks[1], plane)
    viewer.dims.set_point(0, 3)
    until(qtbot, lambda: shows(stacks[1], 3))
    viewer.layers["b"].data = stacks[0]
    until(qtbot, lambda: shows(stacks[0], 3))
    viewer.dims.ndisplay = 3
    until(qtbot, lambda: view.comparison.mode is None)
    assert "2-D view" in message(view)


def test_the_profile_follows_its_line(view, viewer, qtbot):
    press(view, "Line profile")
    settle(qtbot, view)
    line = view.comparison.line.layer
    line.data = [np.array([(2, 5), (2, 20)])]
    line.refresh()
    expected = viewer.layers["a"].data[2, 5:21]
    until(
        qtbot,
        lambda: np.array_equal(plot_item(view).listDataItems()[0].getData()[1], expected),
    )
    press(view, "Line profile")
    assert names(viewer) == ["a", "b"]
    assert find(view, ProfilePlot).isHidden()


def test_a_key_flickers(view, viewer):
    (callback,) = viewer.keymap.values()
    callback(viewer)
    assert not viewer.layers["a"].visible


def test_the_key_belongs_to_the_dock_that_was_used_last(open_view, viewer):
    first, second = open_view(), open_view()

    def flip():
        (callback,) = viewer.keymap.values()
        callback(viewer)
        return [view.comparison.mode for view in (first, second)]

    assert flip() == [None, Mode.FLICKER]
    press(first, "As before")
    press(first, "Side by side")
    assert flip() == [Mode.FLICKER, None]
    close(second)
    assert flip() == [Mode.FLICKER, None]
    close(first)
    assert not viewer.keymap


def test_a_closed_dock_no_longer_follows_the_viewer(open_view, viewer, qtbot):
    view = open_view()
    press(view, "Curtain")
    close(view)
    viewer.layers["a"].data = rng.random((20, 30))
    viewer.dims.ndisplay = 3
    assert is_settled(view)
    assert names(viewer) == ["a", "b"]


def test_it_fits_a_narrow_dock(view):
    view.resize(compare.MINIMUM_WIDTH, 600)
    assert view.minimumSizeHint().width() <= compare.MINIMUM_WIDTH
    for found in view.findChildren(QPushButton):
        assert found.toolTip()
        assert (
            found.sizeHint().width() <= (compare.MINIMUM_WIDTH - 40) / 3
            or found.text() == "As before"
        )
