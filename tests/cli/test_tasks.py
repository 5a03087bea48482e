"""The commands of the tasks: what goes in, what comes out, and how they end."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner, Result
from PIL import Image

from napari_dip.cli.main import main
from napari_dip.cli.options import ExitCode
from napari_dip.files.image_file import read_image
from napari_dip.files.lazy import open_lazily
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.registry import TASKS, task_from_dict
from napari_dip.tasks.settings import setting

SHORT = ["--device", "cpu", "--iterations", "2", "--set", "filters=4"]
TINY = ["--device", "cpu", "--iterations", "3", "--set", "filters=8,8"]


def picture(*shape: int, dtype: str = "uint8", low: float = 0, high: float = 255) -> np.ndarray:
    """A smooth picture with some noise, from low to high."""
    waves = sum(np.sin(grid / 5) for grid in np.mgrid[tuple(slice(n) for n in shape)])
    noise = np.random.default_rng(1).normal(0, 0.05, shape)
    unit = np.clip(0.5 + waves / 8 + noise, 0, 1)
    return (low + (high - low) * unit).astype(dtype)


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an RGB picture, a grey one, a mask, a PSF and a flash picture in it."""
    image = picture(24, 28, 3)
    Image.fromarray(image).save(tmp_path / "in.png")
    Image.fromarray(image[..., 0]).save(tmp_path / "grey.png")
    mask = np.zeros((24, 28), np.uint8)
    mask[8:12, 8:20] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(255 - image).save(tmp_path / "flash.png")
    tifffile.imwrite(tmp_path / "psf.tif", np.ones((3, 3), np.float32))
    return tmp_path


BESIDE = {"inpaint": ["--mask", "mask.png"], "deblur": ["--psf", "psf.tif"]}
BESIDE |= {"flash": ["--guide", "flash.png"]}


@pytest.mark.parametrize("task", TASKS)
def test_each_task_restores_a_file(folder, monkeypatch, task):
    monkeypatch.chdir(folder)
    result = run(task, "in.png", "-o", "out.png", *BESIDE.get(task, []), *TINY)
    factor = 4 if task == "upscale" else 1
    out = read_image("out.png")
    assert (out.data.shape, out.data.dtype) == ((24 * factor, 28 * factor, 3), np.uint8)
    assert "out.png: 3 iterations" in result.stdout
    assert "3/3" in result.stderr
    assert "loss=" in result.stderr


def test_uint16_tiff_keeps_its_dtype_range_and_metadata(tmp_path):
    frame = picture(20, 24, dtype="uint16", low=300, high=2000)
    metadata = {"axes": "YX", "unit": "um"}
    tifffile.imwrite(tmp_path / "in.tif", frame, imagej=True, resolution=(5, 5), metadata=metadata)
    run("denoise", tmp_path / "in.tif", "-o", tmp_path / "out.tif", *TINY)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        out = file.asarray()
        assert file.imagej_metadata["unit"] == "um"
        assert file.pages[0].tags["XResolution"].value == (5, 1)
    assert out.dtype == np.uint16
    assert 0 < out.min() < out.max() < 3000


def test_a_stack_is_restored_in_3d(tmp_path):
    stack = picture(4, 16, 18, dtype="uint16", high=4000)
    tifffile.imwrite(tmp_path / "in.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    run("denoise", tmp_path / "in.tif", "-o", tmp_path / "out.tif", *TINY)
    assert tifffile.imread(tmp_path / "out.tif").shape == (4, 16, 18)


def test_axes_can_be_told(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", picture(3, 16, 18), photometric="minisblack")
    arguments = ["denoise", tmp_path / "in.tif", "-o", tmp_path / "out.tif", *TINY]
    report = tmp_path / "report.json"
    run(*arguments, "--axes", "cyx", "--report", report)
    assert tifffile.imread(tmp_path / "out.tif").shape == (3, 16, 18)
    assert json.loads(report.read_text())["shape"] == [3, 16, 18]


def test_upscaled_pixels_are_smaller(tmp_path):
    Image.fromarray(picture(16, 16)).save(tmp_path / "in.png", dpi=(100, 100))
    run("upscale", tmp_path / "in.png", "-o", tmp_path / "out.png", "--factor", 2, *TINY)
    with Image.open(tmp_path / "out.png") as out:
        assert out.size == (32, 32)
        assert out.info["dpi"] == pytest.approx((200, 200), rel=1e-3)


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "1"])
def test_masked_pixels_are_filled_and_others_kept(folder, keeps, mode):
    mask = np.array(Image.open(folder / "mask.png"))
    Image.fromarray(255 - mask if keeps else mask).convert(mode).save(folder / "m.png")
    flags = ["--mask-keeps"] if keeps else []
    arguments = ["--mask", folder / "m.png", *flags, *TINY]
    run("inpaint", folder / "in.png", "-o", folder / "out.png", *arguments)
    changed = (read_image(folder / "out.png").data != read_image(folder / "in.png").data).any(-1)
    assert not changed[mask == 0].any()
    assert changed[mask > 0].mean() > 0.9


