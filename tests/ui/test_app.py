"""What `napari-dip gui` and `napari-dip demo` open."""

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from npe2 import PluginManifest

from napari_dip import Denoise, restore_large
from napari_dip.cli.main import main
from napari_dip.errors import UserError
from napari_dip.files.image_file import write_image
from napari_dip.samples import demo
from napari_dip.samples import pictures as samples
from napari_dip.samples.demo import run_demo
from napari_dip.ui import app
from napari_dip.ui.run.model import Action
from napari_dip.ui.run.thread import Phase

TINY = {"iterations": 2, "filters": (4,), "shuffle": 1}


@pytest.fixture
def no_display(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def small_samples(monkeypatch):
    """Quick demos: 32 px of the bundled pictures."""
    whole = samples.noisy_photo()
    settings = {**whole.settings, **TINY}
    crops = whole.image[:32, :32], whole.reference[:32, :32]
    small = samples.Sample(whole.title, *crops, settings=settings)
    monkeypatch.setitem(demo.SAMPLES, "denoise", lambda: small)


def dock_of(viewer):
    (dock,) = viewer.window.dock_widgets.values()
    return dock


@pytest.mark.usefixtures("no_display")
def test_without_a_display_there_is_a_message_instead_of_an_abort():
    with pytest.raises(UserError, match="display: there is none"):
        app.open_viewer([])


@pytest.mark.usefixtures("no_display")
def test_the_command_says_so_in_one_line():
    result = CliRunner().invoke(main, ["gui"])
    assert result.exit_code == 2
    assert result.output.startswith("napari-dip: display: there is none")


@pytest.mark.parametrize("variables", [{"QT_QPA_PLATFORM": "offscreen"}, {"DISPLAY": ":98765"}])
@pytest.mark.usefixtures("no_display")
def test_an_invisible_display_is_none(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert not app.has_display()


def test_a_display_that_does_not_answer_is_none(monkeypatch):
    monkeypatch.setattr(app, "PROBE", "import time; time.sleep(60)")
    monkeypatch.setattr(app, "PROBE_SECONDS", 0.1)
    assert not app.has_display()


@pytest.mark.usefixtures("window")
def test_a_display_is_seen():
    assert app.has_display()


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"files: there is no .*none.tif"):
        app.open_viewer([tmp_path / "none.tif"])


@pytest.mark.usefixtures("window")
@pytest.mark.parametrize(("size", "expected"), [((700, 500), (780, 500)), ((790, 500),) * 2])
def test_a_small_window_is_enlarged_and_shows_all(make_napari_viewer, monkeypatch, size, expected):
    monkeypatch.setattr(app, "WINDOW_SIZE", (780, 400))
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((20, 30)))
    viewer.scene.camera.zoom = 1000
    viewer.window.resize(*size)
    app.make_room(viewer)
    assert viewer.window.geometry()[2:] == expected
    assert viewer.scene.camera.zoom < 100


