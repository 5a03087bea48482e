"""The demo: a picture degraded and restored, with a figure."""

import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from napari_dip.cli import main as cli
from napari_dip.errors import UserError
from napari_dip.files.figures import side_by_side
from napari_dip.files.image_file import read_image
from napari_dip.samples import demo
from napari_dip.samples import pictures as samples
from napari_dip.samples.demo import FIGURE_NAME, run_demo
from napari_dip.samples.pictures import SAMPLES

TINY = {"iterations": 2, "filters": (4,), "shuffle": 1}


@pytest.fixture
def small_enhance(monkeypatch):
    """A quick sample: 32 px of the bundled one."""
    crop = samples.Sample("Small", samples.photo_to_enhance().image[:32, :32])
    monkeypatch.setitem(demo.SAMPLES, "enhance", lambda: crop)


@pytest.mark.parametrize("task", SAMPLES)
def test_pictures_and_a_figure_are_written(tmp_path, task):
    shown = run_demo(task, tmp_path / "demo", settings=TINY, device="cpu")
    assert shown.folder == tmp_path / "demo"
    assert {path.name for path in shown.folder.iterdir()} == set(shown.files)
    assert {FIGURE_NAME, "given.png", "restored.png"} <= set(shown.files)
    sample = SAMPLES[task]()
    assert np.array_equal(read_image(shown.folder / "given.png").data, sample.image)
    assert np.array_equal(read_image(shown.folder / "restored.png").data, shown.result.image)
    assert (shown.psnr is None) == (sample.reference is None)
    with Image.open(shown.folder / FIGURE_NAME) as figure:
        assert figure.width > figure.height > 400


def test_a_folder_with_files_is_left_alone(tmp_path, small_enhance):
    folders = [run_demo("enhance", tmp_path / "demo", settings=TINY).folder for _ in range(3)]
    assert [folder.name for folder in folders] == ["demo", "demo-2", "demo-3"]
    (tmp_path / "empty").mkdir()
    assert run_demo("enhance", tmp_path / "empty", settings=TINY).folder == tmp_path / "empty"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path, small_enhance):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"^output: .*can't be made"):
        run_demo("enhance", tmp_path / "file" / "demo", settings=TINY)


def test_the_command_tells_what_was_gained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sample = samples.noisy_photo()
    crop = samples.Sample(
        sample.title,
        sample.image[:32, :32],
        sample.reference[:32, :32],
        settings={**sample.settings, **TINY},
    )
    monkeypatch.setitem(demo.SAMPLES, "denoise", lambda: crop)
    # without napari, as in an installation without a window
    monkeypatch.setitem(sys.modules, "napari_dip.ui.app", None)
    result = CliRunner().invoke(cli.main, ["demo", "--seed", "1"])
    assert result.exit_code == 0, result.output
    assert "dB before, " in result.stdout
    assert "napari-dip-demo: before-after.png" in result.stdout
    assert (tmp_path / "napari-dip-demo" / FIGURE_NAME).exists()


@pytest.mark.slow
def test_denoising_gains_eight_decibels(tmp_path):
    shown = run_demo("denoise", tmp_path / "demo")
    before, after = shown.psnr
    assert after - before > 8


def test_panels_are_drawn_at_one_size(tmp_path):
    panels = {"a": np.zeros((8, 8)), "b, in colour": np.zeros((16, 16, 3), np.uint8)}
    side_by_side(panels, tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as figure:
        assert figure.width > 1.5 * figure.height
