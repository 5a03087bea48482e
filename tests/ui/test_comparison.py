"""Ways to look at two layers, in a viewer without a window."""

from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.errors import UserError
from napari_dip.ui.comparison import Comparison


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((20, 30), np.uint8), name="a", scale=(2, 2))
    viewer.add_image(np.full((20, 30), 9, np.uint8), name="other", visible=False)
    viewer.add_image(np.full((20, 30), 5, np.uint8), name="b", scale=(2, 2))
    viewer.canvas.grid.stride = -1
    viewer.layers.selection = {viewer.layers["a"], viewer.layers["b"]}
    return viewer


@pytest.fixture
def comparison(viewer):
    comparison = Comparison(viewer)
    comparison.a, comparison.b = viewer.layers["a"], viewer.layers["b"]
    return comparison


def looks(viewer):
    grid = viewer.canvas.grid
    return (
        [(layer.name, layer.visible) for layer in viewer.layers],
        (grid.enabled, grid.stride, grid.shape),
        set(viewer.layers.selection),
    )


def seen(viewer):
    return [layer.name for layer in viewer.layers if layer.visible]


def test_side_by_side_is_a_grid_of_the_two(comparison, viewer):
    comparison.side_by_side()
    assert seen(viewer) == ["a", "b"]
    places = [viewer.canvas.grid.position(i, viewer.layers) for i in range(3)]
    assert places == [(0, 0), (-1, -1), (0, 1)]


def test_flicker_shows_one_after_the_other(comparison, viewer):
    names = []
    for _ in range(3):
        comparison.flip()
        names += seen(viewer)
    assert names == ["b", "a", "b"]


@pytest.mark.parametrize("ways", [["side_by_side"], ["flip"], ["curtain"], ["flip", "curtain"]])
def test_everything_is_as_before_afterwards(comparison, viewer, ways):
    before = looks(viewer)
    for way in ways:
        getattr(comparison, way)()
    assert looks(viewer) != before
    comparison.end()
    comparison.end()
    assert looks(viewer) == before


def test_what_was_removed_meanwhile_stays_away(comparison, viewer):
    comparison.side_by_side()
    viewer.layers.remove("other")
    comparison.end()
    assert seen(viewer) == ["a", "b"]
    comparison.curtain()
    viewer.layers.remove("Curtain")
    comparison.end()


def test_the_curtain_has_a_left_and_b_right(comparison, viewer):
    comparison.curtain(0.4)
    curtain = viewer.layers["Curtain"]
    assert (curtain.data[:, :12] == 0).all()
    assert (curtain.data[:, 12:] == 5).all()
    comparison.curtain(1)
    assert not viewer.layers["Curtain"].data.any()
    assert viewer.layers["Curtain"] is curtain
    assert (viewer.layers["a"].data == 0).all()
    assert np.array_equal(curtain.scale, (2, 2))


def test_the_curtain_follows_a_drag(comparison, viewer):
    comparison.curtain()
    curtain = viewer.layers["Curtain"]
    (drag,) = curtain.mouse_drag_callbacks
    event = SimpleNamespace(type="mouse_press", position=(8, 20))
    steps = drag(curtain, event)
    next(steps)
    assert np.count_nonzero(curtain.data[0] == 0) == 10
    event.type, event.position = "mouse_move", (8, 40)
    next(steps)
    assert np.count_nonzero(curtain.data[0] == 0) == 20
    event.type = "mouse_release"
    assert next(steps, None) is None
    assert not curtain.mouse_pan


def test_the_difference_is_signed_and_grey_in_its_middle(comparison):
    layer = comparison.difference()
    assert layer.name == "b - a"
    assert (layer.data == 5).all()
    assert layer.contrast_limits == [-5, 5]
    comparison.a, comparison.b = comparison.b, comparison.a
    assert (comparison.difference().data == -5).all()


def test_a_pair_is_asked_for(comparison, viewer):
    for a, b in ((None, viewer.layers["b"]), (viewer.layers["b"],) * 2):
        comparison.a, comparison.b = a, b
        for way in ("side_by_side", "flip", "curtain", "difference"):
            with pytest.raises(UserError, match="two different"):
                getattr(comparison, way)()


def test_other_shapes_are_refused(comparison, viewer):
    comparison.b = viewer.add_image(np.zeros((40, 60)), name="large")
    for way in ("curtain", "difference"):
        with pytest.raises(UserError, match="one shape"):
            getattr(comparison, way)()
