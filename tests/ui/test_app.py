import numpy as np
import pytest
from click.testing import CliRunner

from napari_dip.cli import main
from napari_dip.errors import UserError
from napari_dip.files import write_image
from napari_dip.ui import app


@pytest.fixture
def no_display(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_display")
def test_without_a_display_there_is_a_message_instead_of_an_abort():
    with pytest.raises(UserError, match="display: there is none"):
        app.open_viewer([])


@pytest.mark.usefixtures("no_display")
def test_the_command_says_so_in_one_line():
    result = CliRunner().invoke(main, ["gui"])
    assert result.exit_code == 2
    assert result.output.startswith("napari-dip: display: there is none")


def test_a_file_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(app, "check_display", lambda: None)
    with pytest.raises(UserError, match=r"files: there is no .*none.tif"):
        app.open_viewer([tmp_path / "none.tif"])


@pytest.mark.usefixtures("window")
def test_the_sample_or_the_files_are_there_with_the_dock(make_napari_viewer, tmp_path):
    viewer = make_napari_viewer()
    app.fill(viewer, [])
    assert viewer.layers[0].name == "Noisy photo"
    assert list(viewer.window.dock_widgets) == [f"{app.DOCK} ({app.PLUGIN})"]
    write_image(tmp_path / "cells.tif", np.zeros((20, 30), np.uint8))
    app.fill(viewer, [tmp_path / "cells.tif"])
    assert "cells" in viewer.layers
