"""No command writes over what it reads, with --force neither."""

import os

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image

from napari_dip import Denoise, Inpaint, UserError, restore_large, restore_many
from napari_dip.cli.main import main

TINY = ["--iterations", "1", "--set", "filters=4", "--device", "cpu", "--force"]


@pytest.fixture
def folder(tmp_path, monkeypatch, rng):
    monkeypatch.chdir(tmp_path)
    image = rng.integers(0, 255, (20, 24), dtype=np.uint8)
    for name in ("in.tif", "guide.tif", "true.tif"):
        tifffile.imwrite(tmp_path / name, image)
    tifffile.imwrite(tmp_path / "psf.tif", np.ones((3, 3), np.uint8))
    mask = np.zeros((20, 24), np.uint8)
    mask[5:8, 5:8] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("denoise in.tif -o in.tif", "--output: in.tif is the image, which would be lost"),
        ("denoise in.tif -o out.tif --report in.tif", "--report: in.tif is the image"),
        ("denoise in.tif -o ./out.tif --report out.tif", "--report: out.tif is the result's own"),
        (
            "denoise in.tif -o out.tif --mask mask.png --report mask.png",
            "--report: mask.png is the",
        ),
        ("inpaint in.tif -o mask.png --mask mask.png", "--output: mask.png is the mask"),
        ("deblur in.tif --psf psf.tif -o psf.tif", "--output: psf.tif is the psf"),
        ("flash in.tif --guide guide.tif -o out.tif --report guide.tif", "guide.tif is the guide"),
        ("denoise in.tif -o out.tif --reference true.tif --report hard.json", "is the reference"),
        ("denoise in.tif -o link.tif", "--output: link.tif is the image (in.tif), which"),
        ("enhance in.tif -o in.ome.tif --parts --mask in.ome_detail.tif", "is the mask"),
        ("impedance in.tif -o out.png --report in.tif", "--report: in.tif is the image"),
        ("impedance in.tif -o link.tif", "--output: link.tif is the image (in.tif)"),
        ("compare-priors in.tif --mask mask.png -o mask.png", "--output: mask.png is the mask"),
    ],
)
def test_an_input_is_refused_as_a_target(folder, words, said):
    (folder / "link.tif").symlink_to("in.tif")
    os.link(folder / "true.tif", folder / "hard.json")
    tifffile.imwrite(folder / "in.ome_detail.tif", np.eye(20, 24, dtype=np.uint8))
    before = contents(folder)
    is_study = words.split()[0] in ("impedance", "compare-priors")
    result = CliRunner().invoke(main, [*words.split(), *(["--force"] if is_study else TINY)])
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert "\n" not in result.output.strip()
    assert contents(folder) == before


@pytest.mark.parametrize("output", ["in.ome.zarr", "in.ome.zarr/more.zarr", "link.zarr"])
def test_a_zarr_is_not_written_over_or_into_itself(folder, output):
    assert (
        CliRunner().invoke(main, ["denoise", "in.tif", "-o", "in.ome.zarr", *TINY]).exit_code == 0
    )
    (folder / "link.zarr").symlink_to("in.ome.zarr", target_is_directory=True)
    before = contents(folder)
    for source in ("in.ome.zarr", "in.ome.zarr/0"):
        result = CliRunner().invoke(main, ["denoise", source, "-o", output, *TINY])
        assert result.exit_code == 2, result.output
        assert result.output.startswith("napari-dip: --output: ")
        with pytest.raises(UserError, match=r"output: .* (is|lies in) the image"):
            restore_large(source, output, Denoise(iterations=1, filters=(4,)), overwrite=True)
    with pytest.raises(UserError, match=r"output: .* the mask"):
        task = Inpaint(iterations=1, filters=(4,))
        restore_large("in.tif", output, task, mask="in.ome.zarr", overwrite=True)
    assert contents(folder) == before


def test_a_batch_replaces_none_of_its_images_and_inputs(folder):
    (folder / "images").mkdir()
    (folder / "in.tif").rename(folder / "images" / "a.tif")
    (folder / "masks").mkdir()
    tifffile.imwrite(folder / "masks" / "a.tif", np.eye(20, 24, dtype=np.uint8))
    (folder / "linked").symlink_to("images", target_is_directory=True)
    before = contents(folder)
    for words, said in (
        ("images/a.tif -o images", "is the image"),
        ("images/a.tif -o linked", "is the image"),
        ("images/a.tif -o masks --mask masks", "is the mask"),
        ("images/a.tif -o masks --mask masks --resume", "is the mask"),
    ):
        result = CliRunner().invoke(main, ["batch", *words.split(), "--task", "inpaint", *TINY])
        assert result.exit_code == 2, result.output
        assert said in result.output
    task = Denoise(iterations=1, filters=(4,))
    with pytest.raises(UserError, match=r"output: .* is the image"):
        restore_many(["images/a.tif"], "images", task, overwrite=True)
    assert contents(folder) == before
