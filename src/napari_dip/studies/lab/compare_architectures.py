"""One restoration by networks of several architectures and depths.

Source: arXiv 1711.10925, section 3.3 and its figure of inpainting by depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_dip.studies.lab.architectures import SLOWER, architecture, is_encoder_decoder
from napari_dip.studies.lab.base import StudyInputs, StudyOfTask
from napari_dip.studies.lab.compare_priors import Input, deep_parts
from napari_dip.studies.study import StudyPart
from napari_dip.tasks.settings import setting

PAPER_WIDTH, FAST_WIDTH = 128, 64


@dataclass(frozen=True, kw_only=True)
class CompareArchitectures(StudyOfTask):
    """Restore an image by networks of different architectures and depths.

    All else is the preset's, but that the network works at full resolution. U-Net and ResNet learn
    at a tenth of its rate, as in the authors' code.
    """

    name = "compare-architectures"
    title = "Which architecture"
    axis = "architecture"

    architectures: tuple[str, ...] = setting(
        ("hourglass-2", "hourglass-4", "hourglass-6", "skip-5", "resnet-8", "unet-5"),
        "hourglass-N, skip-N (either with -nearest), unet-N or resnet-N, N being the depth",
    )
    inputs: tuple[Input, ...] | None = setting(
        None,
        "The networks' inputs, noise or meshgrid (coordinates), with a picture for each; the "
        "preset's own if not given",
    )
    width: int | None = setting(
        None,
        f"Filters of each level; {FAST_WIDTH}, or {PAPER_WIDTH} with the paper's settings",
        least=1,
        most=1024,
        advanced=True,
    )

    def parts(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        networks = {name: self._settings(name, study_inputs) for name in self.architectures}
        return deep_parts(networks, self.inputs, self, study_inputs)

    def _settings(self, name: str, study_inputs: StudyInputs) -> dict[str, Any]:
        width = self.width or (PAPER_WIDTH if self.preset == "paper" else FAST_WIDTH)
        settings = {**architecture(name, width), "shuffle": 1}
        if not is_encoder_decoder(settings):
            usual = study_inputs.job(self.restoration()).task.learning_rate
            settings["learning_rate"] = SLOWER * (usual or 0.0)
        return settings
