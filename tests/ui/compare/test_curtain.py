"""A curtain over a image, in a viewer without a window."""

from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.ui.compare.curtain import Curtain
from napari_dip.ui.compare.displayed_slice import displayed_slice

rng = np.random.default_rng(0)


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(rng.random((20, 30)), name="a")
    viewer.add_image(
        rng.integers(0, 255, (20, 30), np.uint8), name="b", scale=(2, 2), colormap="viridis"
    )
    viewer.scene.camera.zoom = 5
    return viewer


def hung(viewer, position=0.5):
    image = displayed_slice(viewer.layers["b"], viewer.dims)
    curtain = Curtain(viewer, image, image.source.crop.read(), position)
    curtain.add()
    return curtain


def event(kind, column):
    return SimpleNamespace(type=kind, position=(8.0, 2 * (column - 0.5)))


def test_b_is_right_of_the_line_with_its_own_colours(viewer):
    curtain = hung(viewer, 0.4)
    part, handle = curtain.layers
    b = viewer.layers["b"]
    assert list(viewer.layers)[2:] == [part, handle]
    assert np.array_equal(part.data, b.data[:, 12:])
    assert np.allclose(part.data_to_world((3, 4)), b.data_to_world((3, 16)))
    assert (part.colormap.name, part.contrast_limits) == ("viridis", b.contrast_limits)
    assert part.opacity == 1
    assert (part.name, part.name_overlay.visible) == ("Curtain: b", True)


@pytest.mark.parametrize(("position", "columns"), [(-1, 30), (0, 30), (1, 1), (2, 1)])
def test_the_line_stays_in_the_image(viewer, position, columns):
    curtain = hung(viewer, position)
    assert curtain.layers[0].data.shape == (20, columns)


def test_the_handle_is_on_the_border_and_keeps_its_size_on_the_screen(viewer):
    curtain = hung(viewer, 0.4)
    line, grip = curtain.layers[1].data
    assert np.allclose([line[:, 0].min(), line[:, 0].max()], (-0.5, 19.5))
    for box in (line, grip):
        assert box[:, 1].mean() == pytest.approx(11.5)
    assert np.ptp(grip[:, 1]) > np.ptp(line[:, 1])
    viewer.scene.camera.zoom *= 2
    _, smaller = curtain.layers[1].data
    assert np.allclose(np.ptp(smaller, axis=0), np.ptp(grip, axis=0) / 2)
    assert len(curtain.layers[1].face_color) == 2


def test_a_drag_of_the_handle_moves_it_and_not_the_image(viewer):
    curtain = hung(viewer, 0.5)
    heard = []
    curtain.moved.connect(heard.append)
    step = event("mouse_press", 15)
    drag = viewer.mouse_drag_callbacks[-1]
    steps = drag(viewer, step)
    next(steps)
    assert not viewer.scene.camera.mouse_pan
    step.type, step.position = "mouse_move", event("", 6).position
    next(steps)
    assert curtain.layers[0].data.shape == (20, 24)
    assert heard == [0.2]
    step.type = "mouse_release"
    assert next(steps, None) is None
    assert heard == [0.2]


def test_elsewhere_a_drag_is_napari_s(viewer):
    hung(viewer, 0.5)
    drag = viewer.mouse_drag_callbacks[-1]
    assert next(drag(viewer, event("mouse_press", 5)), "nothing") == "nothing"
    assert viewer.scene.camera.mouse_pan


def test_the_pointer_shows_where_the_handle_is(viewer):
    hung(viewer, 0.5)
    (hover,) = viewer.mouse_move_callbacks
    hover(viewer, event("mouse_move", 15.2))
    assert (viewer.scene.camera.mouse_pan, viewer.cursor.style) == (False, "pointing")
    hover(viewer, event("mouse_move", 25))
    assert (viewer.scene.camera.mouse_pan, viewer.cursor.style) == (True, "standard")


def test_removed_it_leaves_nothing(viewer):
    before = list(viewer.mouse_drag_callbacks)
    curtain = hung(viewer)
    viewer.layers.selection.active = viewer.layers["a"]
    (hover,) = viewer.mouse_move_callbacks
    hover(viewer, event("mouse_move", 15))
    curtain.remove()
    assert [layer.name for layer in viewer.layers] == ["a", "b"]
    assert not viewer.mouse_move_callbacks
    assert viewer.mouse_drag_callbacks == before
    assert viewer.scene.camera.mouse_pan
    assert not curtain.is_complete
    handle = curtain.layers[1].data[1]
    viewer.scene.camera.zoom *= 2  # nobody listens any more
    assert np.array_equal(curtain.layers[1].data[1], handle)


def test_removed_by_hand_it_is_not_whole(viewer):
    for part in (0, 1):
        curtain = hung(viewer)
        (hover,) = viewer.mouse_move_callbacks
        hover(viewer, event("mouse_move", 15))
        viewer.layers.remove(curtain.layers[part])
        assert not curtain.is_complete
        hover(viewer, event("mouse_move", 15))
        assert viewer.scene.camera.mouse_pan
        curtain.remove()
        assert len(viewer.layers) == 2


def test_another_slice_is_shown_at_the_same_place():
    viewer = ViewerModel()
    stack = viewer.add_image(rng.random((5, 20, 30)), name="b", scale=(3, 1, 1))
    curtain = hung(viewer, 0.4)
    viewer.dims.set_point(0, 12)
    image = displayed_slice(stack, viewer.dims)
    curtain.show(image, image.source.crop.read())
    part, handle = curtain.layers
    assert np.allclose(part.data[0], stack.data[4, :, 12:])
    assert part.translate[0] == handle.translate[0] == 12


def test_left_and_right_are_those_of_the_screen():
    viewer = ViewerModel()
    viewer.add_image(rng.random((20, 30)), name="b")
    viewer.dims.order = (1, 0)
    curtain = hung(viewer, 0.5)
    assert curtain.layers[0].data.shape == (10, 30)


def test_colours_with_transparency_stay_as_they_are():
    viewer = ViewerModel()
    colours = rng.integers(0, 255, (20, 30, 4), np.uint8)
    viewer.add_image(colours, name="b", rgb=True)
    part, _ = hung(viewer, 0.5).layers
    assert part.rgb
    assert np.array_equal(part.data, colours[:, 15:])
