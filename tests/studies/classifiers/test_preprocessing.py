import numpy as np
import pytest
import torch

from napari_dip.errors import UserError
from napari_dip.studies.classifiers.preprocessing import Preprocessing


@pytest.mark.parametrize(
    ("shape", "axes"), [((40, 60), "YX"), ((300, 200, 3), "YXS"), ((3, 33, 32), "CYX")]
)
def test_images_of_any_size_are_resized(rng, shape, axes):
    asked = Preprocessing((32, 48), margin=1.25)
    x = asked.prepare(rng.random(shape), axes)
    assert x.shape == asked.shape == (1, 3, 32, 48)
    assert 0 <= x.min() < 0.4 < x.max() <= 1


def test_placement_tells_where_a_prepared_image_lies():
    y, x = np.mgrid[:120, :200] / 200
    asked = Preprocessing(40, (0.0,), (1.0,), margin=1.2)
    prepared = asked.prepare(np.where(x > 2, 0, x), "YX")[0, 0]
    placed = asked.placement((120, 200))
    column = placed.offset[1] + placed.scale[1] * np.arange(40)
    assert prepared[20].numpy() == pytest.approx(column / 200, abs=0.01)
    rows = asked.prepare(np.where(y > 2, 0, y), "YX")[0, 0, :, 20]
    line = placed.offset[0] + placed.scale[0] * np.arange(40)
    assert rows.numpy() == pytest.approx(line / 200, abs=0.01)


def test_the_same_size_is_the_same_image(rng):
    image = (rng.random((32, 32, 3)) * 255).astype(np.uint8)
    asked = Preprocessing(32)
    assert asked.picture(asked.prepare(image)[0]) * 255 == pytest.approx(image, abs=1e-3)


def test_values_are_normalised_by_channel():
    asked = Preprocessing(2, (0.5, 0.2, 0.1), (0.5, 0.1, 2.0))
    x = torch.full((1, 3, 2, 2), 0.6)
    found = asked.normalise(x)[0, :, 0, 0]
    assert found.tolist() == pytest.approx([0.2, 4.0, 0.25])


def test_grey_becomes_colour_and_colour_grey(rng):
    grey = rng.random((32, 32))
    x = Preprocessing(32).prepare(grey)
    assert torch.equal(x[:, 0], x[:, 1])
    assert torch.equal(x[:, 0], x[:, 2])
    image = np.zeros((32, 32, 3))
    image[:16, :, 1] = 1.0
    brightness = Preprocessing(32, (0.0,), (1.0,)).prepare(image)
    assert float(brightness[0, 0, 0, 0]) == pytest.approx(0.7152)
    assert float(brightness[0, 0, 31, 0]) == 0


def test_missing_pixels_are_filled(rng):
    image = rng.random((32, 32))
    image[3, 4] = np.nan
    assert Preprocessing(32).prepare(image).isfinite().all()


@pytest.mark.parametrize(
    ("shape", "axes", "word"),
    [
        ((5, 32, 32), "ZYX", "one plane"),
        ((2, 32, 32), "CYX", "2 channels"),
        ((8, 8), "YX", "small"),
    ],
)
def test_images_that_a_classifier_can_not_take_are_refused(rng, shape, axes, word):
    with pytest.raises(UserError, match=f"^image: .*{word}"):
        Preprocessing(32).prepare(rng.random(shape), axes)


def test_preprocessing_is_made_of_mappings_and_torchvision_presets(torchvision):
    assert Preprocessing.of({"size": 32, "mean": 0.5, "std": 0.2}).shape == (1, 1, 32, 32)
    preset = torchvision.models.VGG16_Weights.DEFAULT.transforms()
    assert Preprocessing.of(preset) == Preprocessing(224, margin=256 / 224)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"sise": 3}, "sise is none of"),
        ({"size": 0}, "at least 1"),
        ({"size": "big"}, "can't be used"),
        ({"size": (3, 4, 5)}, "one number or two"),
        ({"mean": (0.5,), "std": (1, 2)}, "one entry for each channel"),
        ({"mean": (0.5,), "std": (0.0,)}, "above 0"),
        (3, "int is none"),
    ],
)
def test_other_objects_are_no_preprocessing(given, word):
    with pytest.raises(UserError, match=word):
        Preprocessing.of(given)
