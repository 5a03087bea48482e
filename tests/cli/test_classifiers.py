"""The commands that look inside a classifier."""

import json
import sys

import numpy as np
import pytest
import tifffile
import torch
from click.testing import CliRunner, Result
from PIL import Image

from napari_dip.cli.main import main
from napari_dip.cli.options import INTERRUPTED

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


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def folder(tmp_path, monkeypatch, rng):
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


def test_layers_are_inverted_to_a_named_stack(folder):
    args = ["--model", "nets_of_a_test:net", "--layers", "0,4", "--prior", "deep,tv"]
    result = run("invert", "in.png", "-o", "out.tif", *args, "--report", "report.json", *TINY)
    with tifffile.TiffFile("out.tif") as file:
        assert (file.asarray().shape, file.asarray().dtype) == ((4, 24, 24, 3), np.uint8)
        labels = file.imagej_metadata["Labels"]
    assert [label.split(",")[0] for label in labels] == ["0 deep", "0 tv", "4 deep", "4 tv"]
    assert "out.tif: 4 pictures in" in result.stdout
    assert "4 tv    psnr" in result.stdout
    report = json.loads((folder / "report.json").read_text())
    assert report["study"] == "invert"
    assert report["settings"]["model"] == "nets_of_a_test:net"
    assert report["settings"]["preprocessing"]["size"] == [24, 24]
    assert [p["name"] for p in report["pictures"]] == ["0 deep", "0 tv", "4 deep", "4 tv"]
    assert report["pictures"][0]["psnr"] > 0
    assert len(report["pictures"][0]["curve"]) == 3


def test_classes_are_maximised_to_a_figure(folder):
    args = ["--model", "net.pt2", "--unit", "3,1", "--report", "report.json"]
    result = run("maximize", "-o", "out.png", *args, *TINY)
    with Image.open("out.png") as figure:
        assert figure.width > figure.height > 200
    assert "  3  activation " in result.stdout
    assert "recognised" in result.stdout
    assert "3/3" not in result.stderr  # of both together
    assert "6/6" in result.stderr
    pictures = json.loads((folder / "report.json").read_text())["pictures"]
    assert [p["name"] for p in pictures] == ["3", "1"]
    assert all(np.isfinite(p["activation"]) for p in pictures)


def test_a_channel_is_maximised(folder):
    run("maximize", "-o", "out.tif", "--model", "net.pt2", "--layer", "0", "--unit", "2", *TINY)
    assert tifffile.imread("out.tif").shape == (24, 24, 3)


def test_layers_are_listed(folder):
    lines = run("layers", "--model", "net.pt2").stdout.splitlines()
    assert lines[0].split() == ["0", "4", "x", "11", "x", "11"]
    assert lines[-1].split() == ["output", "5"]


def test_what_the_classifier_asks_for_can_be_told(folder):
    args = ["--model", "nets_of_a_test:net", "--size", "32", "--mean", "0,0,0", "--std", "1,1,1"]
    run("maximize", "-o", "out.tif", "--unit", "0", *args, "--report", "report.json", *TINY)
    told = json.loads((folder / "report.json").read_text())["settings"]["preprocessing"]
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
def test_what_is_wrong_is_said_in_one_line(folder, arguments, message):
    result = run(*arguments, "--model", "net.pt2", "-o", "out.tif", *TINY, code=2)
    assert result.stderr.startswith(f"napari-dip: {message}")
    assert result.stderr.count("\n") == 1
    assert not (folder / "out.tif").exists()


def test_a_model_that_is_none_is_told(folder):
    (folder / "text.pt").write_text("hello")
    result = run("maximize", "-o", "o.tif", "--unit", "0", "--model", "text.pt", code=2)
    assert result.stderr.startswith("napari-dip: --model: text.pt is no TorchScript")


def test_interrupted_it_keeps_what_there_is(folder, monkeypatch):
    import signal

    from napari_dip.studies.classifiers import objectives

    def press(*given):
        signal.raise_signal(signal.SIGINT)
        return minus_activation(*given)

    minus_activation = objectives.minus_activation
    monkeypatch.setattr("napari_dip.studies.classifiers.visualize.minus_activation", press)
    args = ["--model", "net.pt2", "--unit", "0,1", *TINY]
    result = run("maximize", "-o", "out.tif", *args, code=INTERRUPTED)
    assert "interrupted; out.tif is how far it had come" in result.stderr
    assert tifffile.imread("out.tif").shape == (24, 24, 3)
