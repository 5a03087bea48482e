"""The commands of studies: the prior lab's, `invert`, `maximize` and `layers`."""

import json
import signal
import sys

import numpy as np
import pytest
import tifffile
import torch
from click.testing import CliRunner
from PIL import Image

from napari_dip.cli.main import main
from napari_dip.cli.options import ExitCode
from napari_dip.studies.classifiers import objectives
from napari_dip.studies.lab.registry import STUDIES
from napari_dip.studies.study import StudyJob

MODEL = """
import torch
from torch import nn

torch.manual_seed(0)

def net():
    module = nn.Sequential(
        *(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(16, 5)),
    )
    return module, {"size": 24}
"""

TINY = ["--device", "cpu", "--iterations", "3", "--set", "filters=4"]


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
        (
            ["sample", "-o", "o.tif", "--architectures", "vgg"],
            "--architectures: expected hourglass-N",
        ),
        (["sample", "-o", "o.jpg"], "write a .tif"),
        (["impedance", "in.png", "-o", "o.tif", "--sigma", "2"], "--sigma: 2 is above"),
        (["compare-priors", "in.png", "-o", "o.tif", "--task", "inpaint"], "--mask: nothing is"),
        (["compare-priors", "in.png", "-o", "o.tif", "--mask-keeps"], "--mask-keeps: there is no"),
        (["compare-priors", "no.png", "-o", "o.tif"], "no.png: no such file"),
        (["enhance-stops", "in.png", "-o", "o.tif", "--stops", "x"], "--stops: 'x' is not a whole"),
    ],
)
def test_bad_arguments_of_the_lab_are_refused_in_one_line_and_write_nothing(
    folder, arguments, complaint
):
    before = sorted(folder.iterdir())
    result = run(*arguments, code=2)
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_an_interrupted_study_is_written(folder, monkeypatch):
    run_all = StudyJob.run
    monkeypatch.setattr(StudyJob, "run", lambda job, should_stop: run_all(job, lambda: True))
    result = run("sample", "-o", "o.tif", "--size", "16", "--width", "4", code=ExitCode.INTERRUPTED)
    assert "interrupted; o.tif is how far it had come" in result.stderr
    assert names("o.tif") == "hourglass-1, weights 1"  # tifffile gives a single label as text


def test_each_study_has_its_command():
    for name in STUDIES:
        assert "--output" in run(name, "--help").stdout


