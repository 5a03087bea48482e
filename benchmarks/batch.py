"""What a second worker brings: twelve pictures with one and with two, and alone.

    python benchmarks/batch.py [--files 12] [--side 192] [--iterations 200]

Each worker computes with one thread. That results are the same bits as single runs is checked. Only
a machine that does nothing else gives a ratio that means something.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # of this process and its workers

import numpy as np
from PIL import Image
from skimage.data import camera

from napari_dip import Denoise, restore, restore_many
from napari_dip.files.image_file import read_image


def main() -> None:
    """Print seconds, and what they come to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("-o", "--output", type=Path, default=None)
    given = parser.parse_args()
    task, seconds = Denoise(iterations=given.iterations), {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        rng = np.random.default_rng(0)
        for number in range(given.files):
            crop = camera()[20 * number : 20 * number + given.side, 100 : 100 + given.side]
            noisy = np.clip(crop + rng.normal(0, 25, crop.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / "in" / f"{number}.png")
        for workers in (1, 2):
            out, start = folder / f"out{workers}", time.perf_counter()
            summary = restore_many([folder / "in"], out, task, workers=workers, device="cpu")
            seconds[workers] = time.perf_counter() - start
            print(f"{workers} workers: {summary}, {seconds[workers]:.1f} s", flush=True)
        alone = restore(read_image(folder / "in" / "0.png").data, task, device="cpu").image
        same = all(
            np.array_equal(read_image(folder / f"out{n}" / "0.png").data, alone) for n in (1, 2)
        )
    ratio = seconds[2] / seconds[1]
    print(f"two workers take {ratio:.2f} of the time; the bits are the same: {same}")
    if given.output is not None:
        told = {"seconds": seconds, "ratio": ratio, "same_bits": same}
        given.output.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
