import gc
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from napari_dip import Classifier, Invert, Maximize, Preprocessing, invert, maximize
from napari_dip.errors import UserError
from napari_dip.studies.classifiers.objectives import CenterCrop, SigmoidPixels
from napari_dip.studies.classifiers.visualize import prepare_inversion

from .digits import digits

SMALL = {"filters": (8, 16), "precision": "float32"}
QUICK = {"filters": (4,), "iterations": 3, "precision": "float32"}


def total_variation(image):
    y, x = np.diff(image, axis=0, append=image[-1:]), np.diff(image, axis=1, append=image[:, -1:])
    return float(np.hypot(y, x).mean())


@pytest.fixture(scope="module")
def three():
    images, labels = digits()
    return images[np.flatnonzero(labels == 3)[0]]


@pytest.fixture(scope="module")
def inverted(digits_classifier, three):
    """What each layer keeps of a digit, by each prior."""
    layers = ("conv1", "conv2", "conv3", "fc1")
    settings = Invert(layers=layers, prior=("deep", "tv"), iterations=150, **SMALL)
    return invert(three, digits_classifier, settings)


@pytest.fixture(scope="module")
def maximised(digits_classifier):
    """What excites each class."""
    settings = Maximize(unit=tuple(range(10)), iterations=100, **SMALL)
    return maximize(digits_classifier, settings)


def test_what_convolutions_see_is_recovered(inverted):
    assert inverted["conv1 deep"].scores["psnr"] >= 25
    assert inverted["conv2 deep"].scores["psnr"] >= 25
    assert inverted["conv1 tv"].scores["psnr"] >= 25


def test_deeper_layers_lose_more(inverted):
    for prior in ("deep", "tv"):
        kept = [p.scores["psnr"] for p in inverted.pictures if p.name.endswith(prior)]
        assert kept == sorted(kept, reverse=True)
        assert kept[0] > kept[-1] + 10


def test_an_inverted_image_has_the_given_ones_representation(digits_classifier, three, inverted):
    x0 = digits_classifier.preprocessing.prepare(three)
    with digits_classifier.evaluating(torch.device("cpu")):
        for name in ("conv2", "conv3", "fc1"):
            layer = digits_classifier.layer(name)
            target = digits_classifier.values(layer, x0)
            x = torch.from_numpy(inverted[f"{name} deep"].image)[None, None]
            difference = digits_classifier.values(layer, x) - target
            assert difference.square().sum() < 0.02 * target.square().sum()


def test_each_maximised_class_is_recognised(digits_classifier, maximised):
    assert [p.scores["recognised"] for p in maximised.pictures] == list(range(10))
    for index, picture in enumerate(maximised.pictures):
        x = digits_classifier.preprocessing.prepare(picture.image)
        with digits_classifier.evaluating(torch.device("cpu")):
            logits = digits_classifier.module(digits_classifier.preprocessing.normalise(x))[0]
        assert int(logits.argmax()) == index
        assert float(logits[index]) == pytest.approx(picture.scores["activation"], rel=1e-3)
        assert picture.scores["probability"] > 0.5


def test_the_loss_is_minus_the_activation_and_falls(maximised):
    for picture in maximised.pictures:
        (_, first), (_, last) = picture.curve[0], picture.curve[-1]
        assert last < first
        # of the newest image; the returned one is an average
        assert -last == pytest.approx(picture.scores["activation"], rel=0.2)


def test_the_deep_prior_is_smoother_than_free_pixels(digits_classifier, maximised):
    settings = Maximize(unit=(2, 5, 8), prior="none", iterations=100)
    free = maximize(digits_classifier, settings)
    smooth = maximize(digits_classifier, settings.replace(prior="tv"))
    for name in free.names:
        roughness = total_variation(free[name].image)
        assert total_variation(maximised[name].image) < 0.9 * roughness
        assert total_variation(smooth[name].image) < 0.9 * roughness


def test_a_channels_middle_is_excited(digits_classifier):
    settings = Maximize(layer="conv2", unit=(1, 5), iterations=60, **SMALL)
    result = maximize(digits_classifier, settings)
    assert result.names == ("conv2 1", "conv2 5")
    for picture, channel in zip(result.pictures, (1, 5), strict=True):
        x = torch.from_numpy(picture.image)[None, None]
        with digits_classifier.evaluating(torch.device("cpu")):
            values = digits_classifier.values(digits_classifier.layer("conv2"), x)[0, channel]
            noise = digits_classifier.values(digits_classifier.layer("conv2"), torch.rand_like(x))
        assert float(values[6, 6]) == pytest.approx(picture.scores["activation"], rel=1e-4)
        assert values[6, 6] > noise[0, channel].max()
        assert "probability" not in picture.scores


def test_pictures_of_several_layers_and_priors_are_a_named_stack(inverted):
    names = [f"{layer} {p}" for layer in ("conv1", "conv2", "conv3", "fc1") for p in ("deep", "tv")]
    assert list(inverted.names) == names
    stack = inverted.stack()
    assert (stack.shape, stack.dtype) == ((8, 24, 24), np.float32)
    assert 0 <= stack.min() < stack.max() <= 1


def test_the_report_has_settings_and_scores(inverted, maximised):
    report = inverted.report()
    assert (report["study"], report["axis"]) == ("invert", "layer")
    settings = report["settings"]
    assert (settings["model"], settings["seed"], settings["device"]) == ("digits", 0, "cpu")
    assert settings["layers"] == ("conv1", "conv2", "conv3", "fc1")
    assert settings["preprocessing"]["size"] == (24, 24)
    reached = maximised.report()["pictures"][3]
    assert reached["name"] == "3"
    assert reached["activation"] == maximised["3"].scores["activation"]