@pytest.mark.usefixtures("window")
def test_one_click_restores_the_sample(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    app.fill(viewer, [])
    dock = dock_of(viewer)
    model = dock.controller.model
    photo, original = viewer.layers["Noisy photo"], viewer.layers["Original"]
    assert viewer.layers.selection.active is photo
    assert (model.name, model.image, model.reference) == ("denoise", photo, original)
    assert model.task.sigma == 25 / 255
    dock.task_edited.emit(model.task.replace(**TINY))
    dock.asked.emit(Action.RUN)
    qtbot.waitUntil(lambda: model.phase is Phase.FINISHED, timeout=60_000)
    assert "Noisy photo [denoise]" in viewer.layers


@pytest.mark.usefixtures("window")
def test_files_are_opened_with_the_dock(make_napari_viewer, tmp_path):
    viewer = make_napari_viewer()
    stack = np.random.default_rng(0).integers(0, 4000, (5, 20, 30), np.uint16)
    write_image(tmp_path / "stack.tif", stack)
    write_image(tmp_path / "photo.png", np.zeros((40, 50, 3), np.uint8))
    app.fill(viewer, [tmp_path / "stack.tif", tmp_path / "photo.png"])
    model = dock_of(viewer).controller.model
    assert [layer.name for layer in viewer.layers] == ["stack", "photo"]
    assert np.array_equal(viewer.layers["stack"].data, stack)
    assert viewer.layers["photo"].rgb
    assert model.image in viewer.layers
    assert model.phase is Phase.IDLE


@pytest.mark.usefixtures("window")
def test_the_reader_that_knows_the_scale_is_taken(make_napari_viewer, tmp_path):
    viewer = make_napari_viewer()
    about = {"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}
    image = np.random.default_rng(0).integers(0, 255, (40, 50), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "cells.ome.tif", image, metadata=about)
    restore_large(
        *(tmp_path / "cells.ome.tif", tmp_path / "clean.ome.zarr"),
        Denoise(iterations=1, filters=(4,)),
        device="cpu",
    )
    app.fill(viewer, [tmp_path / "cells.ome.tif", tmp_path / "clean.ome.zarr"])
    assert [layer.name for layer in viewer.layers] == ["cells", "clean"]
    for layer in viewer.layers:
        np.testing.assert_array_equal(layer.scale, (0.25, 0.5))
        assert [str(unit) for unit in layer.units] == ["micrometer"] * 2


# some reader leaves the broken file open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("window")
@pytest.mark.parametrize("name", ["notes.xyz", "broken.png"])
def test_a_file_that_is_no_picture_is_named(make_napari_viewer, tmp_path, name):
    (tmp_path / name).write_text("no picture")
    with pytest.raises(UserError, match=rf"files: napari can't open .*{name} \(.+\)$"):
        app.fill(make_napari_viewer(), [tmp_path / name])


@pytest.mark.usefixtures("window")
def test_other_plugins_read_what_napari_does_not(make_napari_viewer, tmp_path, npe2pm):
    write_image(tmp_path / "cells.tif", np.zeros((20, 30), np.uint8))
    (tmp_path / "cells.own").write_text("")
    viewer = make_napari_viewer()
    npe2pm.register(PluginManifest.from_distribution("napari"))
    with npe2pm.tmp_plugin(name="other") as other:

        @other.contribute.reader(filename_patterns=["*.tif", "*.own"])
        def reader(path):
            return lambda path: [(np.ones((5, 6)), {"name": "theirs"}, "image")]

        app.fill(viewer, [tmp_path / "cells.tif", tmp_path / "cells.own"])
    assert [layer.name for layer in viewer.layers] == ["cells", "theirs"]


@pytest.mark.usefixtures("window")
def test_a_demo_is_opened_with_the_dock(make_napari_viewer, small_samples, tmp_path):
    viewer = make_napari_viewer()
    shown = run_demo("denoise", tmp_path / "demo", device="cpu")
    app.show_demo(viewer, shown)
    names = ["Noisy photo", "Original", "Noisy photo [denoise]"]
    assert [layer.name for layer in viewer.layers] == names
    assert [layer.visible for layer in viewer.layers] == [True, False, True]
    assert np.array_equal(viewer.layers[2].data, shown.result.image)
    model = dock_of(viewer).controller.model
    assert (model.image, model.reference) == (viewer.layers[0], viewer.layers[1])
    assert model.task == shown.task


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("arguments", [[], ["--headless"]])
def test_the_demo_opens_napari_where_it_can(small_samples, tmp_path, monkeypatch, seen, arguments):
    monkeypatch.chdir(tmp_path)
    opened = []
    monkeypatch.setattr(app, "has_display", lambda: seen)
    monkeypatch.setattr(app, "open_demo", opened.append)
    result = CliRunner().invoke(main, ["demo", *arguments])
    assert result.exit_code == 0, result.output
    assert len(opened) == (seen and not arguments)
    assert (tmp_path / "napari-dip-demo" / "restored.png").exists()
