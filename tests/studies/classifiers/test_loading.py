import re
import sys
import urllib.error
import warnings
import zipfile

import pytest
import torch
from torch import nn

from napari_dip.errors import UserError
from napari_dip.studies.classifiers import zoo
from napari_dip.studies.classifiers.layers import OUTPUT
from napari_dip.studies.classifiers.loading import load_classifier
from napari_dip.studies.classifiers.preprocessing import Preprocessing

SHAPE = (1, 3, 32, 32)


class Small(nn.Module):
    def __init__(self, channels=3):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, 4, 3, stride=2), nn.ReLU(inplace=True))
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        return self.head(self.stem(x).mean((2, 3)))


class Canary:
    """A pickle that leaves a file behind when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


@pytest.fixture
def module():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Small().eval()


@pytest.fixture
def squeezenet(torchvision, tmp_path):
    """A torchvision classifier of few weights, and a file of them."""
    made = torchvision.models.squeezenet1_1()
    path = tmp_path / "squeezenet.pth"
    torch.save(made.state_dict(), path)
    return made.eval(), path


def script(module, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(module), path)


def export(module, path, *shape):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module, (torch.zeros(shape or SHAPE),)), path)


def test_weights_from_a_file(squeezenet):
    made, path = squeezenet
    classifier = load_classifier("squeezenet1_1", weights=path, size=64)
    assert (classifier.name, classifier.weights) == ("squeezenet1_1", "squeezenet.pth")
    assert classifier.classes[1] == "goldfish"
    assert classifier.preprocessing == Preprocessing(64, margin=256 / 224)
    x = torch.rand(1, 3, 64, 64)
    with classifier.evaluating(torch.device("cpu")):
        assert torch.equal(classifier.module(x), made(x))


def test_weights_of_a_checkpoint_of_several_gpus(squeezenet, tmp_path):
    made, _ = squeezenet
    state = {f"module.{name}": value.half() for name, value in made.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "checkpoint.pt")
    classifier = load_classifier("squeezenet1_1", weights=tmp_path / "checkpoint.pt")
    weight = classifier.module.features[0].weight
    assert weight.dtype == torch.float32
    assert torch.allclose(weight, made.features[0].weight, atol=1e-3)


def test_weights_with_other_classes(torchvision, tmp_path):
    torch.save(torchvision.models.resnet18(num_classes=4).state_dict(), tmp_path / "cells.pt")
    classifier = load_classifier("resnet18", weights=tmp_path / "cells.pt", size=32)
    assert classifier.logits.shape == (4,)
    assert classifier.classes == ()


def test_densenets_old_names(torchvision, tmp_path):
    state = torchvision.models.densenet121().state_dict()
    old = {}
    for name, value in state.items():
        name = re.sub(r"(denselayer\d+\.(?:norm|conv))([12]\.)", r"\1.\2", name)
        old[name] = value
    assert old.keys() != state.keys()
    torch.save(old, tmp_path / "old.pth")
    classifier = load_classifier("densenet121", weights=tmp_path / "old.pth", size=32)
    assert classifier.module.state_dict().keys() == state.keys()


def test_constructor_options_of_pretrained_weights(torchvision, tmp_path):
    torch.save(torchvision.models.googlenet(init_weights=False).state_dict(), tmp_path / "g.pth")
    module = load_classifier("googlenet", weights=tmp_path / "g.pth").module
    assert module.transform_input


def test_weights_of_another_architecture_are_refused(squeezenet, torchvision, tmp_path):
    _, path = squeezenet
    with pytest.raises(UserError, match=r"^weights: .*squeezenet.pth are not resnet18's .*another"):
        load_classifier("resnet18", weights=path)
    with pytest.raises(UserError, match=r"^weights: .*squeezenet1_0's .*has another shape"):
        load_classifier("squeezenet1_0", weights=path)


def test_truncated_weights_are_refused(squeezenet):
    _, path = squeezenet
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"^weights: .*squeezenet.pth can't be read"):
        load_classifier("squeezenet1_1", weights=path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x02}q\x00X\x01\x00"])
def test_files_without_weights_are_refused(torchvision, tmp_path, content):
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"^weights: .*weights.pt "):
        load_classifier("squeezenet1_1", weights=path)


def test_weights_that_are_no_state_dict_are_refused(torchvision, tmp_path):
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(UserError, match=r"^weights: .*holds no state dict"):
        load_classifier("squeezenet1_1", weights=tmp_path / "list.pt")
    with pytest.raises(UserError, match=r"^weights: there is no file"):
        load_classifier("squeezenet1_1", weights=tmp_path / "none.pt")


def test_pickled_code_is_not_run_for_weights(torchvision, tmp_path):
    torch.save({"a": Canary(tmp_path / "ran")}, tmp_path / "evil.pt")
    with pytest.raises(UserError, match=r"^weights: .*evil.pt holds more than tensors"):
        load_classifier("squeezenet1_1", weights=tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()
    torch.load(tmp_path / "evil.pt", weights_only=False)  # it would have
    assert (tmp_path / "ran").exists()


def test_without_a_network_the_message_says_what_to_do(torchvision, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", refuse)
    with pytest.raises(UserError, match=r"^weights: alexnet's can't be downloaded from https://"):
        load_classifier("alexnet")


def test_downloaded_weights_are_loaded_as_tensors_alone(squeezenet, tmp_path, monkeypatch):
    made, _ = squeezenet
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    asked = []

    def download(url, to, *args, progress, **kwargs):
        asked.append((url, progress))
        torch.save({"evil": Canary(tmp_path / "ran")} if len(asked) > 1 else made.state_dict(), to)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    classifier = load_classifier("squeezenet1_1", progress=False, size=64)
    assert classifier.weights == "SqueezeNet1_1_Weights.IMAGENET1K_V1"
    assert torch.equal(classifier.module.features[0].bias, made.features[0].bias)
    assert "squeezenet1_1" in asked[0][0]
    assert asked[0][1] is False
    with pytest.raises(UserError, match=r"^weights: squeezenet1_0's can't be downloaded"):
        load_classifier("squeezenet1_0")
    assert not (tmp_path / "ran").exists()


def test_an_unknown_name_is_answered_with_the_nearest(torchvision):
    with pytest.raises(UserError, match=r"^model: 'alexnett' is no file.*did you mean alexnet"):
        load_classifier("alexnett")
    assert zoo.names()[:3] == ["alexnet", "vgg16", "vgg19"]
    assert "resnet50" in zoo.names()


class Unfit:
    """Finds a torchvision that was built for another torch."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torchvision":
            raise RuntimeError("operator torchvision::nms does not exist")


