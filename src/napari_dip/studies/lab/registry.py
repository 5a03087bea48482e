"""The registered studies of the lab, by name."""

from __future__ import annotations

from napari_dip.errors import UserError
from napari_dip.registry import Registry, has_docstring
from napari_dip.studies.lab.base import Study
from napari_dip.studies.lab.compare_architectures import CompareArchitectures
from napari_dip.studies.lab.compare_priors import ComparePriors
from napari_dip.studies.lab.impedance import Impedance
from napari_dip.studies.lab.prior_samples import Samples
from napari_dip.studies.lab.stopping_points import StoppingPoints


def _check(study: type[Study]) -> None:
    if not (isinstance(study, type) and issubclass(study, Study)):
        raise UserError(f"study: expected a subclass of Study, got {study!r}")
    missing = [name for name in ("name", "title", "axis") if not getattr(study, name, "")]
    missing += [] if has_docstring(study) else ["docstring"]
    missing += ["parts"] if study.parts is Study.parts else []
    if missing:
        raise UserError(f"study: {study.__name__} has no {' and no '.join(missing)}; add them")


STUDIES: Registry[type[Study]] = Registry(
    "study",
    lambda study: study.name,
    _check,
    (Samples, Impedance, ComparePriors, CompareArchitectures, StoppingPoints),
    group="napari_dip.studies",
)
"""All studies by their name on the command line."""
