"""Modes that show several layers, in a viewer without a window."""

import threading

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_dip.errors import UserError
from napari_dip.ui.compare.comparison import Comparison, Mode
from napari_dip.ui.layers.source import source_from_layer

from ..arrays import Lazy


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((20, 30), np.uint8), name="a", scale=(2, 2))
    viewer.add_labels(np.zeros((20, 30), int), name="other", visible=False)
    viewer.add_image(np.full((20, 30), 5, np.uint8), name="b", scale=(2, 2))
    viewer.add_image(np.full((20, 30), 7, np.uint8), name="c", scale=(2, 2))
    viewer.canvas.grid.stride = -1
    viewer.layers.selection = {viewer.layers["a"], viewer.layers["b"]}
    return viewer


@pytest.fixture
def comparison(viewer):
    comparison = Comparison(viewer)
    choose(comparison, viewer, "ab")
    return comparison


def choose(comparison, viewer, names):
    done(comparison.choose([viewer.layers[name] for name in names]))


def done(read):
    """Read, and finish on this thread."""
    return None if read is None else read()()


MODES = {
    "side by side": Comparison.side_by_side,
    "flicker": Comparison.flip,
    "curtain": lambda comparison: done(comparison.draw_curtain()),
    "line": Comparison.draw_line,
}


def state_of(viewer):
    grid = viewer.canvas.grid
    return (
        [(layer.name, layer.visible, layer.mode) for layer in viewer.layers],
        [layer.name_overlay.visible for layer in viewer.layers],
        (grid.enabled, grid.stride, grid.shape),
        (set(viewer.layers.selection), viewer.layers.selection.active),
        (viewer.scene.camera.mouse_pan, pytest.approx(viewer.scene.camera.zoom)),
        (list(viewer.mouse_move_callbacks), list(viewer.mouse_drag_callbacks)),
    )


def seen(viewer):
    return [layer.name for layer in viewer.layers if layer.visible]


def test_side_by_side_is_a_grid_of_all_that_are_chosen(comparison, viewer):
    zoom = viewer.scene.camera.zoom
    comparison.side_by_side()
    assert seen(viewer) == ["a", "b"]
    places = [viewer.canvas.grid.position(i, viewer.layers) for i in range(4)]
    assert places == [(0, 0), (-1, -1), (0, 1), (-1, -1)]
    assert viewer.scene.camera.zoom == zoom / 2
    assert viewer.layers["a"].name_overlay.visible
    choose(comparison, viewer, "abc")
    assert seen(viewer) == ["a", "b", "c"]
    assert viewer.canvas.grid.actual_shape(viewer.layers) == (2, 2)
    assert viewer.scene.camera.zoom == zoom / 2


@pytest.mark.parametrize(("names", "order"), [("ab", "bab"), ("abc", "bca")])
def test_flicker_shows_one_after_the_other(comparison, viewer, names, order):
    choose(comparison, viewer, names)
    shown = []
    for _ in order:
        comparison.flip()
        shown += seen(viewer)
        assert comparison.shown.name == shown[-1]
    assert shown == list(order)


def test_flicker_keeps_what_it_shows_when_others_are_chosen(comparison, viewer):
    comparison.flip()
    choose(comparison, viewer, "bc")
    assert seen(viewer) == ["b"]
    choose(comparison, viewer, "ac")
    assert seen(viewer) == ["a"]


@pytest.mark.parametrize(
    "modes",
    [
        ["side by side"],
        ["flicker"],
        ["curtain"],
        ["line"],
        ["line", "side by side", "flicker", "curtain", "line", "side by side"],
    ],
)
@pytest.mark.parametrize("tool", ["pan_zoom", "paint"])
def test_everything_is_as_before_afterwards(comparison, viewer, modes, tool):
    viewer.layers["other"].visible = True
    viewer.layers["other"].mode = tool
    viewer.layers["b"].name_overlay.visible = True
    before = state_of(viewer)
    for mode in modes:
        if comparison.line is None or mode != "line":
            MODES[mode](comparison)
    assert state_of(viewer) != before
    assert comparison.has_begun
    comparison.end()
    comparison.end()
    assert state_of(viewer) == before
    assert comparison.mode is None
    assert not comparison.has_begun


