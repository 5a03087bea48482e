"""Deep Image Prior for napari: restore an image with nothing but that image.

    >>> from napari_dip import Denoise, restore
    >>> result = restore(image, Denoise())  # doctest: +SKIP
    >>> result.image, result.stop_reason, result.seconds  # doctest: +SKIP

Importing this package imports neither torch, napari nor Qt; the names below arrive when used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from napari_dip.errors import UserError
    from napari_dip.job import Job
    from napari_dip.large import restore_large
    from napari_dip.many import restore_many
    from napari_dip.restoration import prepare, restore
    from napari_dip.results import Restoration, Update
    from napari_dip.tasks import (
        Deblur,
        DeJPEG,
        Denoise,
        EnhanceDetail,
        FlashNoFlash,
        Inpaint,
        SuperResolve,
        task_from_dict,
    )

_HOME = {
    "restore_large": "large",
    "restore_many": "many",
    "UserError": "errors",
    **dict.fromkeys(("Restoration", "Update"), "results"),
    "Job": "job",
    **dict.fromkeys(("prepare", "restore"), "restoration"),
    **dict.fromkeys(
        (
            "DeJPEG",
            "Deblur",
            "Denoise",
            "EnhanceDetail",
            "FlashNoFlash",
            "Inpaint",
            "SuperResolve",
            "task_from_dict",
        ),
        "tasks",
    ),
}

__all__ = [
    "DeJPEG",
    "Deblur",
    "Denoise",
    "EnhanceDetail",
    "FlashNoFlash",
    "Inpaint",
    "Job",
    "Restoration",
    "SuperResolve",
    "Update",
    "UserError",
    "__version__",
    "prepare",
    "restore",
    "restore_large",
    "restore_many",
    "task_from_dict",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