def test_fitted_known_pixels_can_be_asked_for(folder):
    arguments = ["--mask", folder / "mask.png", "--no-keep-known", *TINY]
    run("inpaint", folder / "in.png", "-o", folder / "out.png", *arguments)
    known = read_image(folder / "mask.png").data == 0
    same = read_image(folder / "out.png").data == read_image(folder / "in.png").data
    assert same[known].mean() < 0.5


@pytest.mark.parametrize("name", ["psf.png", "psf-colour.png"])
def test_a_psf_may_be_a_picture_in_colour(folder, name):
    spot = Image.fromarray(np.array([[0, 60, 0], [60, 255, 60], [0, 60, 0]], np.uint8))
    spot.save(folder / "psf.png")
    spot.convert("RGBA").save(folder / "psf-colour.png")
    run("deblur", folder / "in.png", "--psf", folder / name, "-o", folder / "out.tif", *TINY)
    reference = folder / "reference.tif"
    run("deblur", folder / "in.png", "--psf", folder / "psf.png", "-o", reference, *TINY)
    assert np.array_equal(read_image(folder / "out.tif").data, read_image(reference).data)


def test_uncertainty_is_written_beside_the_result(folder):
    run("denoise", folder / "in.png", "-o", folder / "out.png", "--uncertainty", *TINY)
    spread = tifffile.imread(folder / "out_uncertainty.tif")
    assert spread.dtype == np.float32
    assert spread.shape == read_image(folder / "out.png").data.shape
    assert spread.max() > 0


def test_enhancement_writes_its_parts(folder):
    run("enhance", folder / "in.png", "-o", folder / "out.png", "--parts", *TINY)
    coarse = read_image(folder / "out_coarse.tif").data
    detail = read_image(folder / "out_detail.tif").data
    assert (coarse.dtype, detail.dtype) == (np.uint8, np.float32)
    given = read_image(folder / "in.png").data
    assert np.abs(coarse + detail - given).max() <= 0.5  # coarse is rounded
    assert "--parts" not in run("denoise", "--help").stdout


def test_settings_reach_the_fit(folder):
    settings = ["--preset", "paper", "--iterations", "2", "--runs", "2", "--sigma", "25/255"]
    settings += ["--stop", "budget", "--set", "filters=8,8", "--set", "skips=0", "--device", "cpu"]
    report = folder / "report.json"
    run("denoise", folder / "in.png", "-o", folder / "o.png", *settings, "--report", report)
    told = json.loads(report.read_text())["settings"]
    assert told["sigma"] == 25 / 255
    expected = {"preset": "paper", "iterations": 2, "runs": 2, "stop": "budget"}
    expected |= {"filters": [8, 8], "skips": [0, 0]}
    assert {name: told[name] for name in expected} == expected


def test_set_wins_over_an_option(folder):
    report = folder / "report.json"
    arguments = [*TINY, "--set", "iterations=2", "--report", report]
    run("denoise", folder / "in.png", "-o", folder / "o.png", *arguments)
    assert json.loads(report.read_text())["iterations"] == 2


def test_report_tells_how_the_image_came_about(folder):
    report = folder / "report.json"
    arguments = ["--reference", folder / "in.png", "--report", report, "--seed", 7]
    arguments += ["--device", "cpu", "--iterations", "230", "--set", "filters=4"]
    result = run("denoise", folder / "in.png", "-o", folder / "out.png", *arguments)
    told = json.loads(report.read_text())
    expected = {"task": "denoise", "preset": "fast", "seed": 7, "device": "cpu", "dtype": "uint8"}
    expected |= {"shape": [24, 28, 3], "iterations": 230, "stop_reason": "budget"}
    expected |= {"input_psnr": None}  # infinite: the reference is the input
    assert {name: told[name] for name in expected} == expected
    assert told["seconds"] > 0
    assert told["peak_memory_mb"] > 0
    assert told["version"]
    assert 0 < told["ssim"] <= 1
    history = told["history"]
    assert 100 < len(history) <= 200
    assert all(set(entry) == {"iteration", "seconds", "loss", "psnr"} for entry in history)
    assert [history[0]["iteration"], history[-1]["iteration"]] == [1, 230]
    assert history[-1]["psnr"] == told["psnr"]
    assert f"-> {told['psnr']:.2f} dB" in result.stdout
    task_from_dict({"task": told["task"], **told["settings"]})  # made again from what is told


