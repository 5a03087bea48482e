"""Which classifier a person asks for, and what is said of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_dip.errors import UserError

if TYPE_CHECKING:
    from napari_dip.classifiers.classifier import Classifier


@dataclass(frozen=True)
class Wanted:
    """Which classifier is asked for, as it is typed: the keywords of `load_classifier`."""

    model: str = "alexnet"
    weights: str = ""
    size: str = ""
    mean: str = ""
    std: str = ""

    def load(self) -> Classifier:
        """Load it, with its layers; it may be downloaded first.

        Raises
        ------
        UserError
            When it can't be loaded.
        """
        from napari_dip.classifiers import load_classifier

        size = _numbers("size", self.size)
        classifier = load_classifier(
            self.model.strip(),
            weights=self.weights.strip() or None,
            size=None if size is None else int(size[0]),
            mean=_numbers("mean", self.mean),
            std=_numbers("std", self.std),
            progress=False,
        )
        _ = classifier.layers  # found by a pass, which takes a while too
        return classifier


def _numbers(name: str, text: str) -> tuple[float, ...] | None:
    try:
        return tuple(map(float, text.split(","))) if text.strip() else None
    except ValueError:
        raise UserError(f"{name}: {text!r} is not numbers, with commas between them") from None


def downloaded() -> str:
    """How much of the weights torch has downloaded, if it is at it."""
    hub = sys.modules.get("torch.hub")  # to import it would hold up the window
    if hub is None or not hasattr(hub, "get_dir"):
        return ""
    try:
        parts = list(Path(hub.get_dir(), "checkpoints").glob("*.partial"))
        newest = max((part.stat() for part in parts), key=lambda s: s.st_mtime, default=None)
    except OSError:  # it has just been finished
        return ""
    return "" if newest is None else f"{newest.st_size / 1e6:.0f} MB"


def told(classifier: Classifier) -> str:
    """A classifier in a line."""
    height, width = classifier.preprocessing.sides
    parts = [f"{len(classifier.layers)} layers"]
    shape = classifier.layers["output"].shape
    if len(shape) == 1:
        parts.append(f"{shape[0]} classes")
    return f"{classifier.name}: {', '.join(parts)}, {width} × {height} pixels"
