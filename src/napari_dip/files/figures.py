"""Figures in PNG files: images side by side, and loss curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

_PANEL_INCHES = 3.2
"""Width and height of a panel in inches."""


def side_by_side(
    panels: Mapping[str, NDArray[Any]], path: Path, *, columns: int | None = None
) -> None:
    """Draw images beside each other, all at one size, and write the figure as a PNG.

    Parameters
    ----------
    panels
        The images, (y, x) or (y, x, 3), by their titles.
    path
        The PNG file to write.
    columns
        Number of images in a row; all of them if not given.
    """
    from matplotlib.figure import Figure

    columns = min(columns or len(panels), len(panels))
    rows = math.ceil(len(panels) / columns)
    # Without pyplot: no window, no backend to choose, nothing left open.
    figure = Figure(figsize=(_PANEL_INCHES * columns, _PANEL_INCHES * rows), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in grid:
        axes.set_axis_off()
    for axes, (title, image) in zip(grid, panels.items(), strict=False):
        axes.imshow(image, cmap="gray", interpolation="nearest")
        axes.set_title(title, fontsize=12)
    figure.savefig(path, dpi=160, bbox_inches="tight")


def curves(lines: Mapping[str, Sequence[tuple[int, float]]], path: Path) -> None:
    """Draw losses over iterations, and write the figure as a PNG.

    Parameters
    ----------
    lines
        The (iteration, loss) points of each curve, by its name.
    path
        The PNG file to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    for name, points in lines.items():
        axes.plot(*zip(*points, strict=True), label=name)
    if all(loss > 0 for points in lines.values() for _, loss in points):
        axes.set_yscale("log")
    axes.set(xlabel="iteration", ylabel="loss")
    axes.legend()
    figure.savefig(path, dpi=160)
