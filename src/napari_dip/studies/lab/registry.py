"""The registered studies of the lab, by name."""

from __future__ import annotations

from napari_dip.registry import Registry, class_check
from napari_dip.studies.lab.base import Study
from napari_dip.studies.lab.compare_architectures import CompareArchitectures
from napari_dip.studies.lab.compare_priors import ComparePriors
from napari_dip.studies.lab.impedance import Impedance
from napari_dip.studies.lab.prior_samples import Samples
from napari_dip.studies.lab.stopping_points import StoppingPoints

STUDIES: Registry[type[Study]] = Registry(
    "study",
    lambda study: study.name,
    class_check("study", Study, "name", "title", "axis", "parts"),
    (Samples, Impedance, ComparePriors, CompareArchitectures, StoppingPoints),
    group="napari_dip.studies",
)
"""All studies by their name on the command line."""
