"""Samples of the prior: the pictures that networks make before they have learned anything.

Source: arXiv 1711.10925, section 2.2 and its figure of samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from napari_dip.studies.lab.architectures import architecture
from napari_dip.studies.lab.base import Study, StudyInputs
from napari_dip.studies.study import Array, StudyPart, computed_part
from napari_dip.tasks.settings import setting

_DISPLAYED = (1, 99)
"""Percentiles that become black and white."""


@dataclass(frozen=True, kw_only=True)
class Samples(Study):
    """Show the pictures that networks with random weights make from noise.

    All networks have the same input; the pictures of one architecture differ in their weights.

    Examples
    --------
    >>> from napari_dip import run_study
    >>> run_study(Samples(architectures=("hourglass-2",), size=32, width=8)).names
    ('hourglass-2, weights 1', 'hourglass-2, weights 2')
    """

    name = "sample"
    title = "Samples of the prior"
    axis = "sample"
    accepts = ()

    architectures: tuple[str, ...] = setting(
        (
            "hourglass-1",
            "hourglass-3",
            "hourglass-5",
            "skip-5",
            "skip-5-nearest",
            "unet-5",
            "resnet-8",
        ),
        "hourglass-N, skip-N (either with -nearest), unet-N or resnet-N, where N is the depth",
    )
    count: int = setting(
        2, "Pictures for each architecture, each with other random weights", least=1, most=100
    )
    size: int = setting(256, "Side of the pictures in pixels", least=16, most=4096)
    width: int = setting(128, "Filters of each level", least=1, most=1024)
    stretch: bool = setting(
        True, "Stretch the values of each picture, which differ little, from black to white"
    )

    def parts(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        from napari_dip.engine.device import resolve_device

        resolve_device(study_inputs.device)
        for name in self.architectures:
            architecture(name, self.width)
        return tuple(
            computed_part(
                f"{name}, weights {number}", partial(self._draw, name, number, study_inputs)
            )
            for name in dict.fromkeys(self.architectures)
            for number in range(1, self.count + 1)
        )

    def _draw(self, name: str, number: int, study_inputs: StudyInputs) -> Array:
        """Draw a picture (y, x, 3), uint8."""
        import torch

        from napari_dip.engine.architectures import build_network
        from napari_dip.engine.device import resolve_device
        from napari_dip.engine.inputs import InputSpec
        from napari_dip.engine.networks import NetworkSpec

        settings = architecture(name, self.width)
        spec = NetworkSpec(kind=settings.pop("network"), **settings)
        space, device = (self.size, self.size), resolve_device(study_inputs.device)
        z = InputSpec().make(space, torch.Generator().manual_seed(study_inputs.seed))
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            # As a fit draws its weights: on the CPU, without touching the GPUs' generators.
            torch.default_generator.manual_seed(study_inputs.seed + number)
            network = build_network(spec, z.shape[1], 3, space).to(device)
            x = network(z.to(device))[0].cpu().numpy()
        if self.stretch:
            black, white = np.percentile(x, _DISPLAYED)
            x = np.clip((x - black) / max(white - black, 1e-6), 0, 1)
        picture: Array = np.rint(255 * np.moveaxis(x, 0, -1)).astype(np.uint8)
        return picture
