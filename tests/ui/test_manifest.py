"""napari.yaml in napari: every menu entry, every sample, the preferences."""

import numpy as np
import pytest
from napari.settings import get_plugin_settings
from npe2 import PluginManifest

from napari_dip.tasks.registry import TASKS
from napari_dip.ui.docks import PLUGIN_TITLE, RESTORE_TITLE, RestoreDock, open_restore
from napari_dip.ui.layers.provenance import task_of
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.restore.request import request_of
from napari_dip.ui.samples import SAMPLE_ROLES

from .find import fields

CONTRIBUTIONS = PluginManifest.from_distribution("napari-dip").contributions
ENTRIES = [
    (menu, item.command)
    for menu in ("napari/layers/transform", "napari-dip/filter")
    for item in CONTRIBUTIONS.menus[menu]
]


@pytest.fixture
def viewer(window, make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def shown(window, make_napari_viewer):
    """A viewer in which docks can be seen."""
    return make_napari_viewer(show=True)


def execute(command):
    """What a click on a menu entry does."""
    from napari._app_model import get_app_model

    get_app_model().commands.execute_command(command).result()


def docks(viewer):
    return list(viewer.window.dock_widgets.values())


def test_each_task_has_an_entry_and_upscale_has_two():
    filters = [command for menu, command in ENTRIES if menu == "napari-dip/filter"]
    assert filters[:-2] == [f"napari-dip.restore_{name}" for name in TASKS]
    assert filters[-2:] == ["napari-dip.restore", "napari-dip.compare"]
    assert ("napari/layers/transform", "napari-dip.restore_upscale") in ENTRIES
    submenus = CONTRIBUTIONS.menus["napari/layers/filter"]
    assert [item.submenu for item in submenus] == ["napari-dip/filter"]


def test_the_menus_have_the_entries(viewer):
    from napari._app_model import get_app_model

    for menu, command in ENTRIES:
        assert command in [item.command.id for item in get_app_model().menus.get_menu(menu)]


def test_a_task_entry_opens_one_dock_for_the_active_image(viewer):
    images = [viewer.add_image(np.zeros((20, 30))) for _ in range(2)]
    for number, name in enumerate(TASKS):
        viewer.layers.selection.active = active = images[number % 2]
        execute(f"napari-dip.restore_{name}")
        (dock,) = docks(viewer)
        assert (dock.controller.model.name, dock.controller.model.image) == (name, active)
        assert fields(dock)["name"].value == name


def test_an_entry_leaves_the_image_when_another_kind_of_layer_is_active(viewer):
    image = viewer.add_image(np.zeros((20, 30)))
    viewer.add_labels(np.zeros((20, 30), int))
    execute("napari-dip.restore_inpaint")
    assert docks(viewer)[0].controller.model.image is image


def test_an_entry_works_without_layers(viewer):
    execute("napari-dip.restore_flash")
    assert docks(viewer)[0].controller.model.name == "flash"


@pytest.mark.parametrize("command", ["napari-dip.restore", "napari-dip.compare"])
def test_a_docks_entry_shows_it_and_hides_it(shown, qtbot, command):
    execute(command)
    (dock,) = docks(shown)
    qtbot.waitUntil(dock.isVisible)
    execute(command)
    assert not dock.isVisible()
    assert docks(shown) == [dock]


def test_however_it_was_opened_there_is_one_restore_dock(shown, qtbot):
    dock = open_restore(shown)
    qtbot.waitUntil(dock.isVisible)
    execute("napari-dip.restore")
    assert not dock.isVisible()
    execute("napari-dip.restore_deblur")
    qtbot.waitUntil(dock.isVisible)
    assert docks(shown) == [dock]


def test_a_dock_that_the_api_opened_is_raised(viewer):
    _, dock = viewer.window.add_plugin_dock_widget("napari-dip", RESTORE_TITLE)
    assert open_restore(viewer) is dock


def test_a_closed_dock_is_opened_anew(viewer):
    first = open_restore(viewer)
    viewer.window.remove_dock_widget(first)
    second = open_restore(viewer)
    assert docks(viewer) == [second]
    first.deleteLater()


def test_the_docks_titles_begin_with_different_words(viewer):
    for command in ("napari-dip.restore", "napari-dip.compare"):
        execute(command)
    titles = [dock.parent().windowTitle() for dock in docks(viewer)]
    assert titles == [f"Restore ({PLUGIN_TITLE})", f"Compare ({PLUGIN_TITLE})"]


def test_every_sample_opens_from_the_menu_and_can_be_restored(viewer):
    for name in TASKS:
        viewer.layers.clear()
        # the menu's command has the sample's key for its name
        execute(f"napari-dip.{name}")
        image, *beside = viewer.layers
        model = RestoreModel(image=image, **{SAMPLE_ROLES[layer.name]: layer for layer in beside})
        model.task = task_of(image)
        assert model.task.name == name
        request_of(model, viewer.dims)


def test_the_dock_opens_on_the_preferred_device(viewer, qtbot):
    get_plugin_settings("napari-dip").restore.device = "cpu"
    dock = RestoreDock(viewer)
    qtbot.addWidget(dock)
    assert dock.controller.model.device == "cpu"
    assert fields(dock)["device"].value == "cpu"
    assert dock.controller.model.message == ""


def test_the_dock_says_which_preference_is_bad(viewer, qtbot, tmp_path, caplog):
    caplog.set_level("CRITICAL")
    (tmp_path / "napari-dip.yaml").write_text("restore: {device: tpu}")
    dock = RestoreDock(viewer)
    qtbot.addWidget(dock)
    assert dock.controller.model.device == "auto"
    assert "device 'tpu' can't be used" in dock.controller.model.message
    assert dock.controller.model.is_error


def test_napari_shows_the_preferences(viewer, qtbot):
    from napari._qt.dialogs.preferences_dialog import PreferencesDialog
    from qtpy.QtWidgets import QLabel

    dialog = PreferencesDialog()
    qtbot.addWidget(dialog)
    labels = {label.text() for label in dialog.findChildren(QLabel)}
    assert {"Device", "Previews per second", "Snapshots (MB)"} <= labels