def test_torchvision_that_is_missing_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(UserError, match=r"^model: .*pip install 'napari-dip\[classifiers\]'$"):
        load_classifier("alexnet")
    assert zoo.names() == ["alexnet", "vgg16", "vgg19"]


def test_torchvision_of_another_torch_is_told(monkeypatch):
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Unfit(), *sys.meta_path])
    with pytest.raises(UserError, match=r"^model: torchvision does not go with this torch"):
        load_classifier("alexnet")


def test_torchscript_gives_its_output_alone(module, tmp_path):
    script(module, tmp_path / "small.pt")
    classifier = load_classifier(tmp_path / "small.pt", size=32, mean=(0, 0, 0))
    assert classifier.name == "small"
    assert classifier.preprocessing == Preprocessing(32, (0, 0, 0), (1, 1, 1))
    assert list(classifier.layers) == [OUTPUT]
    x = torch.rand(SHAPE)
    assert torch.allclose(classifier.values(classifier.layers[OUTPUT], x), module(x))
    with pytest.raises(UserError, match=r"^layer: small is TorchScript.*torch.export"):
        classifier.layer("stem")


def test_an_exported_file_gives_its_layers_and_its_size(module, tmp_path):
    export(module, tmp_path / "small.pt2")
    classifier = load_classifier(tmp_path / "small.pt2")
    assert classifier.preprocessing == Preprocessing(32)
    assert classifier.layers["stem.0"].shape == (4, 15, 15)
    x = torch.rand(SHAPE)
    values = classifier.values(classifier.layers["stem"], x)
    normal = classifier.preprocessing.normalise(x)
    assert torch.allclose(values, module.stem(normal), atol=1e-6)
    assert torch.allclose(classifier.values(classifier.logits, x), module(normal), atol=1e-6)


def test_a_module_of_one_channel_is_not_normalised_as_colours(tmp_path):
    export(Small(1).eval(), tmp_path / "grey.pt2", 1, 1, 32, 32)
    assert load_classifier(tmp_path / "grey.pt2").preprocessing == Preprocessing(32, (0.0,), (1.0,))


