from unittest.mock import Mock

import numpy as np
import pytest

from napari_dip.errors import UserError
from napari_dip.studies.lab import classical
from napari_dip.studies.lab.base import StudyInputs
from napari_dip.studies.lab.compare_priors import ComparePriors, deep_parts
from napari_dip.studies.lab.run import prepare_study, run_study


@pytest.fixture
def hole(picture):
    mask = np.zeros(picture.shape, bool)
    mask[8:12, 6:12] = True
    return mask


def test_superresolution_without_a_prior_and_with_three(picture):
    small = picture[:16, :16]
    truth = np.kron(small, np.ones((2, 2)))
    result = run_study(
        ComparePriors(task="upscale", factor=2, iterations=2), small, reference=truth
    )
    assert result.names == ("no prior", "total variation", "bicubic", "deep prior")
    assert {p.image.shape for p in result.pictures} == {(32, 32)}
    assert all(p.scores.keys() == {"psnr", "ssim"} for p in result.pictures)
    assert result["no prior"].curve[-1][1] < 1e-6  # the pixels explain the measurement exactly
    assert result["no prior"].scores["psnr"] < result["total variation"].scores["psnr"]


@pytest.mark.parametrize("installed", [True, False])
def test_denoising_with_bm3d_if_it_is_there(picture, installed, monkeypatch):
    monkeypatch.setattr(classical, "has_bm3d", lambda job: installed)
    monkeypatch.setattr(classical, "bm3d_denoised", classical.tv_denoised)
    result = run_study(ComparePriors(task="denoise", sigma=0.05, iterations=2), picture)
    bm3d = ("BM3D",) if installed else ()
    assert result.names == ("total variation", "non-local means", *bm3d, "deep prior")
    assert all(not p.scores for p in result.pictures)


def test_inpainting_with_noise_and_coordinates_as_input(picture, hole):
    result = run_study(ComparePriors(task="inpaint", iterations=2), picture, mask=hole)
    assert result.names == (
        "biharmonic",
        "total variation",
        "deep prior, noise input",
        "deep prior, meshgrid input",
    )
    for p in result.pictures:
        assert (p.image[~hole] == picture[~hole]).all()
    noise, coordinates = result.pictures[2:]
    assert (noise.image != coordinates.image).any()


def test_a_network_of_its_own_keeps_its_upsampling_with_any_input(picture, hole):
    study = ComparePriors(task="inpaint", iterations=1)
    asked = []
    study_inputs = Mock(
        job=lambda task: asked.append(task) or StudyInputs(picture, mask=hole).job(task)
    )
    networks = {"a": {}, "b": {"upsampling": ("nearest",)}}
    deep_parts(networks, ("noise", "meshgrid"), study, study_inputs)
    chosen = [(task.input, task.upsampling) for task in asked]
    assert chosen == [
        ("noise", ("bilinear",)),
        ("meshgrid", None),
        ("noise", ("nearest",)),
        ("meshgrid", ("nearest",)),
    ]


def test_inputs_are_a_choice(picture, hole):
    study = ComparePriors(task="inpaint", inputs=("meshgrid",), iterations=1)
    job = prepare_study(study, picture, mask=hole)
    assert [part.name for part in job.parts][2:] == ["deep prior, meshgrid input"]
    study = ComparePriors(task="upscale", factor=2, inputs=("noise", "meshgrid"), iterations=1)
    assert len(prepare_study(study, picture).parts) == 5


def test_bad_arguments_are_refused_before_a_fit(picture):
    with pytest.raises(UserError, match="mask: nothing is marked as missing"):
        prepare_study(ComparePriors(task="inpaint"), picture)
    with pytest.raises(UserError, match="image: compare-priors needs one"):
        prepare_study(ComparePriors())
    with pytest.raises(UserError, match="reference: its shape"):
        prepare_study(ComparePriors(factor=2), picture, reference=picture)
    with pytest.raises(UserError, match="inputs: 'image' is not one of noise, meshgrid"):
        ComparePriors(inputs=("image",))


def test_the_deep_prior_of_the_lab_is_the_fit_alone():
    for task in ("denoise", "inpaint"):
        assert ComparePriors(task=task).restoration().blend_share == 1
