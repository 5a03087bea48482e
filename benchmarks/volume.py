"""What the third dimension brings: a stack with known truth, in 3-D and slice by slice.

    python benchmarks/volume.py [--sigma 25] [--sides 16,64,64]

The truth is made of threads and spots that go through several slices, as a cell's do.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from napari_dip import Denoise, restore
from napari_dip.data.metrics import psnr
from napari_dip.samples.stacks import threads_and_spots


def main() -> None:
    """Print PSNR and time of both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sigma", type=float, default=25)
    parser.add_argument("--sides", default="16,64,64")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=None)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    truth = threads_and_spots(tuple(map(int, given.sides.split(","))))
    noise = np.random.default_rng(1).normal(0, given.sigma / 255, truth.shape)
    noisy = (truth + noise).astype(np.float32)
    options = {"data_range": 1.0, "device": "cpu"}
    rows = {"noisy": {"psnr": psnr(noisy, truth, 1.0), "cpu_seconds": 0.0}}
    start = time.process_time()
    volume = restore(noisy, Denoise(), axes="ZYX", **options).image
    middle = time.process_time()
    slices = np.stack([restore(plane, Denoise(), **options).image for plane in noisy])
    end = time.process_time()
    rows["in 3-D"] = {"psnr": psnr(volume, truth, 1.0), "cpu_seconds": middle - start}
    rows["slice by slice"] = {"psnr": psnr(slices, truth, 1.0), "cpu_seconds": end - middle}
    for name, row in rows.items():
        print(f"{name:15}{row['psnr']:7.2f} dB{row['cpu_seconds']:7.0f} s")
    if given.output is not None:
        given.output.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