def test_the_same_seed_gives_the_same_picture(digits_classifier, three):
    settings = Invert(layers="conv1", **QUICK)
    first, again, other = (
        invert(three, digits_classifier, settings, seed=seed)["conv1"].image for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def watched(classifier):
    parts = list(classifier.module.modules())
    return (
        [part.training for part in parts],
        [(p.requires_grad, p.grad) for p in classifier.module.parameters()],
        [len(part._forward_hooks) + len(part._forward_pre_hooks) for part in parts],
        {k: v.clone() for k, v in classifier.module.state_dict().items()},
    )


@pytest.mark.parametrize("how", ["ends", "is stopped", "is dropped", "fails"])
def test_a_classifier_is_left_as_it_was(digits_classifier, three, how):
    digits_classifier.module.train()
    digits_classifier.module.conv1.eval()
    before = watched(digits_classifier)
    job = prepare_inversion(three, digits_classifier, Invert(layers=("conv1", "fc1"), **QUICK))
    updates = job.run(lambda: how == "is stopped")
    next(updates)
    assert not digits_classifier.module.training
    if how == "is dropped":
        updates.close()
    elif how == "fails":
        with pytest.raises(ZeroDivisionError):
            updates.throw(ZeroDivisionError)
    else:
        for _ in updates:
            pass
    after = watched(digits_classifier)
    assert before[:3] == after[:3]
    assert all(torch.equal(before[3][name], after[3][name]) for name in before[3])


def test_no_activation_outlives_a_run(digits_classifier, three):
    seen = []

    def note(part, given, output):
        seen.append(weakref.ref(output))

    hook = digits_classifier.module.conv1.register_forward_hook(note)
    try:
        result = invert(three, digits_classifier, Invert(layers="fc1", **QUICK))
    finally:
        hook.remove()
    gc.collect()
    assert result.names == ("fc1",)
    assert len(seen) >= 3
    assert not any(ref() is not None for ref in seen)


def test_batch_norm_statistics_are_left_unchanged(three):
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(968, 2))
    classifier = Classifier(module, Preprocessing(24, (0.0,), (1.0,)))
    before = watched(classifier)
    maximize(classifier, Maximize(unit=1, **QUICK))
    assert all(torch.equal(before[3][k], v) for k, v in module.state_dict().items())
    assert [p.grad for p in module.parameters()] == [None] * 6


def test_stopping_keeps_what_there_is(digits_classifier, three):
    settings = Invert(layers=("conv1", "fc1"), **QUICK).replace(iterations=1000)
    job = prepare_inversion(three, digits_classifier, settings)
    asked = iter(range(1000))
    *_, last = job.run(lambda: next(asked) > 20)
    assert last.result.stop_reason == "cancelled"
    assert last.result.names == ("conv1",)
    assert last.result.iterations < 1000


def test_a_torchvision_classifier_is_inverted_and_maximised(torchvision, rng):
    module = torchvision.models.squeezenet1_1()
    classifier = Classifier(module, Preprocessing(64), "squeezenet1_1", ("tench", *["x"] * 999))
    image = (rng.random((50, 80, 3)) * 65535).astype(np.uint16)
    result = invert(image, classifier, Invert(layers=("features.0", "output"), **QUICK))
    assert result.stack().shape == (2, 64, 64, 3)
    result = maximize(classifier, Maximize(unit=("tench", 7), **QUICK))
    assert result.names == ("tench", "x (7)")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Invert(), r"layers: name one or several of digits's, such as conv1, "),
        (
            Invert(layers=("conv1", "conv9")),
            r"layers: digits has no layer 'conv9'; did you mean conv",
        ),
        (Maximize(), r"unit: name one or several classes"),
        (Maximize(unit=10), r"unit: 10 is no class of digits; it has 0 to 9"),
        (Maximize(unit=3, layer="conv"), r"layer: digits has no layer 'conv'; did you mean conv1"),
        (Maximize(unit=24, layer="conv2"), r"unit: '24' is no channel of conv2; it has 0 to 23"),
        (Maximize(unit="cat", layer="conv2"), r"unit: 'cat' is no channel of conv2"),
    ],
)
def test_bad_layers_and_units_are_refused(digits_classifier, three, settings, message):
    with pytest.raises(UserError, match=f"^{message}"):
        if isinstance(settings, Invert):
            invert(three, digits_classifier, settings)
        else:
            maximize(digits_classifier, settings)


def test_an_output_without_classes_can_still_be_inverted(three):
    classifier = Classifier(nn.Conv2d(1, 2, 3), Preprocessing(24, (0.0,), (1.0,)), "filter")
    assert invert(three, classifier, Invert(layers="output", **QUICK)).names == ("output",)
    with pytest.raises(
        UserError, match=r"^model: filter gives \(1, 2, 22, 22\) and not \(1, classes"
    ):
        maximize(classifier, Maximize(unit=0))


def test_center_crop_takes_the_middle():
    generator = torch.Generator().manual_seed(0)
    operator = CenterCrop((7, 10))
    assert operator.image_shape((7, 10)) == (8, 12)
    assert CenterCrop((224, 224)).image_shape((224, 224)) == (256, 256)
    x = torch.rand(1, 2, 8, 12, generator=generator)
    assert torch.equal(operator(x), x[..., :7, 1:11])


def test_free_pixels_stay_between_0_and_1():
    x = torch.tensor([[[[-100.0, 0.5, 0.51, 100.0]]]])
    assert SigmoidPixels().crop_to_visible(x)[0, 0, 0].tolist() == pytest.approx(
        [0, 0.5, 0.51, 1], abs=1e-4
    )
