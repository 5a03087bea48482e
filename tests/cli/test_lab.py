"""The prior lab's commands."""

import json

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image

from napari_dip.cli import lab as cli_lab
from napari_dip.cli.main import main
from napari_dip.cli.options import INTERRUPTED
from napari_dip.studies.lab.registry import STUDIES


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    y, x = np.mgrid[:24, :20]
    waves = np.stack([127 + 100 * np.sin((y + k * x) / 5) for k in range(3)], axis=-1)
    image = waves.astype(np.uint8)
    Image.fromarray(image).save("in.png")
    mask = np.zeros((24, 20), np.uint8)
    mask[8:12, 8:16] = 255
    Image.fromarray(mask).save("mask.png")
    Image.fromarray(255 - mask).save("known.png")
    return tmp_path


def names(path):
    with tifffile.TiffFile(path) as file:
        return file.imagej_metadata["Labels"]


def test_samples_of_the_prior(folder):
    small = ["--size", "32", "--width", "4", "--architectures", "hourglass-1,skip-2-nearest"]
    told = run("sample", "-o", "samples.tif", *small, "--count", "1").stdout
    assert names("samples.tif") == ["hourglass-1, weights 1", "skip-2-nearest, weights 1"]
    assert "samples.tif: 2 pictures" in told
    run("sample", "-o", "samples.png", *small)
    assert (folder / "samples.png").exists()


def test_impedance_writes_its_curves_beside(folder):
    told = run("impedance", "in.png", "-o", "out.tif", "--iterations", "2").stdout
    assert names("out.tif") == ["image", "image + noise", "shuffled", "white noise"]
    assert (folder / "out_curves.png").exists()
    header, *rows = (folder / "out_curves.csv").read_text().splitlines()
    assert header == "iteration,image,image + noise,shuffled,white noise"
    assert len(rows) == 2
    assert "white noise" in told
    assert "loss" in told
    refused = run("impedance", "in.png", "-o", "out.png", code=2)
    assert "out_curves.png: exists already" in refused.stderr


@pytest.mark.parametrize("mask", [("--mask", "mask.png"), ("--mask", "known.png", "--mask-keeps")])
def test_compare_priors_with_a_mask_a_reference_and_a_report(folder, mask):
    told = run(
        *("compare-priors", "in.png", "-o", "out.tif", "--task", "inpaint", *mask),
        *("--reference", "in.png", "--iterations", "1", "--report", "out.json"),
    ).stdout
    assert names("out.tif")[0].startswith("biharmonic, ")
    assert "PSNR" in told
    report = json.loads((folder / "out.json").read_text())
    assert [p["name"] for p in report["pictures"]][2:] == [
        "deep prior, noise input",
        "deep prior, meshgrid input",
    ]
    assert report["settings"]["task"] == "inpaint"


def test_architectures_and_stopping_points(folder):
    few = ["--architectures", "hourglass-1,unet-1", "--set", "width=4", "--iterations", "1"]
    run("compare-architectures", "in.png", "-o", "a.tif", "--task", "denoise", *few)
    assert names("a.tif") == ["hourglass-1", "unet-1"]
    run("enhance-stops", "in.png", "-o", "e.tif", "--stops", "1,2")
    assert names("e.tif") == ["coarse, 1", "boosted, 1", "coarse, 2", "boosted, 2"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["sample", "-o", "o.tif", "--architectures", "vgg"], "--architectures: expected hourglass-N"),
        (["sample", "-o", "o.jpg"], "write a .tif"),
        (["impedance", "in.png", "-o", "o.tif", "--sigma", "2"], "--sigma: 2 is above"),
        (["compare-priors", "in.png", "-o", "o.tif", "--task", "inpaint"], "--mask: nothing is"),
        (["compare-priors", "in.png", "-o", "o.tif", "--mask-keeps"], "--mask-keeps: there is no"),
        (["compare-priors", "no.png", "-o", "o.tif"], "no.png: no such file"),
        (["enhance-stops", "in.png", "-o", "o.tif", "--stops", "x"], "--stops: 'x' is not a whole"),
    ],
)
def test_what_is_wrong_ends_in_one_line_and_no_file(folder, arguments, complaint):
    before = sorted(folder.iterdir())
    result = run(*arguments, code=2)
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_interrupted_what_there_is_is_written(folder, monkeypatch):
    from napari_dip.studies.study import StudyJob

    run_all = StudyJob.run
    monkeypatch.setattr(StudyJob, "run", lambda job, should_stop: run_all(job, lambda: True))
    result = run("sample", "-o", "o.tif", "--size", "16", "--width", "4", code=INTERRUPTED)
    assert "interrupted; o.tif is how far it had come" in result.stderr
    assert names("o.tif") == "hourglass-1, weights 1"  # tifffile gives a single label as text


def test_each_study_has_its_command():
    assert [command.name for command in cli_lab.COMMANDS] == list(STUDIES)
    for name in STUDIES:
        assert "--output" in run(name, "--help").stdout
