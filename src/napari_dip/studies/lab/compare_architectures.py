"""Compare architectures: one restoration by networks of several architectures and depths.

Source: arXiv 1711.10925, section 3.3 and its figure of inpainting by depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_dip.studies.lab.architectures import SLOW_LEARNING, architecture
from napari_dip.studies.lab.base import StudyInputs, StudyOfTask
from napari_dip.studies.lab.compare_priors import NetworkInput, deep_parts
from napari_dip.studies.study import StudyPart
from napari_dip.tasks.settings import setting

_PAPER_WIDTH, _FAST_WIDTH = 128, 64
"""Filters of each level by preset."""


@dataclass(frozen=True, kw_only=True)
class CompareArchitectures(StudyOfTask):
    """Restore an image by networks of different architectures and depths.

    All other settings are the preset's, except that the network works at full resolution. U-Net and
    ResNet learn at a tenth of the preset's rate, as in the authors' code.

    Examples
    --------
    >>> study = CompareArchitectures(task="inpaint", architectures=("skip-5", "unet-5"))
    >>> study.axis, study.architectures
    ('architecture', ('skip-5', 'unet-5'))
    """

    name = "compare-architectures"
    title = "Which architecture"
    axis = "architecture"

    architectures: tuple[str, ...] = setting(
        ("hourglass-2", "hourglass-4", "hourglass-6", "skip-5", "resnet-8", "unet-5"),
        "hourglass-N, skip-N (either with -nearest), unet-N or resnet-N, where N is the depth",
    )
    inputs: tuple[NetworkInput, ...] | None = setting(
        None,
        "The networks' inputs, noise or meshgrid (coordinates), with a picture for each; the "
        "preset's own if not given",
    )
    width: int | None = setting(
        None,
        f"Filters of each level; {_FAST_WIDTH}, or {_PAPER_WIDTH} with the paper's settings",
        least=1,
        most=1024,
        advanced=True,
    )

    def parts(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        networks = {name: self._settings(name, study_inputs) for name in self.architectures}
        return deep_parts(networks, self.inputs, self, study_inputs)

    def _settings(self, name: str, study_inputs: StudyInputs) -> dict[str, Any]:
        width = self.width or (_PAPER_WIDTH if self.preset == "paper" else _FAST_WIDTH)
        settings = {**architecture(name, width), "shuffle": 1}
        if settings["network"] in ("unet", "resnet"):
            preset_rate = study_inputs.job(self.restoration()).task.learning_rate
            settings["learning_rate"] = SLOW_LEARNING * (preset_rate or 0.0)
        return settings
