"""Deep Image Prior for napari: restore an image with nothing but that image.

>>> import numpy as np
>>> from napari_dip import Denoise, restore
>>> image = np.random.default_rng(0).normal(100, 10, (16, 16))
>>> result = restore(image, Denoise(iterations=2, filters=(4,)))  # Denoise() does it well
>>> result.image.shape, result.stop_reason
((16, 16), 'budget')

Importing this package imports neither torch, napari nor Qt: each name below is imported when it is
used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from napari_dip._version import __version__

if TYPE_CHECKING:
    from napari_dip.batch.restore import restore_many
    from napari_dip.engine.memory import OutOfMemory
    from napari_dip.errors import UserError
    from napari_dip.restoration.job import Job
    from napari_dip.restoration.restore import prepare, restore
    from napari_dip.restoration.result import Restoration, Result, Update
    from napari_dip.restoration.series import restore_series
    from napari_dip.scheduling.summary import Summary
    from napari_dip.studies.classifiers.classifier import Classifier
    from napari_dip.studies.classifiers.loading import load_classifier
    from napari_dip.studies.classifiers.preprocessing import Preprocessing
    from napari_dip.studies.classifiers.settings import Invert, Maximize
    from napari_dip.studies.classifiers.visualize import invert, maximize
    from napari_dip.studies.lab.compare_architectures import CompareArchitectures
    from napari_dip.studies.lab.compare_priors import ComparePriors
    from napari_dip.studies.lab.impedance import Impedance
    from napari_dip.studies.lab.prior_samples import Samples
    from napari_dip.studies.lab.run import prepare_study, run_study
    from napari_dip.studies.lab.stopping_points import StoppingPoints
    from napari_dip.studies.study import StudyResult
    from napari_dip.tasks.deblur import Deblur
    from napari_dip.tasks.dejpeg import DeJPEG
    from napari_dip.tasks.denoise import Denoise
    from napari_dip.tasks.enhance import EnhanceDetail
    from napari_dip.tasks.flash import FlashNoFlash
    from napari_dip.tasks.inpaint import Inpaint
    from napari_dip.tasks.registry import task_from_dict
    from napari_dip.tasks.upscale import Upscale
    from napari_dip.tiling.plan import TilingOptions
    from napari_dip.tiling.restore import TiledRestoration, restore_large

_MODULES = {
    "batch.restore": ("restore_many",),
    "engine.memory": ("OutOfMemory",),
    "errors": ("UserError",),
    "restoration.job": ("Job",),
    "restoration.restore": ("prepare", "restore"),
    "restoration.result": ("Restoration", "Result", "Update"),
    "restoration.series": ("restore_series",),
    "scheduling.summary": ("Summary",),
    "studies.classifiers.classifier": ("Classifier",),
    "studies.classifiers.loading": ("load_classifier",),
    "studies.classifiers.preprocessing": ("Preprocessing",),
    "studies.classifiers.settings": ("Invert", "Maximize"),
    "studies.classifiers.visualize": ("invert", "maximize"),
    "studies.lab.compare_architectures": ("CompareArchitectures",),
    "studies.lab.compare_priors": ("ComparePriors",),
    "studies.lab.impedance": ("Impedance",),
    "studies.lab.prior_samples": ("Samples",),
    "studies.lab.run": ("prepare_study", "run_study"),
    "studies.lab.stopping_points": ("StoppingPoints",),
    "studies.study": ("StudyResult",),
    "tasks.deblur": ("Deblur",),
    "tasks.dejpeg": ("DeJPEG",),
    "tasks.denoise": ("Denoise",),
    "tasks.enhance": ("EnhanceDetail",),
    "tasks.flash": ("FlashNoFlash",),
    "tasks.inpaint": ("Inpaint",),
    "tasks.registry": ("task_from_dict",),
    "tasks.upscale": ("Upscale",),
    "tiling.plan": ("TilingOptions",),
    "tiling.restore": ("TiledRestoration", "restore_large"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

_FORMER_NAMES = {"SuperResolve": "Upscale"}
"""Names of earlier versions that still work."""

__all__ = [
    "Classifier",
    "CompareArchitectures",
    "ComparePriors",
    "DeJPEG",
    "Deblur",
    "Denoise",
    "EnhanceDetail",
    "FlashNoFlash",
    "Impedance",
    "Inpaint",
    "Invert",
    "Job",
    "Maximize",
    "OutOfMemory",
    "Preprocessing",
    "Restoration",
    "Result",
    "Samples",
    "StoppingPoints",
    "StudyResult",
    "Summary",
    "TiledRestoration",
    "TilingOptions",
    "Update",
    "Upscale",
    "UserError",
    "__version__",
    "invert",
    "load_classifier",
    "maximize",
    "prepare",
    "prepare_study",
    "restore",
    "restore_large",
    "restore_many",
    "restore_series",
    "run_study",
    "task_from_dict",
]


def __getattr__(name: str) -> Any:
    name = _FORMER_NAMES.get(name, name)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