def test_a_grid_of_the_person_comes_back(comparison, viewer):
    viewer.canvas.grid.enabled, viewer.canvas.grid.shape = True, (3, 1)
    before = state_of(viewer)
    for mode in ("flicker", "curtain", "line", "side by side"):
        MODES[mode](comparison)
        assert viewer.canvas.grid.enabled == (mode == "side by side")
    comparison.end()
    assert state_of(viewer) == before


@pytest.mark.parametrize("mode", MODES)
def test_layers_may_come_go_and_change_meanwhile(comparison, viewer, mode):
    (_, *_), *_ = before = state_of(viewer)
    MODES[mode](comparison)
    viewer.layers.remove("other")
    viewer.layers["a"].name = "renamed"
    new = viewer.add_image(np.zeros((4, 5)), name="new", visible=False)
    viewer.layers.selection = {new}
    comparison.end()
    assert [entry[:2] for entry in state_of(viewer)[0]] == [
        ("renamed", True),
        ("b", True),
        ("c", True),
        ("new", False),
    ]
    assert state_of(viewer)[2:] == before[2:]


def test_what_is_ended_leaves_the_person_s_changes_alone(comparison, viewer):
    comparison.flip()
    comparison.end()
    viewer.layers["a"].visible = False
    viewer.canvas.grid.enabled = True
    comparison.end()
    assert viewer.canvas.grid.enabled
    assert not viewer.layers["a"].visible


def test_the_curtain_is_a_with_part_of_b(comparison, viewer):
    comparison.position = 0.4
    done(comparison.draw_curtain())
    curtain, handle = comparison.curtain.layers
    assert seen(viewer) == ["a", curtain.name, handle.name]
    assert curtain.data.shape == (20, 18)
    comparison.move_curtain(0.5)
    assert curtain.data.shape == (20, 15)
    done(comparison.draw_curtain())
    assert comparison.curtain.layers[0] is curtain
    assert all(comparison.owns(layer) for layer in (curtain, handle))
    assert Comparison.is_temporary(viewer, curtain)
    assert not Comparison.is_temporary(viewer, viewer.layers["a"])


def test_another_b_is_another_curtain_at_the_same_place(comparison, viewer):
    comparison.position = 0.2
    done(comparison.draw_curtain())
    choose(comparison, viewer, "ac")
    assert [layer.name for layer in viewer.layers][4:] == ["Curtain: c", "Curtain handle"]
    assert (comparison.curtain.layers[0].data == 7).all()
    assert comparison.curtain.layers[0].data.shape == (20, 24)


def test_a_third_layer_leaves_the_curtain(comparison, viewer):
    done(comparison.draw_curtain())
    curtain = comparison.curtain
    choose(comparison, viewer, "abc")
    assert comparison.curtain is curtain
    assert curtain.is_complete


def test_a_curtain_of_other_scales(comparison, viewer):
    a = viewer.layers["a"]
    fine = viewer.add_image(
        np.ones((80, 120)), **source_from_layer(a, viewer.dims).layer_kwargs(4), name="fine"
    )
    done(comparison.choose([a, fine]))
    done(comparison.draw_curtain())
    part = comparison.curtain.layers[0]
    assert part.data.shape == (80, 60)
    assert np.allclose(part.data_to_world((-0.5, -0.5)), a.data_to_world((-0.5, 14.5)))


def test_a_curtain_that_was_left_is_not_hung(comparison, viewer):
    read = comparison.draw_curtain()
    comparison.flip()
    read()()
    assert comparison.curtain is None
    assert len(viewer.layers) == 4


@pytest.mark.parametrize("part", [0, 1])
def test_a_curtain_that_is_removed_by_hand_ends_it(comparison, viewer, part):
    before = state_of(viewer)
    done(comparison.draw_curtain())
    viewer.layers.remove(comparison.curtain.layers[part])
    comparison.tidy()
    assert state_of(viewer) == before


def test_a_line_that_is_removed_by_hand_is_forgotten(comparison, viewer):
    before = state_of(viewer)
    line = comparison.draw_line()
    viewer.layers.remove(line.layer)
    comparison.tidy()
    assert comparison.line is None
    assert state_of(viewer) == before
    comparison.flip()
    comparison.draw_line().layer.data = []
    comparison.tidy()
    assert comparison.line is None
    assert comparison.mode is Mode.FLICKER
    assert len(viewer.layers) == 4


