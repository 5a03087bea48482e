"""Pictures side by side, as one figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

INCHES = 3.2
"""A panel's width and height."""


def side_by_side(panels: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Draw images beside each other, all at one size, and write the figure as a PNG.

    Parameters
    ----------
    panels
        The images, (y, x) or (y, x, 3), by their titles.
    path
        Where to.
    """
    from matplotlib.figure import Figure

    # Without pyplot: no window, no backend to choose, nothing left open.
    figure = Figure(figsize=(INCHES * len(panels), INCHES), layout="constrained")
    for axes, (title, image) in zip(
        figure.subplots(1, len(panels), squeeze=False).flat, panels.items(), strict=True
    ):
        axes.imshow(image, cmap="gray", interpolation="nearest")
        axes.set_title(title, fontsize=12)
        axes.set_axis_off()
    figure.savefig(path, dpi=160, bbox_inches="tight")
