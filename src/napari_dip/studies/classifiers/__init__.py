"""Looking inside a classifier: what its layers keep of an image, and what its units look for.

    >>> from napari_dip.classifiers import Invert, invert
    >>> result = invert(image, "alexnet", Invert(layers=("conv1", "fc6")))  # doctest: +SKIP
    >>> result["fc6"].image, result["fc6"].scores["psnr"]  # doctest: +SKIP

Source: Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", IJCV 2020 (arXiv 1711.10925), sections 3.4
and 3.5; before, with a total variation prior, Mahendran and Vedaldi, CVPR 2015 and IJCV 2016.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_dip.studies.classifiers.classifier import Classifier
    from napari_dip.studies.classifiers.loading import load_classifier
    from napari_dip.studies.classifiers.preprocessing import Preprocessing
    from napari_dip.studies.classifiers.settings import Invert, Maximize
    from napari_dip.studies.classifiers.visualize import inversion, invert, maximization, maximize

_HOME = {
    "Classifier": "classifier",
    "load_classifier": "loading",
    **dict.fromkeys(("inversion", "invert", "maximization", "maximize"), "looking"),
    "Preprocessing": "preprocessing",
    **dict.fromkeys(("Invert", "Maximize"), "settings"),
}

__all__ = [
    "Classifier",
    "Invert",
    "Maximize",
    "Preprocessing",
    "inversion",
    "invert",
    "load_classifier",
    "maximization",
    "maximize",
]


def __getattr__(name: str) -> Any:
    # The command line reads the settings without waiting for torch.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
