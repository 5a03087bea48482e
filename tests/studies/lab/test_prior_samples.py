import numpy as np
import pytest
import torch

from napari_dip.errors import UserError
from napari_dip.studies.lab.prior_samples import Samples
from napari_dip.studies.lab.run import prepare_study, run_study

TINY = {"size": 32, "width": 8, "architectures": ("hourglass-1", "hourglass-3")}


def structure(picture):
    """How alike neighbours are: the correlation of pixels that are two apart."""
    grey = picture.image.mean(axis=-1)
    return np.corrcoef(grey[:, 2:].ravel(), grey[:, :-2].ravel())[0, 1]


def test_there_is_a_picture_for_each_architecture_and_each_draw():
    result = run_study(Samples(**TINY))
    assert result.names == (
        "hourglass-1, weights 1",
        "hourglass-1, weights 2",
        "hourglass-3, weights 1",
        "hourglass-3, weights 2",
    )
    assert (result.stack().shape, result.stack().dtype) == ((4, 32, 32, 3), np.uint8)
    one, other, *_ = result.pictures
    assert (one.image != other.image).any()
    assert [p.curve for p in result.pictures] == [()] * 4


def test_the_deeper_the_network_the_larger_its_structures():
    result = run_study(Samples(**{**TINY, "size": 64}))
    shallow, deep = result["hourglass-1, weights 1"], result["hourglass-3, weights 1"]
    assert structure(deep) > structure(shallow) + 0.1


def test_a_seed_gives_the_same_pictures_and_leaves_torchs_state_alone():
    before = torch.get_rng_state()
    first, again = (run_study(Samples(**TINY), seed=3).stack() for _ in range(2))
    other = run_study(Samples(**TINY), seed=4).stack()
    assert (first == again).all()
    assert (first != other).any()
    assert (torch.get_rng_state() == before).all()


def test_stretched_pictures_go_from_black_to_white():
    for stretch, least in ((True, 250), (False, 0)):
        result = run_study(Samples(**TINY, count=1, stretch=stretch))
        spans = [np.ptp(p.image.astype(int)) for p in result.pictures]
        assert all(span > least for span in spans)
        assert stretch == all(span == 255 for span in spans)


def test_bad_arguments_are_refused_before_a_network_is_built():
    with pytest.raises(UserError, match=r"architectures: expected .* got 'alexnet'"):
        prepare_study(Samples(architectures=("skip-2", "alexnet")))
    with pytest.raises(UserError, match="image: sample takes none"):
        prepare_study(Samples(), np.zeros((32, 32)))
    with pytest.raises(UserError, match="device"):
        prepare_study(Samples(), device="abacus")
