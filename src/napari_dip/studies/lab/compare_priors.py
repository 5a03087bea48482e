"""Which prior: one restoration with no prior, classical ones and the deep one.

Source: arXiv 1711.10925, section 3.2 and its figure of super-resolution with several priors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from napari_dip.studies.lab.base import StudyInputs, StudyOfTask, classical_part, restoration_part
from napari_dip.studies.study import StudyPart
from napari_dip.tasks.settings import setting

PIXELS: dict[str, Any] = {
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
"""No network: the pixels are what Adam moves, from mid-grey."""


Input = Literal["noise", "meshgrid"]


INPUTS: dict[Input, dict[str, Any]] = {
    "noise": {"input": "noise", "upsampling": ("bilinear",)},
    "meshgrid": {"input": "meshgrid"},
}
"""What goes with an input. The nearest-neighbour upsampling with which `paper` fills large holes
from coordinates leaves dark spots there from noise, which has no coarse structure to go on."""


@dataclass(frozen=True, kw_only=True)
class ComparePriors(StudyOfTask):
    """Restore an image with different priors.

    Super-resolution: no prior (the pixels are optimised), total variation, bicubic interpolation,
    deep prior. Denoising: total variation, non-local means, BM3D if the package bm3d is installed,
    deep prior. Inpainting: biharmonic, total variation, deep prior, for each of `inputs`.
    """

    name = "compare-priors"
    title = "Which prior"
    axis = "prior"
    side_by_side = True

    inputs: tuple[Input, ...] | None = setting(
        None,
        "The deep prior's inputs, noise or meshgrid (coordinates), with a picture for each; the "
        "preset's own if not given, and both of them for inpainting",
    )
    tv_weight: float = setting(
        0.01, "Weight of total variation in upscale and inpaint", least=0, most=100, advanced=True
    )

    def parts(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        own = {"upscale": self._upscale, "denoise": self._denoise, "inpaint": self._inpaint}
        return (*own[self.task](study_inputs), *self._deep(study_inputs))

    def _upscale(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        from napari_dip.studies.lab.classical import bicubic

        none = study_inputs.job(self.restoration(**PIXELS))
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

        smooth = classical_part("biharmonic", study_inputs.job(self.restoration(**PIXELS)), biharmonic)
        return smooth, self._total_variation(study_inputs)

    def _total_variation(self, study_inputs: StudyInputs) -> StudyPart:
        task = self.restoration(**PIXELS, total_variation=self.tv_weight)
        return restoration_part("total variation", study_inputs.job(task))

    def _deep(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        inputs = self.inputs
        if inputs is None and self.task == "inpaint":
            inputs = ("noise", "meshgrid")
        return deep_parts({"deep prior": {}}, inputs, self, study_inputs)


def deep_parts(
    networks: dict[str, dict[str, Any]],
    inputs: tuple[Input, ...] | None,
    study: StudyOfTask,
    study_inputs: StudyInputs,
) -> tuple[StudyPart, ...]:
    """Deep priors, by their names' settings, with each of the inputs (None: the preset's own)."""
    chosen: dict[str, dict[str, Any]]
    chosen = {f", {name} input": INPUTS[name] for name in inputs} if inputs else {"": {}}
    return tuple(
        restoration_part(f"{name}{suffix}", study_inputs.job(study.restoration(**{**given, **settings})))
        for name, settings in networks.items()
        for suffix, given in chosen.items()
    )
