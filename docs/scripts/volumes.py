"""Make the pictures of docs/volumes.md: the sample stack, slice by slice and in 3-D.

python docs/scripts/volumes.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from napari_dip import Denoise, restore
from napari_dip.data.metrics import psnr
from napari_dip.samples.stacks import VOXEL_SIZE, noisy_stack

IMAGES = Path(__file__).parents[1] / "images"

RANGE = 4095
ANISOTROPY = VOXEL_SIZE["z"] / VOXEL_SIZE["x"]


def main() -> None:
    """Restore the stack both ways, and show a slice and a cut through the slices of each."""
    mpl.use("Agg")
    sample = noisy_stack()
    noisy, truth = sample.image, sample.reference
    assert truth is not None
    one_by_one = [restore(plane, Denoise(), data_range=RANGE).image for plane in noisy]
    volume = restore(noisy, Denoise(anisotropy=ANISOTROPY), axes="ZYX", data_range=RANGE).image
    show(
        {
            "Noisy": noisy,
            "Slice by slice": np.stack(one_by_one),
            "In 3-D": volume,
            "Truth": truth,
        },
        truth,
    )


def show(stacks: dict[str, NDArray[np.uint16]], truth: NDArray[np.uint16]) -> None:
    """XY above, XZ below, with the PSNR of the whole stack."""
    depth, height, width = truth.shape
    tall = ANISOTROPY * depth
    figure, grid = plt.subplots(
        2,
        len(stacks),
        figsize=(10, 2.5 * (height + tall) / width + 0.5),
        height_ratios=[height, tall],
        layout="constrained",
    )
    limits = {"cmap": "gray", "vmin": 0, "vmax": float(truth.max())}
    for (above, below), (name, stack) in zip(grid.T, stacks.items(), strict=True):
        score = "" if stack is truth else f", {psnr(stack, truth, RANGE):.1f} dB"
        above.imshow(stack[depth // 2], **limits)
        above.set_title(f"{name}{score}", fontsize=10)
        below.imshow(stack[:, height // 2], aspect=ANISOTROPY, **limits)
        for axes in (above, below):
            axes.set(xticks=[], yticks=[])
    grid[0, 0].set_ylabel("XY")
    grid[1, 0].set_ylabel("XZ")
    figure.savefig(IMAGES / "volumes.png", dpi=100)


if __name__ == "__main__":
    main()
