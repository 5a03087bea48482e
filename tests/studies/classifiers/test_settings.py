import json

import pytest

from napari_dip.errors import UserError
from napari_dip.studies.classifiers.settings import Invert, Maximize


def test_the_papers_inversion():
    paper = Invert(layers=("conv1",), preset="paper")
    settings = paper.fit_settings("deep")
    assert settings.network.filters == (16, 32, 64, 128, 128, 128)
    assert settings.network.kernels_down == settings.network.kernels_up == (7, 7, 5, 5, 3, 3)
    assert settings.network.skips == (4,) * 6
    assert settings.network.upsamplings() == ("nearest",) * 6
    assert settings.network.padding == "zero"
    assert (settings.iterations, settings.learning_rate) == (3100, 0.001)
    assert (settings.input_noise, settings.average) == (0, 0)
    assert (settings.input.kind, settings.input.channels) == ("noise", 32)
    assert (settings.precision, settings.schedule) == ("float32", "constant")
    assert paper.fit_settings("deep", is_vgg=True).iterations == 10000


def test_the_papers_maximisation():
    settings = Maximize(unit="3", preset="paper").fit_settings("deep")
    assert settings.network.kernels_down == settings.network.kernels_up == (5, 3, 5, 5, 3, 5)
    assert settings.network.skips == (0, 4, 4, 4, 4, 4)
    assert settings.network.upsamplings() == ("bilinear",) * 6
    assert settings.network.padding == "zero"
    assert (settings.iterations, settings.learning_rate) == (3100, 0.001)
    assert settings.input_noise == 0.03


def test_given_settings_replace_the_presets():
    settings = Maximize(unit="1", iterations=7, learning_rate=0.5, filters=(3, 4), input_noise=0.1)
    settings = settings.fit_settings("deep")
    assert (settings.iterations, settings.learning_rate, settings.input_noise) == (7, 0.5, 0.1)
    assert settings.network.filters == (3, 4)
    assert settings.network.kernels_down == (5, 3)
    assert Invert(filters=(2,) * 8).fit_settings("deep").network.kernels_down[-3:] == (3, 3, 3)


def test_pixels_are_free_or_have_a_small_total_variation():
    settings = Invert(total_variation=0.5, input_noise=0.1)
    free, smooth = settings.fit_settings("none", scale=3), settings.fit_settings("tv", scale=3)
    assert free.network.kind == smooth.network.kind == "pixels"
    assert (free.total_variation, smooth.total_variation) == (0, 1.5)
    assert free.input_noise == 0
    assert settings.fit_settings("deep").total_variation == 0
    assert Invert().fit_settings("tv", scale=2).total_variation == 2 * Invert.tv_weight


@pytest.mark.parametrize(
    "settings",
    [
        Invert(layers=("conv1", "fc6"), prior=("deep", "tv")),
        Maximize(unit=(3, "tench"), layer="a.b"),
    ],
)
def test_settings_go_to_json_and_back(settings):
    assert type(settings).from_dict(json.loads(settings.to_json())) == settings


def test_units_are_numbers_or_names():
    assert Maximize(unit=3).unit == ("3",)
    assert Maximize(unit=["3", 4]).unit == ("3", "4")
    assert Maximize.parse("unit", "goldfish, 7") == ("goldfish", "7")


@pytest.mark.parametrize("values", [{"prior": ("deep", "deep")}, {"prior": "dip"}, {"layers": ()}])
def test_bad_settings_are_refused(values):
    with pytest.raises(UserError, match=f"^{next(iter(values))}: "):
        Invert(**values)
