"""Compare priors: one restoration without a prior, with classical ones and with the deep one.

Source: arXiv 1711.10925, section 3.2 and its figure of super-resolution with several priors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from napari_dip.studies.lab.base import StudyInputs, StudyOfTask, classical_part, restoration_part
from napari_dip.studies.study import StudyPart
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.settings import setting
from napari_dip.tasks.upscale import Upscale

_FREE_PIXELS: dict[str, Any] = {
    "network": "pixels",
    "input": "noise",
    "input_channels": 1,
    "input_noise": 0.0,
    "shuffle": 1,
    "runs": 1,
    "stop": "budget",
    "schedule": "constant",
    "learning_rate": 0.01,
    "average": 0.0,
    "iterations": 400,
}
"""Settings of a fit without a network: Adam optimises the pixels, which start as mid-grey."""

NetworkInput = Literal["noise", "meshgrid"]

_NETWORK_INPUTS: dict[NetworkInput, dict[str, Any]] = {
    "noise": {"input": "noise", "upsampling": ("bilinear",)},
    "meshgrid": {"input": "meshgrid"},
}
"""The settings for each input. `paper` fills large holes from coordinates with nearest-neighbour
upsampling, which would leave dark spots with noise: noise has no coarse structure."""


@dataclass(frozen=True, kw_only=True)
class ComparePriors(StudyOfTask):
    """Restore an image with different priors.

    Super-resolution: no prior (the pixels are optimised), total variation, bicubic interpolation,
    deep prior. Denoising: total variation, non-local means, BM3D if the package bm3d is installed,
    deep prior. Inpainting: biharmonic, total variation, deep prior, for each of `inputs`.

    Examples
    --------
    >>> ComparePriors(task="denoise", sigma=25 / 255, iterations=500).growth()
    1
    """

    name = "compare-priors"
    title = "Which prior"
    axis = "prior"
    side_by_side = True

    inputs: tuple[NetworkInput, ...] | None = setting(
        None,
        "The network's inputs, noise or meshgrid (coordinates), with a picture for each; the "
        "preset's own if not given, and both of them for inpainting",
    )
    tv_weight: float = setting(
        0.01, "Weight of total variation in upscale and inpaint", least=0, most=100, advanced=True
    )

    def parts(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        classical = {
            Upscale.name: self._upscale,
            Denoise.name: self._denoise,
            Inpaint.name: self._inpaint,
        }
        network_inputs = self.inputs
        if network_inputs is None and self.task == Inpaint.name:
            network_inputs = ("noise", "meshgrid")
        deep = deep_parts({"deep prior": {}}, network_inputs, self, study_inputs)
        return (*classical[self.task](study_inputs), *deep)

    def _upscale(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        from napari_dip.studies.lab.classical import bicubic

        none = study_inputs.job(self.restoration(**_FREE_PIXELS))
        return (
            restoration_part("no prior", none),
            self._total_variation(study_inputs),
            classical_part("bicubic", none, bicubic),
        )

    def _denoise(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        from napari_dip.studies.lab.classical import (
            bm3d_denoised,
            has_bm3d,
            nlm_denoised,
            tv_denoised,
        )

        job = study_inputs.job(self.restoration())
        classical = {"total variation": tv_denoised, "non-local means": nlm_denoised}
        if has_bm3d(job):
            classical["BM3D"] = bm3d_denoised
        return tuple(classical_part(name, job, method) for name, method in classical.items())

    def _inpaint(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        from napari_dip.studies.lab.classical import biharmonic

        smooth = classical_part(
            "biharmonic", study_inputs.job(self.restoration(**_FREE_PIXELS)), biharmonic
        )
        return smooth, self._total_variation(study_inputs)

    def _total_variation(self, study_inputs: StudyInputs) -> StudyPart:
        task = self.restoration(**_FREE_PIXELS, total_variation=self.tv_weight)
        return restoration_part("total variation", study_inputs.job(task))


def deep_parts(
    networks: dict[str, dict[str, Any]],
    network_inputs: tuple[NetworkInput, ...] | None,
    study: StudyOfTask,
    study_inputs: StudyInputs,
) -> tuple[StudyPart, ...]:
    """Restorations by several networks, each with several inputs.

    Parameters
    ----------
    networks
        The settings of each network by the name of its picture.
    network_inputs
        The inputs of each network; None for the preset's own.
    study, study_inputs
        The restoration, and what it is made from.
    """
    inputs: dict[str, dict[str, Any]] = {"": {}}
    if network_inputs:
        inputs = {f", {name} input": _NETWORK_INPUTS[name] for name in network_inputs}
    return tuple(
        restoration_part(
            f"{name}{suffix}", study_inputs.job(study.restoration(**{**of_input, **own}))
        )
        for name, own in networks.items()
        for suffix, of_input in inputs.items()
    )
