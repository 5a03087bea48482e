import numpy as np
import pytest

from napari_dip.studies.lab import stopping_points as module
from napari_dip.studies.lab.run import prepare_study, run_study
from napari_dip.studies.lab.stopping_points import StoppingPoints


@pytest.fixture
def image(picture):
    return picture.astype(np.float32)


def test_one_fit_gives_the_pictures_of_all_points(image, monkeypatch):
    from napari_dip.engine import fit as engine

    fits = []
    fit = engine.fit
    monkeypatch.setattr(engine, "fit", lambda *a, **k: fits.append(k) or fit(*a, **k))
    result = run_study(StoppingPoints(stops=(6, 2, 4), gain=2.0), image)
    assert len(fits) == 1
    assert result.names == tuple(
        f"{what}, {i}" for i in (2, 4, 6) for what in ("coarse", "boosted")
    )
    assert [p.iterations for p in result.pictures] == [2, 1, 4, 1, 6, 1]
    assert result.iterations == 6 + 3
    for stop in (2, 4, 6):
        coarse, boosted = result[f"coarse, {stop}"].image, result[f"boosted, {stop}"].image
        inside = (boosted > 0) & (boosted < 1)
        assert np.allclose(boosted[inside], (image + 2 * (image - coarse))[inside], atol=1e-4)


def test_a_point_does_not_depend_on_those_after_it(image):
    alone = run_study(StoppingPoints(stops=(4,)), image)
    among = run_study(StoppingPoints(stops=(2, 4, 6)), image)
    assert (alone["coarse, 4"].image == among["coarse, 4"].image).all()


def test_a_study_can_be_run_again(image):
    job = prepare_study(StoppingPoints(stops=(2, 4)), image)
    first, again = ([*job.run()][-1].result for _ in range(2))
    assert again.names == first.names
    assert (again.stack() == first.stack()).all()


@pytest.mark.parametrize(
    ("stops", "every"), [((250, 500, 2500, 7000), 50), ((7, 20), 1), ((20, 40), 4)]
)
def test_each_point_is_reported(image, stops, every):
    course = module.SharedFit(None, np.gcd.reduce(stops))
    assert course._every == every
    assert all(stop % course._every == 0 for stop in stops)


def test_stopping_keeps_the_picture_that_there_is(image):
    asked = iter([False] * 5 + [True] * 100)
    result = run_study(StoppingPoints(stops=(100,)), image, should_stop=lambda: next(asked))
    assert result.stop_reason == "cancelled"
    assert result.names == ("coarse, 100",)
    assert result.iterations < 100
