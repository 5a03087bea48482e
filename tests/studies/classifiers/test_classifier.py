import pytest
import torch
from torch import nn

from napari_dip.errors import UserError
from napari_dip.studies.classifiers.classifier import Classifier
from napari_dip.studies.classifiers.layers import OUTPUT
from napari_dip.studies.classifiers.preprocessing import Preprocessing

CPU = torch.device("cpu")


def small(**about):
    """A classifier whose parts are in different modes, one of its parameters fixed."""
    module = nn.Sequential(
        *(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.Dropout(), nn.Flatten(), nn.Linear(784, 3)),
    )
    module.train()
    module[1].eval()
    module[0].bias.requires_grad_(False)
    return Classifier(module, Preprocessing(16, (0.0,), (1.0,)), "small", **about)


def state(module):
    return (
        [part.training for part in module.modules()],
        [p.requires_grad for p in module.parameters()],
        [p.grad for p in module.parameters()],
        {name: tensor.clone() for name, tensor in module.state_dict().items()},
    )


def assert_same(before, after):
    assert before[:3] == after[:3]
    assert before[3].keys() == after[3].keys()
    assert all(torch.equal(before[3][name], after[3][name]) for name in before[3])


def test_evaluating_fixes_the_parameters_and_restores_the_module():
    classifier = small()
    before = state(classifier.module)
    x = torch.rand(1, 1, 16, 16, requires_grad=True)
    with classifier.evaluating(CPU):
        assert not any(part.training for part in classifier.module.modules())
        assert not any(p.requires_grad for p in classifier.module.parameters())
        classifier.values(classifier.layers[OUTPUT], x).sum().backward()
    assert x.grad.abs().max() > 0
    assert_same(before, state(classifier.module))


def test_evaluating_restores_the_module_after_an_error():
    classifier = small()
    before = state(classifier.module)
    with pytest.raises(ZeroDivisionError), classifier.evaluating(CPU):
        raise ZeroDivisionError
    assert_same(before, state(classifier.module))


def test_finding_layers_leaves_the_module_unchanged():
    classifier = small()
    before = state(classifier.module)
    assert list(classifier.layers)[-1] == OUTPUT
    assert_same(before, state(classifier.module))


def test_an_image_size_that_the_module_refuses_is_an_error():
    classifier = small()
    other = Classifier(classifier.module, Preprocessing(20, (0.0,), (1.0,)), "small")
    with pytest.raises(UserError, match=r"^model: small can't take an image of 1 x 20 x 20 .*size"):
        _ = other.layers


def test_layers_are_found_by_name_and_by_path(digits_classifier):
    assert digits_classifier.layer("conv2").shape == (24, 12, 12)
    assert digits_classifier.layer(OUTPUT) is digits_classifier.layers[OUTPUT]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("convv2", "did you mean conv2"), ("fc", "fc1 or fc2"), ("?", "there are conv1")],
)
def test_an_unknown_layer_is_answered_with_the_nearest(digits_classifier, name, hint):
    with pytest.raises(UserError, match=rf"^layer: digits has no layer .*; .*{hint}"):
        digits_classifier.layer(name)


def test_classes_are_found_by_number_and_by_name():
    classifier = small(classes=("great white shark", "crane", "crane"))
    assert classifier.class_index(" 2") == 2
    assert classifier.class_index("Great White Shark") == 0
    assert [classifier.class_name(i) for i in (0, 1)] == ["great white shark", "crane (1)"]
    assert small().class_name(1) == "1"


@pytest.mark.parametrize(
    ("text", "classes", "message"),
    [
        ("3", (), "3 is no class of small; it has 0 to 2"),
        ("-1", (), "-1 is no class"),
        ("shark", ("great white shark", "b", "c"), "no class 'shark'; did you mean great white"),
        ("grate wite shark", ("great white shark", "b", "c"), "did you mean great white shark"),
        (
            "crane",
            ("a", "crane", "crane"),
            "1 and 2 are both called crane; give the number",
        ),
        ("cell", (), "small's classes have no names; give a number from 0 to 2"),
    ],
)
def test_an_unknown_class_is_answered_with_what_there_is(text, classes, message):
    with pytest.raises(UserError, match=f"^unit: .*{message}"):
        small(classes=classes).class_index(text)


@pytest.mark.parametrize(
    ("module", "shape"), [(nn.Conv2d(1, 2, 3), r"\(1, 2, 14, 14\)"), (nn.LSTM(16, 2), "no tensor")]
)
def test_an_output_without_classes_is_refused_where_a_class_is_asked_for(module, shape):
    class Squeezed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module

        def forward(self, x):
            return self.inner(x[0] if isinstance(self.inner, nn.LSTM) else x)

    classifier = Classifier(Squeezed(), Preprocessing(16, (0.0,), (1.0,)))
    with pytest.raises(UserError, match=rf"^model: classifier gives .*{shape}.* and not"):
        classifier.class_index("0")
