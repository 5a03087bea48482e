"""The Compare dock in a real viewer."""

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QSlider

from napari_dip.ui.compare.comparison import Mode
from napari_dip.ui.docks import CompareDock

from ..find import button, find

rng = np.random.default_rng(0)


@pytest.fixture
def viewer(window, make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    for name in "ab":
        viewer.add_image(rng.random((40, 60)), name=name, scale=(0.5, 0.5), units="um")
    return viewer


@pytest.fixture
def dock(viewer):
    return open_dock(viewer, "compare")


def open_dock(viewer, name):
    dock = CompareDock(viewer)
    viewer.window.add_dock_widget(dock, name=name)
    return dock


def press(dock, text):
    button(dock, text).click()


def start(dock, qtbot, text):
    press(dock, text)
    settle(dock, qtbot)


def settle(dock, qtbot):
    timers = [find(dock, QTimer, name) for name in ("follow layers", "reads")]
    qtbot.waitUntil(lambda: not any(timer.isActive() for timer in timers), timeout=60_000)


def state_of(viewer):
    grid = viewer.canvas.grid
    return (
        [(layer.name, layer.visible, layer.name_overlay.visible) for layer in viewer.layers],
        (grid.enabled, grid.stride, grid.shape),
        (set(viewer.layers.selection), viewer.layers.selection.active),
        viewer.scene.camera.mouse_pan,
    )


BUTTONS = [*map(str, Mode), "Line profile"]


@pytest.mark.parametrize("texts", [["Side by side"], ["Curtain", "Line profile"]])
def test_closing_the_dock_puts_everything_back(viewer, dock, qtbot, texts):
    before = state_of(viewer)
    for text in texts:
        start(dock, qtbot, text)
    assert state_of(viewer) != before
    viewer.window.remove_dock_widget(dock)
    assert state_of(viewer) == before
    assert not viewer.keymap
    dock.deleteLater()
    qtbot.wait(50)
    viewer.layers.move(0, 2)  # nothing listens any more
    viewer.layers["a"].data = rng.random((40, 60))


def test_hiding_the_dock_changes_nothing(viewer, dock, qtbot):
    for text in ("Curtain", "Line profile"):
        start(dock, qtbot, text)
    before = state_of(viewer)
    outer = dock.parent()
    outer.hide()
    outer.setFloating(True)
    qtbot.wait(50)
    assert state_of(viewer) == before
    outer.show()


def test_the_viewer_is_closed_while_comparing(viewer, dock, qtbot):
    """While reads are under way; make_napari_viewer looks for what is left behind."""
    for text in BUTTONS:
        press(dock, text)
    viewer.close()
    qtbot.wait(200)


def test_a_second_dock_takes_over(viewer, dock, qtbot):
    before = state_of(viewer)
    other = open_dock(viewer, "another")
    start(dock, qtbot, "Curtain")
    start(other, qtbot, "Side by side")
    assert dock.comparison.mode is None
    assert [layer.name for layer in viewer.layers] == ["a", "b"]
    viewer.window.remove_dock_widget(dock)
    assert viewer.canvas.grid.enabled
    press(other, "As before")
    assert state_of(viewer) == before
    dock.deleteLater()


def test_the_handle_is_dragged_over_the_picture(viewer, dock, qtbot):
    start(dock, qtbot, "Curtain")
    qtbot.wait(200)  # the dock takes its place
    canvas = viewer.window._qt_viewer.canvas.native
    middle = QPointF(canvas.width() / 2, canvas.height() / 2)
    centre = viewer.scene.camera.center

    def send(kind, point, button, held):
        event = QMouseEvent(
            kind, point, canvas.mapToGlobal(point), button, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(canvas, event)
        qtbot.wait(50)  # of moves in quick succession only some are passed on

    def drag(begin, end):
        none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
        send(QEvent.Type.MouseMove, begin, none, none)
        send(QEvent.Type.MouseButtonPress, begin, left, left)
        for part in (0.5, 1):
            send(QEvent.Type.MouseMove, begin + (end - begin) * part, none, left)
        send(QEvent.Type.MouseButtonRelease, end, left, none)

    drag(middle, middle - QPointF(5 * viewer.scene.camera.zoom, 0))
    assert dock.comparison.position == pytest.approx(20 / 60, abs=0.02)
    assert find(dock, QSlider).value() == round(dock.comparison.position * 1000)
    assert viewer.scene.camera.center == centre
    # Beside the handle the picture is moved, as it is without a curtain.
    drag(middle, middle - QPointF(50, 0))
    assert dock.comparison.position == pytest.approx(20 / 60, abs=0.02)
    assert viewer.scene.camera.center[2] > centre[2]