def test_the_line_has_no_cell_of_its_own_and_lies_over_the_curtain(comparison, viewer):
    line = comparison.draw_line()
    comparison.side_by_side()
    assert not line.layer.visible
    comparison.flip()
    assert line.layer.visible
    assert line.layer.mode == "direct"
    done(comparison.draw_curtain())
    assert viewer.layers[-1] is line.layer
    comparison.remove_line()
    assert comparison.mode is Mode.CURTAIN


def test_fewer_than_two_end_it(comparison, viewer):
    before = state_of(viewer)
    for mode in ("side by side", "flicker", "curtain"):
        choose(comparison, viewer, "ab")
        MODES[mode](comparison)
        choose(comparison, viewer, "a")
        assert state_of(viewer) == before


def test_the_other_comparison_of_a_viewer_ends_first(comparison, viewer):
    before, heard = state_of(viewer), []
    comparison.side_by_side()
    comparison.changed.connect(lambda: heard.append(comparison.mode))
    second = Comparison(viewer)
    choose(second, viewer, "bc")
    second.flip()
    assert heard[-1] is None
    assert seen(viewer) == ["c"]
    comparison.end()
    assert seen(viewer) == ["c"]
    second.end()
    assert state_of(viewer) == before


def test_the_difference_is_signed_and_grey_in_its_middle(comparison, viewer):
    assert done(comparison.subtract()) == "Added the layer 'b - a'."
    layer = viewer.layers["b - a"]
    assert (layer.data == 5).all()
    assert layer.contrast_limits == [-5, 5]
    assert np.array_equal(layer.scale, (2, 2))


@pytest.mark.parametrize("value", [0, np.nan])
def test_a_difference_that_is_nothing_is_shown_too(comparison, viewer, value):
    viewer.layers["b"].data = np.full((20, 30), value)
    done(comparison.subtract())
    assert viewer.layers["b - a"].contrast_limits == [-1, 1]


def test_the_difference_of_a_slice_of_colours_lies_where_they_are():
    viewer = ViewerModel()
    stacks = np.zeros((2, 4, 20, 30, 3), np.uint8)
    stacks[1] = 9
    layers = [viewer.add_image(stack, rgb=True, scale=(3, 1, 1)) for stack in stacks]
    viewer.dims.set_point(0, 6)
    comparison = Comparison(viewer)
    comparison.choose(layers)
    done(comparison.subtract())
    assert viewer.layers[-1].data.shape == (1, 20, 30)
    assert np.allclose(viewer.layers[-1].data, 9)
    assert viewer.layers[-1].translate[0] == 6


@pytest.mark.parametrize("names", ["", "b"])
def test_two_are_asked_for(comparison, viewer, names):
    choose(comparison, viewer, names)
    before = state_of(viewer)
    for mode in ("side by side", "flicker", "curtain"):
        with pytest.raises(UserError, match=f"^{mode}: tick two or more Image layers$"):
            MODES[mode](comparison)
    with pytest.raises(UserError, match=r"^difference: tick two"):
        comparison.subtract()
    assert state_of(viewer) == before


def test_the_flat_view_is_asked_for():
    viewer = ViewerModel()
    layers = [viewer.add_image(np.zeros((4, 20, 30)), name=name) for name in "ab"]
    comparison = Comparison(viewer)
    comparison.choose(layers)
    viewer.dims.ndisplay = 3
    for mode in ("curtain", "line"):
        with pytest.raises(UserError, match="2-D view"):
            MODES[mode](comparison)
    assert not comparison.has_begun


def test_lazy_layers_are_only_read_on_request(comparison, viewer):
    lazy = Lazy(np.full((20, 30), 5, np.uint8))
    b = viewer.add_image(lazy, name="lazy", scale=(2, 2), contrast_limits=(0, 255), visible=False)
    done(comparison.choose([viewer.layers["a"], b]))
    reads = [comparison.draw_curtain(), comparison.subtract()]
    assert not lazy.reads
    for read in reads:
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        assert lazy.threads == {thread}
        lazy.reads.clear()