def test_pickled_code_is_not_run_for_models(module, tmp_path):
    export(module, tmp_path / "good.pt2")
    torch.save((Canary(tmp_path / "ran"),), tmp_path / "inputs.pt")
    evil = (tmp_path / "inputs.pt").read_bytes()
    with (
        zipfile.ZipFile(tmp_path / "good.pt2") as good,
        zipfile.ZipFile(tmp_path / "evil.pt2", "w") as archive,
    ):
        swapped = 0
        for name in good.namelist():
            is_pickle = "sample_inputs" in name
            swapped += is_pickle
            archive.writestr(name, evil if is_pickle else good.read(name))
    assert swapped == 1
    with pytest.raises(UserError, match=r"^model: .*evil.pt2 can't be loaded"):
        load_classifier(tmp_path / "evil.pt2")
    assert not (tmp_path / "ran").exists()
    torch.save(module, tmp_path / "pickled.pt")
    with pytest.raises(UserError, match=r"^model: .*pickled.pt was written by torch.save"):
        load_classifier(tmp_path / "pickled.pt")


def test_exported_files_with_python_objects_are_refused(module, tmp_path):
    export(module, tmp_path / "small.pt2")
    with zipfile.ZipFile(tmp_path / "small.pt2", "a") as archive:
        archive.writestr("small/data/constants/opaque_obj_0", b"")
    with pytest.raises(UserError, match=r"^model: .*holds Python objects"):
        load_classifier(tmp_path / "small.pt2")


def test_files_that_are_no_model_are_refused(module, tmp_path):
    (tmp_path / "text.pt").write_text("hello")
    torch.save(module.state_dict(), tmp_path / "weights.pt")
    with zipfile.ZipFile(tmp_path / "other.pt", "w") as archive:
        archive.writestr("a/b", "c")
    script(module, tmp_path / "cut.pt")
    whole = (tmp_path / "cut.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    for name, word in (
        ("text.pt", "is no TorchScript"),
        ("weights.pt", "name the architecture and give its state dict as weights"),
        ("other.pt", "is no TorchScript"),
        ("cut.pt", "not a whole one"),
        ("none.pt", "there is no file"),
    ):
        with pytest.raises(UserError, match=f"^model: .*{word}"):
            load_classifier(tmp_path / name)


def test_torchscript_that_takes_no_image_is_refused(tmp_path):
    class Adds(nn.Module):
        def forward(self, x: int):
            return x + 1

    script(Adds(), tmp_path / "adds.pt")
    with pytest.raises(UserError, match=r"^model: adds can't take an image of 3 x 224 x 224"):
        _ = load_classifier(tmp_path / "adds.pt").layers


OWN = """
from torch import nn
from napari_dip import Classifier, Preprocessing

module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
alone = lambda: module
pair = lambda: (module, {"size": 20, "mean": 0.5, "std": 0.25})
whole = lambda: Classifier(module, Preprocessing(24, (0.0,), (1.0,)), "cells", ("round", "long"))
number = lambda: 3
def fails():
    raise RuntimeError("no such file")
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("own_models", None)


def test_functions_of_ones_own(own):
    alone = load_classifier("own_models:alone")
    assert alone.preprocessing == Preprocessing(224, (0.0,), (1.0,))
    pair = load_classifier("own_models:pair")
    assert pair.preprocessing == Preprocessing(20, (0.5,), (0.25,))
    assert load_classifier("own_models:pair", size=(16, 18)).preprocessing.sides == (16, 18)
    whole = load_classifier("own_models:whole")
    assert (whole.name, whole.class_index("long")) == ("cells", 1)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("number", "returned int"),
        ("fails", "RuntimeError: no such file"),
        ("none", "AttributeError"),
    ],
)
def test_functions_that_give_no_classifier_are_refused(own, name, word):
    with pytest.raises(UserError, match=f"^model: own_models:{name} .*{word}"):
        load_classifier(f"own_models:{name}")


def test_modules_that_are_not_there_are_refused():
    with pytest.raises(UserError, match=r"^model: no_such_module:f failed .ModuleNotFoundError"):
        load_classifier("no_such_module:f")


def test_weights_beside_a_model_of_ones_own_are_refused(own):
    with pytest.raises(UserError, match=r"^weights: a model of your own has its own"):
        load_classifier("own_models:alone", weights="weights.pt")