@pytest.fixture
def model_folder(tmp_path, monkeypatch, rng):
    """A folder with a picture and a classifier, in several forms."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets_of_a_test.py").write_text(MODEL)
    Image.fromarray((255 * rng.random((40, 30, 3))).astype(np.uint8)).save("in.png")
    state = torch.random.get_rng_state()
    monkeypatch.syspath_prepend(tmp_path)
    import nets_of_a_test

    module, _ = nets_of_a_test.net()
    torch.random.set_rng_state(state)
    torch.export.save(torch.export.export(module.eval(), (torch.zeros(1, 3, 24, 24),)), "net.pt2")
    yield tmp_path
    del sys.modules["nets_of_a_test"]


def test_layers_are_inverted_to_a_named_stack(model_folder):
    args = ["--model", "nets_of_a_test:net", "--layers", "0,4", "--prior", "deep,tv"]
    result = run("invert", "in.png", "-o", "out.tif", *args, "--report", "report.json", *TINY)
    with tifffile.TiffFile("out.tif") as file:
        assert (file.asarray().shape, file.asarray().dtype) == ((4, 24, 24, 3), np.uint8)
        labels = file.imagej_metadata["Labels"]
    assert [label.split(",")[0] for label in labels] == ["0 deep", "0 tv", "4 deep", "4 tv"]
    assert "out.tif: 4 pictures in" in result.stdout
    assert "4 tv    PSNR" in result.stdout
    report = json.loads((model_folder / "report.json").read_text())
    assert report["study"] == "invert"
    assert report["settings"]["model"] == "nets_of_a_test:net"
    assert report["settings"]["preprocessing"]["size"] == [24, 24]
    assert [p["name"] for p in report["pictures"]] == ["0 deep", "0 tv", "4 deep", "4 tv"]
    assert report["pictures"][0]["psnr"] > 0
    assert len(report["pictures"][0]["curve"]) == 3


def test_classes_are_maximised_to_a_figure(model_folder):
    args = ["--model", "net.pt2", "--unit", "3,1", "--report", "report.json"]
    result = run("maximize", "-o", "out.png", *args, *TINY)
    with Image.open("out.png") as figure:
        assert figure.width > figure.height > 200
    assert "  3  activation " in result.stdout
    assert "recognised" in result.stdout
    assert "3/3" not in result.stderr  # of both together
    assert "6/6" in result.stderr
    pictures = json.loads((model_folder / "report.json").read_text())["pictures"]
    assert [p["name"] for p in pictures] == ["3", "1"]
    assert all(np.isfinite(p["activation"]) for p in pictures)


def test_a_channel_is_maximised(model_folder):
    run("maximize", "-o", "out.tif", "--model", "net.pt2", "--layer", "0", "--unit", "2", *TINY)
    assert tifffile.imread("out.tif").shape == (24, 24, 3)


def test_layers_are_listed(model_folder):
    lines = run("layers", "--model", "net.pt2").stdout.splitlines()
    assert lines[0].split() == ["0", "4", "x", "11", "x", "11"]
    assert lines[-1].split() == ["output", "5"]


def test_the_preprocessing_can_be_typed(model_folder):
    args = ["--model", "nets_of_a_test:net", "--size", "32", "--mean", "0,0,0", "--std", "1,1,1"]
    run("maximize", "-o", "out.tif", "--unit", "0", *args, "--report", "report.json", *TINY)
    told = json.loads((model_folder / "report.json").read_text())["settings"]["preprocessing"]
    assert (told["size"], told["mean"], told["std"]) == ([32, 32], [0, 0, 0], [1, 1, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["invert", "in.png", "--layers", "9"], "--layers: net has no layer '9'; there are 0, 1"),
        (["invert", "in.png"], "--layers: name one or several of net's, such as 0, 1"),
        (["invert", "in.jpg", "--layers", "0"], "in.jpg: no such file"),
        (["maximize", "--unit", "7"], "--unit: 7 is no class of net; it has 0 to 4"),
        (["maximize", "--unit", "cat"], "--unit: net's classes have no names; give a number"),
        (["maximize"], "--unit: name one or several classes"),
        (["maximize", "--unit", "0", "--layer", "x"], "--layer: net has no layer 'x'"),
        (["maximize", "--unit", "0", "--mean", "red"], "--mean: 'red' is not numbers"),
        (["maximize", "--unit", "0", "--prior", "dip"], "--prior: 'dip' is not one of deep"),
        (["maximize", "--unit", "0", "--size", "25"], "--model: net can't take an image"),
        (["maximize", "--unit", "0", "--weights", "w.pt"], "--weights: a model of your own"),
    ],
)
def test_bad_arguments_of_classifiers_are_refused_in_one_line(model_folder, arguments, message):
    result = run(*arguments, "--model", "net.pt2", "-o", "out.tif", *TINY, code=2)
    assert result.stderr.startswith(f"napari-dip: {message}")
    assert result.stderr.count("\n") == 1
    assert not (model_folder / "out.tif").exists()


def test_a_file_that_is_no_model_is_refused(model_folder):
    (model_folder / "text.pt").write_text("hello")
    result = run("maximize", "-o", "o.tif", "--unit", "0", "--model", "text.pt", code=2)
    assert result.stderr.startswith("napari-dip: --model: text.pt is no TorchScript")


def test_an_interrupted_maximisation_is_written(model_folder, monkeypatch):
    def press(*given):
        signal.raise_signal(signal.SIGINT)
        return minus_activation(*given)

    minus_activation = objectives.minus_activation
    monkeypatch.setattr("napari_dip.studies.classifiers.visualize.minus_activation", press)
    args = ["--model", "net.pt2", "--unit", "0,1", *TINY]
    result = run("maximize", "-o", "out.tif", *args, code=ExitCode.INTERRUPTED)
    assert "interrupted; out.tif is how far it had come" in result.stderr
    assert tifffile.imread("out.tif").shape == (24, 24, 3)
