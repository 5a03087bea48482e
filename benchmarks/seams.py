"""Does a seam show where tiles meet: the jump across their borders, beside that elsewhere.

    python benchmarks/seams.py [--pictures camera,cell,flat] [--side 512] [--tile 256] [--sigma 25]

Pictures of scikit-image's and a nearly flat one, under noise, are restored in tiles and as a
whole. A jump is the mean absolute difference of two neighbouring rows (or columns); `jump` is that
at the borders of tiles over that elsewhere. The picture itself jumps more in some rows than in
others, so the same is told for the truth and for the whole fit, at the same rows. With `--show`
the pictures are written, and the difference of tiles and whole, five times as strong.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from napari_dip import Denoise, TilingOptions, restore, restore_large
from napari_dip.data.grid import overlapping_grid
from napari_dip.data.metrics import psnr

Array = NDArray[Any]


def flat(side: int) -> Array:
    """A picture in which a seam would be seen best: next to nothing but a slow gradient."""
    y, x = np.mgrid[:side, :side] / side
    return 0.4 + 0.1 * x + 0.05 * np.sin(3 * y)


def photograph(name: str, side: int) -> Array:
    """The upper left part of a picture of scikit-image's, in [0, 1]."""
    image: Array = getattr(data, name)()[:side, :side] / 255.0
    return image


def jump(image: Array, borders: list[int], axis: int) -> float:
    """The mean absolute jump at borders, over that elsewhere."""
    jumps = np.abs(np.diff(image, axis=axis)).mean(axis=1 - axis)
    at = np.array(borders) - 1  # from pixel n - 1 to n
    return float(jumps[at].mean() / np.delete(jumps, at).mean())


def measure(name: str, truth: Array, given: argparse.Namespace) -> dict[str, Any]:
    """Restore a picture both ways, and compare."""
    rng = np.random.default_rng(0)
    noisy = (truth + rng.normal(0, given.sigma / 255, truth.shape)).astype(np.float32)
    task = Denoise(iterations=given.iterations)
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "in.zarr", Path(folder) / "out.ome.zarr"
        zarr.save_array(path, noisy)
        tiling = TilingOptions(tile=given.tile)
        restore_large(path, out, task, axes="YX", tiling=tiling, data_range=1.0, device="cpu")
        tiles = zarr.open_group(out, mode="r")["0"][...]
    whole = restore(noisy, task, data_range=1.0, device="cpu").image
    if given.show is not None:
        shown = [truth, tiles, whole, 0.5 + 5 * (tiles - whole)]
        picture = np.clip(np.hstack(shown) * 255, 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(given.show / f"{name}.png")
    spans = overlapping_grid(truth.shape, (given.tile,) * 2, (given.tile // 8,) * 2).spans
    row: dict[str, Any] = {"picture": name, "tile": given.tile}
    for axis, letter in enumerate("yx"):
        borders = sorted({n for span in spans[axis] for n in span if 0 < n < truth.shape[axis]})
        for way, image in (("tiles", tiles), ("whole", whole), ("truth", truth)):
            row[f"{way}_{letter}"] = jump(image, borders, axis)
    for way, image in (("tiles", tiles), ("whole", whole)):
        row[f"{way}_psnr"] = psnr(image, truth, 1.0)
    return row


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pictures", default="camera,cell,flat")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--tile", type=int, default=256)
    parser.add_argument("--sigma", type=float, default=25)
    parser.add_argument("--iterations", type=int, default=None)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--show", type=Path, default=None, help="folder for the pictures")
    parser.add_argument("-o", "--output", type=Path, default=None)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rows = []
    print("picture           jump along y: tiles  whole  truth   x: tiles  whole  truth   dB")
    for name in given.pictures.split(","):
        truth = flat(given.side) if name == "flat" else photograph(name, given.side)
        row = measure(name, truth, given)
        rows.append(row)
        across = ("tiles", "whole", "truth")
        y, x = ("".join(f"{row[f'{way}_{a}']:7.3f}" for way in across) for a in "yx")
        quality = f"{row['tiles_psnr']:6.2f} (whole {row['whole_psnr']:.2f})"
        print(f"{name:31}{y}   {x}  {quality}", flush=True)
        if given.output is not None:
            told = {name: getattr(given, name) for name in ("side", "sigma")}
            given.output.write_text(json.dumps({**told, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
