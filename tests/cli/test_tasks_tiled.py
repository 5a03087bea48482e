"""Commands whose result is an OME-Zarr: frames and blocks."""

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from napari_dip.cli.main import main
from napari_dip.files.lazy import open_lazily

TINY = ["--device", "cpu", "--iterations", "2", "--set", "filters=4"]


@pytest.fixture
def movie(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).integers(0, 255, (3, 40, 44), dtype=np.uint8)
    about = {"axes": "TYX", "unit": "um", "finterval": 0.5}
    tifffile.imwrite("movie.tif", frames, imagej=True, resolution=(5, 5), metadata=about)
    return frames


def run(*arguments, code=0, task="denoise"):
    result = CliRunner().invoke(main, [task, *map(str, arguments), *TINY])
    assert result.exit_code == code, result.output
    return result


def test_frames_of_a_tiff(movie):
    result = run("movie.tif", "-o", "out.ome.zarr")
    assert "movie.tif: 3 frames one by one, 3 tiles" in result.stdout
    assert "[3/3] movie.tif t2-y0-x0: done" in result.stdout
    out = open_lazily("out.ome.zarr")
    assert out.shape == movie.shape
    assert out.axes.scale == (0.5, 0.2, 0.2)
    assert out.axes.units == ("second", "micrometer", "micrometer")
    again = run("movie.tif", "-o", "out.ome.zarr", code=2)
    assert again.stderr.startswith("napari-dip: --output: ")
    assert "out.ome.zarr: done" in run("movie.tif", "-o", "out.ome.zarr", "--resume").stdout


def test_frames_as_a_volume_in_blocks(movie):
    arguments = ["--each", "none", "--block", 32, "--overlap", 8]
    result = run("movie.tif", "-o", "out.zarr", *arguments)
    assert "3 frames in 3-D, 4 tiles" in result.stdout


def test_a_guide_in_blocks(movie):
    tifffile.imwrite("flash.tif", movie[0])
    tifffile.imwrite("other.tif", movie[0, 1:])
    run("movie.tif", "-o", "out.zarr", "--guide", "flash.tif", "--block", 32, task="flash")
    assert open_lazily("out.zarr").shape == movie.shape
    result = run("movie.tif", "-o", "b.zarr", "--guide", "other.tif", task="flash", code=2)
    assert result.stderr.startswith("napari-dip: --guide: its shape (39, 44) (YX) does not match")


def test_what_only_a_zarr_can_have(movie):
    result = run("movie.tif", "-o", "out.tif", "--block", 32, code=2)
    assert "--block: it needs a result in tiles; name it out.ome.zarr" in result.stderr
    result = run("movie.tif", "-o", "out.zarr", "--report", "r.json", code=2)
    assert "--report: a result in tiles has none" in result.stderr
    result = run("movie.tif", "-o", "out.zarr", "--each", "Q", code=2)
    assert "--each: Q can't be fitted one by one" in result.stderr
