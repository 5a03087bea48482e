"""What the third dimension brings: stacks with known truth, in 3-D, slice by slice, and by a peer.

    python benchmarks/volume.py [--kind threads --kind shells] [--sigma 25] [--sides 16,64,64]
    python benchmarks/volume.py --missing 50

Kinds: threads and spots that go through several slices, as a cell's do; the same with slices that
lie three times as far apart (threads-3); hollow shells; tissue that drifts by three pixels a slice.
Settings were chosen on the threads. BM4D is told the noise level, our presets measure it. With
--missing, so many per cent of the voxels are missing, there is no noise, and the peer is a
biharmonic fill of the planes in three directions.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from conventions import Array, save
from peers import volume_peers
from skimage.color import rgb2gray
from skimage.data import immunohistochemistry

from napari_dip import Denoise, Inpaint, restore
from napari_dip.data.metrics import psnr
from napari_dip.samples.stacks import threads_and_spots
from napari_dip.tasks.inpaint import smoothly_filled

Sides = tuple[int, ...]


def _shells(sides: Sides) -> Array:
    random = np.random.default_rng(3)
    image = np.full(sides, 0.1)
    at = np.indices(sides).astype(float)
    for _ in range(14):
        middle = random.uniform(0, sides).reshape(3, 1, 1, 1)
        radius, stretch = random.uniform(5, 16), random.uniform(0.7, 1.4, (3, 1, 1, 1))
        distance = np.sqrt(np.sum(((at - middle) * stretch) ** 2, 0))
        wall = np.exp(-(((distance - radius) / 1.3) ** 2))
        image += random.uniform(0.3, 0.8) * wall + 0.15 * (distance < radius)
    return 0.1 + 0.8 * image / image.max()


def _tissue(sides: Sides) -> Array:
    depth, height, width = sides
    whole = 1 - rgb2gray(immunohistochemistry())
    corners = ((200 + n, 150 + 3 * n) for n in range(depth))
    return np.stack([whole[y : y + height, x : x + width] for y, x in corners])


def _far_apart(sides: Sides, times: int) -> Array:
    return threads_and_spots((times * sides[0], *sides[1:]))[::times]


KINDS: dict[str, Callable[[Sides], Array]] = {
    "threads": threads_and_spots,
    "threads-3": partial(_far_apart, times=3),
    "shells": _shells,
    "tissue": _tissue,
}


def methods(sigma: float) -> dict[str, Callable[[Array], Array]]:
    """Ours in 3-D and slice by slice, and the peers, told a noise level of sigma."""

    def ours(noisy: Array, preset: str, axes: str = "ZYX") -> Array:
        return restore(noisy, Denoise(preset=preset), axes=axes, data_range=1.0, device="cpu").image

    def by_slice(noisy: Array) -> Array:
        return np.stack([ours(plane, "instant", "YX") for plane in noisy])

    presets = {preset: partial(ours, preset=preset) for preset in ("instant", "fast", "best")}
    return {**presets, "instant, slices": by_slice, **volume_peers(sigma)}


def filling_methods(missing: Array) -> dict[str, Callable[[Array], Array]]:
    """Ours, in 3-D and slice by slice, and a smooth fill."""
    options: dict[str, Any] = {"data_range": 1.0, "device": "cpu"}

    def ours(given: Array, preset: str) -> Array:
        return restore(given, Inpaint(preset=preset), axes="ZYX", mask=missing, **options).image

    def by_slice(given: Array) -> Array:
        task = Inpaint(preset="instant")
        pairs = zip(given, missing, strict=True)
        return np.stack(
            [restore(plane, task, mask=holes, **options).image for plane, holes in pairs]
        )

    return {
        **{preset: partial(ours, preset=preset) for preset in ("instant", "fast")},
        "instant, slices": by_slice,
        "biharmonic": lambda given: smoothly_filled(given[None], missing)[0],
    }


def main() -> None:
    """Print PSNR and time of all methods."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", action="append", choices=KINDS, help="repeatable; all")
    parser.add_argument("--method", action="append", help="repeatable; all but best")
    parser.add_argument("--sigma", type=float, default=25)
    parser.add_argument("--missing", type=float, help="per cent of the voxels")
    parser.add_argument("--sides", default="16,64,64")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save", type=Path, help="keep the results in this JSON file")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rows: list[dict[str, Any]] = []
    for kind in given.kind or KINDS:
        truth = KINDS[kind](tuple(map(int, given.sides.split(","))))
        if given.missing is None:
            noise = np.random.default_rng(1).normal(0, given.sigma / 255, truth.shape)
            noisy = (truth + noise).astype(np.float32)
            available = methods(given.sigma / 255)
            row: dict[str, Any] = {"kind": kind, "sigma": given.sigma, "sides": given.sides}
        else:
            holes = np.random.default_rng(1).random(truth.shape) < given.missing / 100
            noisy = np.where(holes, 0, truth).astype(np.float32)
            available = filling_methods(holes)
            row = {"kind": kind, "missing": given.missing, "sides": given.sides}
        names = given.method or [name for name in available if name != "best"]
        row |= {"given": psnr(noisy, truth, 1.0), "results": {}}
        print(f"{kind}, given {row['given']:.2f} dB", flush=True)
        for name in names:
            start = time.process_time()
            found = psnr(available[name](noisy), truth, 1.0)
            seconds = time.process_time() - start
            row["results"][name] = {"psnr": found, "seconds": seconds}
            print(f"  {name:16}{found:7.2f} dB{seconds:7.1f} s", flush=True)
        rows.append(row)
    if given.save is not None:
        save(given.save, {"rows": rows}, "cpu")


if __name__ == "__main__":
    main()
