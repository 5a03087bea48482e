"""Noise impedance; the paper's order of the curves on pictures is a slow test."""

import numpy as np
import pytest

from napari_dip.errors import UserError
from napari_dip.samples import pictures as samples
from napari_dip.studies.lab.base import StudyInputs
from napari_dip.studies.lab.impedance import TARGETS, Impedance
from napari_dip.studies.lab.run import run_study

PICTURES = {"astronaut": (0, 96), "chelsea": (22, 100), "coffee": (60, 180)}


def targets(study, image, seed=0):
    """What is fitted, (channels, y, x) in y's units."""
    study_inputs = StudyInputs(image, seed=seed)
    parts = study.parts(study_inputs)
    return [part.run.args[1][0].numpy() for part in parts]


def test_there_are_four_targets(picture):
    image = np.stack([picture] * 3, axis=-1).astype(np.float32)
    natural, noisy, shuffled, white = targets(Impedance(sigma=0.1), image)
    assert natural.shape == (3, 24, 20)
    assert (noisy - natural).std() == pytest.approx(0.1, rel=0.05)
    assert np.corrcoef((noisy - natural)[0].ravel(), (noisy - natural)[1].ravel())[0, 1] < 0.2
    # Whole pixels are moved, with their colours.
    assert (np.sort(shuffled, axis=None) == np.sort(natural, axis=None)).all()
    assert (shuffled[0] == shuffled[1]).all()
    assert (shuffled != natural).mean() > 0.9
    assert white.std() == pytest.approx(12**-0.5, rel=0.05)


def test_the_noise_is_independent_of_the_networks_input(picture):
    """From its input a network copies at once: it must not hold what it is to resist."""
    import torch

    from napari_dip.engine.inputs import InputSpec

    study = Impedance(iterations=1)
    natural, noisy, _, white = targets(study, picture)
    z = InputSpec().make((24, 20), torch.Generator().manual_seed(0))[0].numpy()
    for target in (white, noisy - natural):
        interleaved = np.corrcoef(np.vstack([z.reshape(32, -1), target.reshape(1, -1)]))
        assert np.abs(interleaved[-1, :-1]).max() < 0.25
    known = set((z / 0.1).round(5).ravel().tolist())
    assert np.mean([value in known for value in white.round(5).ravel().tolist()]) < 0.3


def test_all_four_advance_together_and_come_back_as_pictures(picture):
    image = np.rint(255 * picture).astype(np.uint8)
    updates = []
    result = run_study(Impedance(iterations=3), image, on_progress=updates.append)
    assert result.names == TARGETS
    assert [len(update.pictures) for update in updates[:4]] == [1, 2, 3, 4]
    assert result.stack().shape == (4, 24, 20)
    assert result.stack().dtype == np.uint8
    assert [[i for i, _ in p.curve] for p in result.pictures] == [[1, 2, 3]] * 4


def test_missing_pixels_are_filled_first(picture):
    picture[3:5, 3:5] = np.nan
    assert all(np.isfinite(target).all() for target in targets(Impedance(), picture))


def test_impedance_takes_no_mask(picture):
    with pytest.raises(UserError, match="mask: impedance takes none"):
        run_study(Impedance(), picture, mask=picture > 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_the_papers_order_holds(name):
    """Natural images first, then with noise; shuffled pixels and white noise last."""
    image = samples._crop(name, *PICTURES[name])[64:192, 64:192]
    result = run_study(Impedance(iterations=100), image)
    losses = [np.array([loss for _, loss in picture.curve]) for picture in result.pictures]
    natural, noisy, shuffled, white = (curve[30:] for curve in losses)
    assert (natural < noisy).all()
    assert (noisy < shuffled).all()
    assert (noisy < white).all()
    # Natural images are nearly there when what has no structure is not yet on its way.
    assert losses[0][-1] < losses[0][0] / 20
    assert all(curve[30] > curve[0] / 3 for curve in losses[2:])
