import numpy as np
import pytest

from napari_dip.studies.lab.base import StudyInputs
from napari_dip.studies.lab.compare_architectures import CompareArchitectures
from napari_dip.studies.lab.run import prepare_study, run_study

SMALL = {"width": 8, "iterations": 2}


def test_one_restoration_by_several_networks(picture):
    mask = np.zeros(picture.shape, bool)
    mask[8:12, 6:12] = True
    study = CompareArchitectures(
        task="inpaint", architectures=("hourglass-2", "resnet-1"), inputs=("noise",), **SMALL
    )
    result = run_study(study, picture, mask=mask, reference=picture)
    assert result.names == ("hourglass-2, noise input", "resnet-1, noise input")
    assert result.axis == "architecture"
    assert all(p.curve and "psnr" in p.scores for p in result.pictures)
    one, other = result.stack()
    assert (one[mask] != other[mask]).any()


def test_each_architecture_has_its_settings(picture):
    study = CompareArchitectures(task="denoise", sigma=0.1, **SMALL)
    study_inputs = StudyInputs(picture)
    usual = study_inputs.job(study.restoration()).task.learning_rate
    hourglass = study._settings("hourglass-3", study_inputs)
    resnet = study._settings("resnet-2", study_inputs)
    assert hourglass["filters"] == (8, 8, 8)
    assert "learning_rate" not in hourglass
    assert resnet["learning_rate"] == pytest.approx(usual / 10)


def test_the_widths_are_the_presets():
    def widths(preset):
        study = CompareArchitectures(preset=preset)
        return study._settings("hourglass-2", StudyInputs())["filters"]

    assert (widths("fast"), widths("paper")) == ((64, 64), (128, 128))


def test_the_defaults_are_all_networks(picture):
    study = CompareArchitectures(task="denoise", iterations=1)
    assert len(prepare_study(study, picture).parts) == 6
