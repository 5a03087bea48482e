"""Arguments that can't be used are refused in one line that says what to do; nothing is written."""

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image

from napari_dip.cli.main import main
from napari_dip.cli.options import ExitCode

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with good files and bad ones."""
    folder = tmp_path_factory.mktemp("files")
    good = RNG.integers(0, 256, (16, 20), dtype=np.uint8)
    arrays = {
        "good": good,
        "colour": RNG.integers(0, 256, (16, 20, 3), dtype=np.uint8),
        "uint16": good.astype(np.uint16) * 100,
        "small": good[:8, :8],
        "one": good[:1, :1],
        "constant": np.full((16, 20), 7, np.uint8),
        "nan": np.full((16, 20), np.nan, np.float32),
        "complex": good.astype(np.complex64),
        "bool": good > 127,
        "other": RNG.integers(0, 256, (20, 16), dtype=np.uint8),
        "all": np.ones((16, 20), np.uint8),
        "none": np.zeros((16, 20), np.uint8),
        "large": RNG.integers(0, 256, (600, 600), dtype=np.uint8),
        "psf": np.ones((3, 3), np.float32),
        "psf-large": np.ones((17, 17), np.float32),
        "psf-negative": np.array([[-1, 5], [1, 1]], np.float32),
        "psf-nan": np.array([[np.nan, 5], [1, 1]], np.float32),
        "psf-3d": np.ones((3, 3, 3), np.float32),
    }
    for name, array in arrays.items():
        options = {"photometric": "rgb"} if name == "colour" else {"photometric": "minisblack"}
        tifffile.imwrite(folder / f"{name}.tif", array, **options)
    movie = np.stack([good] * 5)
    tifffile.imwrite(folder / "movie.tif", movie, imagej=True, metadata={"axes": "TYX"})
    Image.fromarray(good).save(folder / "good.png")
    for name in ("good.png", "large.tif"):
        whole = (folder / name).read_bytes()
        (folder / f"cut-{name}").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("this is no picture")
    (folder / "empty.tif").write_bytes(b"")
    (folder / "notes.txt").write_text("notes")
    (folder / "exists.tif").write_text("precious")
    (folder / "folder").mkdir()
    return folder


# What is typed after `napari-dip`, with {o} for `-o out.tif`, and what the answer says.
CASES = [
    # The command line itself
    ("denois good.tif {o}", "denois"),
    ("denoise", "'IN'"),
    ("denoise good.tif", "--output"),
    ("denoise good.tif {o} --sgima 0.1", "--sgima"),
    ("denoise good.tif {o} more.tif", "more.tif"),
    ("upscale good.tif {o} --mask-keep all.tif", "--mask-keep"),
    # Settings
    (
        "denoise good.tif {o} --preset slow",
        "--preset: 'slow' is not one of instant, fast, best, paper",
    ),
    ("denoise good.tif {o} --iterations 0", "--iterations: 0 is below its least value of 1"),
    ("denoise good.tif {o} --iterations many", "--iterations: 'many' is not a whole number"),
    ("denoise good.tif {o} --runs 1.5", "--runs: '1.5' is not a whole number"),
    ("denoise good.tif {o} --stop never", "--stop: 'never' is not one of auto, budget, sigma"),
    ("denoise good.tif {o} --sigma nan", "--sigma: nan is not a finite number"),
    ("denoise good.tif {o} --sigma 1/0", "--sigma: nan is not a finite number"),
    ("denoise good.tif {o} --sigma 25", "--sigma: 25 is above its greatest value of 1"),
    ("denoise good.tif {o} --sigma -0.1", "--sigma: -0.1 is below its least value of 0"),
    ("upscale good.tif {o} --factor 0", "--factor: 0 is below its least value of 2"),
    ("upscale good.tif {o} --factor 2.5", "--factor: '2.5' is not a whole number"),
    ("enhance good.tif {o} --gain -1", "--gain: -1 is below its least value of 0"),
    ("inpaint good.tif {o} --mask all.tif --hole big", "--hole: 'big' is not one of text"),
    ("denoise good.tif {o} --set filters", "--set: 'filters' is not KEY=VALUE"),
    ("denoise good.tif {o} --set filter=8", "--set filter: Denoise has no such setting; did you"),
    ("denoise good.tif {o} --set xyz=8", "--set xyz: Denoise has no such setting; known are"),
    ("denoise good.tif {o} --set filters=a,b", "--set filters: 'a,b' is not a whole number"),
    ("denoise good.tif {o} --set filters=8,", "--set filters: '8,' is not a whole number"),
    ("denoise good.tif {o} --set filters=0", "--set filters: 0 is below its least value of 1"),
    ("denoise good.tif {o} --set kernels_down=2", "--set kernels_down:"),
    ("denoise good.tif {o} --set fresh_noise=maybe", "--set fresh_noise: 'maybe' is not true"),
    ("denoise good.tif {o} --set learning_rate=inf", "--set learning_rate: inf is not a finite"),
    ("denoise good.tif {o} --seed -1", "--seed: -1 must be a whole number from 0"),
    ("denoise good.tif {o} --seed x", "--seed"),
    ("denoise good.tif {o} --device tpu", "--device: 'tpu' is none of auto, cpu, cuda, mps"),
    ("denoise good.tif {o} --device cuda:99", "--device: cuda:99 asked for, but"),
    ("denoise good.tif {o} --data-range 0", "--data-range: 0 must be a finite number above 0"),
    ("denoise good.tif {o} --data-range wide", "--data-range"),
    ("denoise good.tif {o} --axes YXZ", "--axes: YXZ names 3 axes, but the image has 2"),
    ("denoise good.tif {o} --axes YZ", "--axes: YZ must name Y and X once"),
    ("denoise good.tif {o} --axes YY", "--axes: YY must name Y and X once"),
    # Files that go in
    ("denoise missing.tif {o}", "missing.tif: no such file"),
    ("denoise folder {o}", "folder: is a folder; name an image file"),
    ("denoise notes.txt {o}", "notes.txt: can't read .txt files; use .tif"),
    ("denoise text.png {o}", "text.png: can't be read"),
    ("denoise empty.tif {o}", "empty.tif: can't be read"),
    ("denoise cut-good.png {o}", "cut-good.png: can't be read"),
    ("denoise cut-large.tif {o}", "cut-large.tif: can't be read"),
    ("denoise one.tif {o}", "IN: 1 x 1 pixels is too small"),
    ("denoise small.tif {o}", "IN: 8 x 8 pixels is too small; at least 16"),
    ("denoise constant.tif {o}", "IN: every pixel is 7; there is nothing to restore"),
    ("denoise nan.tif {o}", "IN: it has no finite pixel"),
    ("denoise complex.tif {o}", "IN: complex64 values can't be restored; convert"),
    ("denoise bool.tif {o}", "IN: bool values can't be restored; convert"),
    ("denoise movie.tif {o} --axes TYYX", "--axes: TYYX names 4 axes, but the image has 3"),
    ("upscale large.tif {o} --factor 32 --set filters=512,512", "out of memory: this fit needs"),
    # What is given beside the image
    ("inpaint good.tif {o}", "--mask: nothing is marked as missing; mark the pixels to fill"),
    ("inpaint good.tif {o} --mask none.tif", "--mask: nothing is marked as missing"),
    ("inpaint good.tif {o} --mask all.tif", "--mask: it covers the whole image"),
    ("inpaint good.tif {o} --mask none.tif --mask-keeps", "--mask: it covers the whole image"),
    ("inpaint good.tif {o} --mask other.tif", "--mask: its shape (20, 16) is not the image's"),
    ("inpaint good.tif {o} --mask complex.tif", "--mask: complex64 values can't mark pixels"),
    ("inpaint good.tif {o} --mask missing.tif", "missing.tif: no such file"),
    ("denoise good.tif {o} --mask-keeps", "--mask-keeps: there is no mask"),
    ("deblur good.tif {o}", "--psf"),
    (
        "deblur good.tif {o} --psf psf-large.tif",
        "--psf: its light reaches over 17 x 17 pixels (YX), more than the image's 16 x 20",
    ),
    ("deblur good.tif {o} --psf none.tif", "--psf: every value is 0"),
    (
        "deblur good.tif {o} --psf psf-negative.tif",
        "--psf: 12.5 % of its light is negative, too much for noise",
    ),
    ("deblur good.tif {o} --psf psf-nan.tif", "--psf: 1 of its 4 values are not finite numbers"),
    (
        "deblur good.tif {o} --psf psf-3d.tif",
        "--psf: it has 3 axes of shape (3, 3, 3), but the image has 2 of space",
    ),
    ("denoise good.tif {o} --psf psf.tif", "--psf"),
    ("flash good.tif {o}", "--guide"),
    ("flash good.tif {o} --guide other.tif", "--guide: its shape (20, 16) does not match"),
    ("flash good.tif {o} --guide constant.tif", "--guide: every pixel is 7"),
    ("denoise good.tif {o} --reference other.tif", "--reference: its shape (20, 16) is not"),
    ("denoise good.tif {o} --reference colour.tif", "--reference: its shape (16, 20, 3) is not"),
    ("denoise good.tif {o} --reference complex.tif", "--reference: complex64 values can't be"),
    ("upscale good.tif {o} --factor 2 --reference good.tif", "--reference: its shape (16, 20)"),
    # Files that go out
    ("denoise good.tif -o exists.tif", "exists.tif: exists already; choose another name, or"),
    ("denoise good.tif -o nowhere/out.tif", "nowhere/out.tif: there is no folder"),
    ("denoise good.tif -o folder", "folder: can't write a file without a suffix; use .tif"),
    ("denoise good.tif -o out.xyz", "out.xyz: can't write .xyz files; use .tif"),
    ("denoise uint16.tif -o out.jpg", "out.jpg: JPEG holds 8-bit whole numbers, not uint16"),
    ("denoise good.tif {o} --report nowhere/report.json", "there is no folder"),
    ("denoise good.tif {o} --report exists.tif", "exists.tif: exists already"),
    ("denoise good.tif {o} --report out.tif", "--report: out.tif is the result's own name"),
    # The demo
    ("demo --task sharpen", "--task: expected one of denoise, dejpeg"),
    ("demo --preset slow", "--preset: 'slow' is not one of instant, fast, best, paper"),
    ("demo --device tpu", "--device: 'tpu' is none of"),
    ("demo -o exists.tif/demo", "--output: exists.tif/demo can't be made"),
]


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize(("typed", "expected"), CASES, ids=[typed for typed, _ in CASES])
def test_one_line_says_what_is_wrong(files, monkeypatch, typed, expected):
    monkeypatch.chdir(files)
    before = contents(files)
    result = CliRunner().invoke(main, typed.format(o="-o out.tif").split())
    after = contents(files)
    (files / "out.tif").unlink(missing_ok=True)  # so that one failure stays one
    assert result.exit_code == ExitCode.BAD_ARGUMENT, result.output
    line, *more = result.stderr.splitlines()
    assert not more
    assert result.stdout == ""
    assert line.startswith("napari-dip: ")
    assert expected in line
    assert after == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="may write everywhere")
def test_a_read_only_folder_is_refused(files):
    folder = files / "folder"
    folder.chmod(0o500)
    arguments = ["denoise", str(files / "good.tif"), "-o", str(folder / "out.tif")]
    result = CliRunner().invoke(main, arguments)
    folder.chmod(0o700)
    assert result.exit_code == ExitCode.BAD_ARGUMENT
    assert "is read-only; choose another" in result.stderr
