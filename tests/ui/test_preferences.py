"""Preferences as napari stores them, and how docks use them."""

import logging

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.settings import get_plugin_settings
from npe2 import PluginManifest

from napari_dip.ui import preferences
from napari_dip.ui.preferences import Preferences, read, warning
from napari_dip.ui.restore.controller import RestoreController
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.restore.request import RestoreRequest
from napari_dip.ui.run.controller import RUNS
from napari_dip.ui.run.model import Action

from .fakes import Engine, FakeView, until


@pytest.fixture
def store(tmp_path, caplog):
    """Write what napari has stored; it reads it at its first use, and logs what is bad."""
    caplog.set_level(logging.CRITICAL)
    return (tmp_path / "napari-dip.yaml").write_text


def test_the_manifests_defaults_are_the_defaults():
    manifest = PluginManifest.from_distribution("napari-dip")
    properties = manifest.contributions.configurations["restore"].properties
    assert Preferences(**{name: p.default for name, p in properties.items()}) == Preferences()
    assert read() == Preferences()
    assert warning() == ""


def test_what_is_chosen_is_stored_and_read(tmp_path):
    get_plugin_settings("napari-dip").restore.device = "cpu"
    assert read() == Preferences(device="cpu")
    assert "device: cpu" in (tmp_path / "napari-dip.yaml").read_text()
    assert warning() == ""


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ("device: tpu", "device 'tpu' can't be used"),
        ("previews_per_second: 100", "previews_per_second 100 can't"),
        ("previews_per_second: 0", "previews_per_second 0 can't"),
        ("previews_per_second: .nan", "previews_per_second nan can't"),
        ("snapshots_mb: many", "snapshots_mb 'many' can't"),
    ],
)
def test_a_bad_value_falls_back_to_its_default_and_is_named(store, stored, message):
    good = "device: cpu" if "device" not in stored else "snapshots_mb: 32"
    store(f"restore: {{{stored}, {good}}}")
    assert read() == (Preferences(device="cpu") if "cpu" in good else Preferences(snapshots_mb=32))
    assert message in warning()
    assert "File > Preferences" in warning()
    assert len(warning().splitlines()) == 1


@pytest.mark.parametrize("text", ["{{{", "[1, 2]", "restore: 5"])
def test_an_unreadable_file_gives_the_defaults_and_a_warning(store, text):
    store(text)
    assert read() == Preferences()
    assert warning() == preferences.UNREADABLE


def test_an_unknown_plugin_has_no_warning(monkeypatch):
    def unknown(plugin):
        raise KeyError(plugin)

    monkeypatch.setattr(preferences, "get_plugin_settings", unknown)
    assert read() == Preferences()
    assert warning() == ""


def test_a_run_has_the_preferences_of_its_start(monkeypatch):
    viewer, now, chosen = ViewerModel(), [0.0], [Preferences(previews_per_second=0.5)]
    image = viewer.add_image(np.zeros((20, 30), np.float32), name="cells")
    view = FakeView()
    dock = RestoreController(
        RestoreModel(image=image),
        view,
        viewer,
        preferences=lambda: chosen[0],
        clock=lambda: now[0],
    )

    def previews(interval, snapshots_mb):
        engine = Engine(iterations=10, free=False)
        monkeypatch.setattr(RestoreRequest, "prepare", lambda self: engine)
        dock.run()
        run = RUNS[id(viewer)]
        shown = []
        for iteration in (1, 2, 3):
            engine.step()
            until(lambda n=iteration: len(run.curves.get((0, 0), ())) == n)
            dock.poll()
            shown.append(view.last_call["show_progress"][1].partition(" /")[0])
            now[0] += interval
        assert run.timelines.of((0, 0)).budget == snapshots_mb * 1_000_000
        dock.act(Action.CANCEL)
        engine.step(20)
        assert run.wait(10)
        dock.poll()
        return shown

    assert previews(1.1, 256) == ["1", "1", "3"]
    chosen[0] = Preferences(previews_per_second=1, snapshots_mb=32)
    assert previews(1.1, 32) == ["1", "2", "3"]
    dock.close()
