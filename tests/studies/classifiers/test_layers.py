import gc
import weakref

import pytest
import torch
from torch import nn

from napari_dip.studies.classifiers.layers import OUTPUT, find_layers, read


class Deep(nn.Module):
    """Layers behind layers, one of them used twice, and a soft-max at the end."""

    def __init__(self, end=None):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True))
        self.unused = nn.Linear(2, 2)
        self.twice = nn.Linear(3, 3)
        self.end = end or nn.Softmax(1)

    def forward(self, x):
        return self.end(self.twice(self.twice(self.stem(x).mean((2, 3)))))


def hooks(module):
    parts = list(module.modules())
    return sum(len(p._forward_hooks) + len(p._forward_pre_hooks) for p in parts)


def test_layers_come_in_the_order_of_the_pass_with_their_shapes():
    layers = find_layers(Deep(), torch.zeros(1, 1, 8, 8))
    assert [(n, layer.shape) for n, layer in layers.items()] == [
        ("stem.0", (3, 6, 6)),
        ("stem.1", (3, 6, 6)),
        ("stem", (3, 6, 6)),
        ("twice", (3,)),
        ("end", (3,)),
        (OUTPUT, (3,)),
    ]
    assert [n for n, layer in layers.items() if layer.has_maps] == ["stem.0", "stem.1", "stem"]


@pytest.mark.parametrize("end", [nn.Softmax(1), nn.LogSoftmax(1)])
def test_the_output_is_what_comes_before_a_softmax(end):
    module, x = Deep(end), torch.rand(1, 1, 8, 8)
    layers = find_layers(module, x)
    logits = read(module, layers[OUTPUT], x)
    assert torch.equal(end(logits), module(x))
    assert not torch.equal(logits, module(x))


def test_the_output_is_what_is_returned_where_there_is_no_softmax():
    module, x = Deep(nn.Identity()), torch.rand(1, 1, 8, 8)
    assert torch.equal(read(module, find_layers(module, x)[OUTPUT], x), module(x))


def test_a_convolution_is_read_before_the_relu_that_works_in_place():
    module, x = Deep(), torch.rand(1, 1, 8, 8)
    values = read(module, find_layers(module, x)["stem.0"], x)
    assert torch.equal(values, module.stem[0](x))
    assert values.min() < 0


def test_a_layer_that_is_used_twice_counts_the_first_time():
    module, x = Deep(), torch.rand(1, 1, 8, 8)
    values = read(module, find_layers(module, x)["twice"], x)
    assert torch.equal(values, module.twice(module.stem(x).mean((2, 3))))


def test_layers_after_the_one_read_are_not_computed():
    module, x = Deep(), torch.rand(1, 1, 8, 8)
    layer = find_layers(module, x)["stem"]
    module.end = None  # would fail if it were called
    assert read(module, layer, x).shape == (1, 3, 6, 6)


def test_no_hook_is_left_also_after_an_error():
    module, x = Deep(), torch.rand(1, 1, 8, 8)
    layers = find_layers(module, x)
    assert hooks(module) == 0
    for layer in layers.values():
        read(module, layer, x)
    for call in (
        lambda: read(module, layers["twice"], x[:, :, 0]),
        lambda: find_layers(module, x[0, 0]),
    ):
        with pytest.raises(RuntimeError):
            call()
    assert hooks(module) == 0


def test_reading_a_layer_keeps_no_value():
    module, x = Deep(), torch.rand(1, 1, 8, 8)
    layers = find_layers(module, x)
    values = read(module, layers["stem"], x.requires_grad_())
    gone = weakref.ref(values)
    del values
    gc.collect()
    assert gone() is None


def test_gradients_run_through_to_the_image():
    module, x = Deep(), torch.rand(1, 1, 8, 8, requires_grad=True)
    read(module, find_layers(module, x.detach())["twice"], x).square().sum().backward()
    assert x.grad.abs().max() > 0


ALEXNET = {
    **{f"conv{n}": f"features.{i}" for n, i in zip(range(1, 6), (0, 3, 6, 8, 10), strict=True)},
    **{f"relu{n}": f"features.{i}" for n, i in zip(range(1, 6), (1, 4, 7, 9, 11), strict=True)},
    "pool1": "features.2",
    "pool2": "features.5",
    "pool5": "features.12",
    "fc6": "classifier.1",
    "fc7": "classifier.4",
    "fc8": "classifier.6",
}


def test_alexnets_layers_have_the_papers_names(torchvision):
    module = torchvision.models.alexnet()
    layers = find_layers(module.eval(), torch.zeros(1, 3, 224, 224))
    assert {n: layers[n].path for n in ALEXNET} == ALEXNET
    convs = [n for n in layers if n.startswith(("conv", "fc"))]
    assert convs == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    assert layers["conv1"].shape == (64, 55, 55)
    assert layers["fc8"].shape == layers[OUTPUT].shape == (1000,)


@pytest.mark.parametrize(
    ("name", "blocks"), [("vgg16", (2, 2, 3, 3, 3)), ("vgg19", (2, 2, 4, 4, 4))]
)
def test_vggs_layers_have_the_papers_names(torchvision, name, blocks):
    with torch.device("meta"):
        module = getattr(torchvision.models, name)(init_weights=False)
        layers = find_layers(module.eval(), torch.zeros(1, 3, 224, 224))
    convs = [f"conv{b}_{n}" for b, count in enumerate(blocks, 1) for n in range(1, count + 1)]
    assert [n for n in layers if n.startswith("conv")] == convs
    assert [n for n in layers if n.startswith("pool")] == [f"pool{b}" for b in range(1, 6)]
    assert [n for n in layers if n.startswith("fc")] == ["fc6", "fc7", "fc8"]
    assert layers["conv3_1"].path == "features.10"


def test_other_classifiers_layers_have_their_modules_paths(torchvision):
    module = torchvision.models.resnet18(num_classes=4).eval()
    layers = find_layers(module, torch.zeros(1, 3, 64, 64))
    assert layers["layer2.0.conv1"].shape == (128, 8, 8)
    assert list(layers)[-2:] == ["fc", OUTPUT]
    assert layers[OUTPUT].shape == (4,)