def test_without_a_reference_there_is_no_psnr(folder):
    report = folder / "report.json"
    run("denoise", folder / "in.png", "-o", folder / "out.png", "--report", report, *TINY)
    told = json.loads(report.read_text())
    assert told["psnr"] is told["ssim"] is told["input_psnr"] is None
    assert set(told["history"][0]) == {"iteration", "seconds", "loss"}


def test_data_range_scales_the_psnr(folder):
    values = []
    for data_range in (255, 2550):
        report = folder / "report.json"
        arguments = ["--reference", folder / "flash.png", "--data-range", data_range, "--force"]
        arguments += ["--sigma", 0.1 * 255 / data_range, "--report", report, *TINY]
        run("denoise", folder / "in.png", "-o", folder / "out.png", *arguments)
        values.append(json.loads(report.read_text())["input_psnr"])
    assert values[1] - values[0] == pytest.approx(20)


def test_same_seed_same_bytes_and_another_seed_others(folder):
    for name, seed in (("a.png", 3), ("b.png", 3), ("c.png", 4)):
        run("denoise", folder / "in.png", "-o", folder / name, "--seed", seed, *TINY)
    a, b, c = ((folder / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert a == b
    assert a != c


def test_force_replaces(folder):
    (folder / "out.png").write_text("old")
    run("denoise", folder / "in.png", "-o", folder / "out.png", "--force", *TINY)
    assert read_image(folder / "out.png").data.shape == (24, 28, 3)


# A bar that is not on a terminal is drawn rarely; this one shows at once that the fit has begun.
IMPATIENT = """
from napari_dip.cli import main, progress
progress.SECONDS_BETWEEN_LINES = 0
main.main()
"""


def test_ctrl_c_writes_what_there_is(folder):
    arguments = ["denoise", "in.png", "-o", "out.png", "--report", "report.json"]
    # Reports come at a share of the iterations: of a million, the second would take minutes.
    arguments += ["--device", "cpu", "--set", "filters=4", "--iterations", "20000"]
    with subprocess.Popen(
        [sys.executable, "-c", IMPATIENT, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        while "loss=" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "interrupted" in stdout
    assert stderr.splitlines()[-1] == ("napari-dip: interrupted; out.png is how far it had come")
    assert read_image(folder / "out.png").data.shape == (24, 28, 3)
    told = json.loads((folder / "report.json").read_text())
    assert told["stop_reason"] == "cancelled"
    assert told["iterations"] < 20000


def test_ctrl_c_before_the_fit_writes_nothing(folder, monkeypatch):
    def interrupted(*_: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_dip.restoration.files.read_image", interrupted)
    result = run("denoise", folder / "in.png", "-o", folder / "out.png", code=ExitCode.INTERRUPTED)
    assert result.stderr.strip() == "napari-dip: interrupted; nothing was written"
    assert not (folder / "out.png").exists()


def test_a_registered_task_has_its_command(folder):
    @TASKS.register
    @dataclass(frozen=True, kw_only=True)
    class Smooth(Denoise):
        """Smooth an image."""

        name = "smooth"
        title = "Smooth"
        strength: int = setting(1, "How strongly", least=1)

    try:
        assert "--strength" in run("smooth", "--help").stdout
        assert "Smooth an image." in run("--help").stdout
        assert "--strength" in run("batch", "--help").stdout
        arguments = ["--strength", 2, "--report", folder / "report.json", *TINY]
        run("smooth", folder / "in.png", "-o", folder / "out.png", *arguments)
        told = json.loads((folder / "report.json").read_text())
        assert (told["task"], told["settings"]["strength"]) == ("smooth", 2)
    finally:
        TASKS.unregister("smooth")


def test_every_setting_is_an_option_or_named_under_set():
    for name, task in TASKS.items():
        text = " ".join(run(name, "--help").stdout.split())
        for field_name in (field.name for field in fields(task)):
            assert f"--{field_name.replace('_', '-')} " in text or f" {field_name}" in text


@pytest.fixture
def movie(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).integers(0, 255, (3, 40, 44), dtype=np.uint8)
    about = {"axes": "TYX", "unit": "um", "finterval": 0.5}
    tifffile.imwrite("movie.tif", frames, imagej=True, resolution=(5, 5), metadata=about)
    return frames


def restore(*arguments, code=0, task="denoise"):
    return run(task, *arguments, *SHORT, code=code)


def test_frames_of_a_tiff(movie):
    result = restore("movie.tif", "-o", "out.ome.zarr")
    assert "movie.tif: 3 frames one by one, 3 tiles" in result.stdout
    assert "[3/3] movie.tif t2-y0-x0: done" in result.stdout
    out = open_lazily("out.ome.zarr")
    assert out.shape == movie.shape
    assert out.axes.scale == (0.5, 0.2, 0.2)
    assert out.axes.units == ("second", "micrometer", "micrometer")
    again = restore("movie.tif", "-o", "out.ome.zarr", code=2)
    assert again.stderr.startswith("napari-dip: --output: ")
    assert "out.ome.zarr: done" in restore("movie.tif", "-o", "out.ome.zarr", "--resume").stdout


def test_frames_as_a_volume_in_tiles(movie):
    arguments = ["--loop-axes", "none", "--tile", 32, "--overlap", 8]
    result = restore("movie.tif", "-o", "out.zarr", *arguments)
    assert "3 frames in 3-D, 4 tiles" in result.stdout


def test_a_guide_in_tiles(movie):
    tifffile.imwrite("flash.tif", movie[0])
    tifffile.imwrite("other.tif", movie[0, 1:])
    restore("movie.tif", "-o", "out.zarr", "--guide", "flash.tif", "--tile", 32, task="flash")
    assert open_lazily("out.zarr").shape == movie.shape
    result = restore("movie.tif", "-o", "b.zarr", "--guide", "other.tif", task="flash", code=2)
    assert result.stderr.startswith("napari-dip: --guide: its shape (39, 44) (YX) does not match")


def test_options_of_tiled_results_need_a_zarr(movie):
    result = restore("movie.tif", "-o", "out.tif", "--tile", 32, code=2)
    assert "--tile: it needs a result in tiles; name it out.ome.zarr" in result.stderr
    result = restore("movie.tif", "-o", "out.zarr", "--report", "r.json", code=2)
    assert "--report: a result in tiles has none" in result.stderr
    result = restore("movie.tif", "-o", "out.zarr", "--loop-axes", "Q", code=2)
    assert "--loop-axes: Q can't be fitted one by one" in result.stderr


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (["--each", "Q"], "--each: Q can't be fitted"),
        (["--block=8"], "--block: expected 32 pixels or more, got 8"),
        (["--block", "x"], "Invalid value for '--block': 'x' is not a valid integer."),
        (["--block"], "Option '--block' requires an argument."),
        (["--tile=8"], "--tile: expected 32 pixels or more, got 8"),
        (["--set", "grain=-1"], "--set grain: "),
        (["--set", "noise_correlation=-1"], "--set noise_correlation: "),
    ],
)
def test_errors_of_former_options_name_what_was_typed(movie, typed, complaint):
    result = run("denoise", "movie.tif", "-o", "out.zarr", *typed, code=2)
    assert result.stderr.startswith(f"napari-dip: {complaint}")


def test_former_option_names_still_work_and_are_in_no_help(movie):
    result = restore("movie.tif", "-o", "out.zarr", "--each", "none", "--block=32")
    assert "3 frames in 3-D, 4 tiles" in result.stdout
    for command in ("denoise", "batch"):
        text = run(command, "--help").stdout
        assert "--loop-axes" in text
        assert "--each" not in text
        assert "--block" not in text
    assert "No such option" in run("info", "--each", "T", code=2).stderr


def test_names_and_values_of_former_settings_still_work(folder, monkeypatch):
    monkeypatch.chdir(folder)
    former = ["--stop", "settled", "--set", "recorrupt=no", "--set", "grain=0.5"]
    run("denoise", "grey.png", "-o", "out.tif", "--report", "out.json", *SHORT, *former)
    settings = json.loads(Path("out.json").read_text())["settings"]
    assert (settings["stop"], settings["r2r"], settings["noise_correlation"]) == (
        "converged",
        False,
        0.5,
    )


def test_help_of_a_task_has_no_examples():
    for name in TASKS:
        assert ">>>" not in run(name, "--help").stdout
