"""What a warm start brings: frames of a moving scene, each fitted afresh and from the last one.

    python benchmarks/series.py [--frames 8] [--side 128] [--sigma 25]

A crop moves over a picture of scikit-image's, a few pixels from frame to frame, under fresh noise.
Both ways are timed by turns, so that what else the machine does weighs on both.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from skimage.data import camera

from napari_dip import Denoise, prepare
from napari_dip.metrics import psnr
from napari_dip.series import continued


def main() -> None:
    """Print a table, and what it comes to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--sigma", type=float, default=25)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=None)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rng = np.random.default_rng(0)
    picture = camera().astype(np.float32) / 255
    n, task, weights, rows = given.side, Denoise(), (), []
    print("frame   afresh dB  warm dB   afresh s  warm s")
    for t in range(given.frames):
        clean = picture[100 + 2 * t : 100 + 2 * t + n, 180 + 3 * t : 180 + 3 * t + n]
        noisy = (clean + rng.normal(0, given.sigma / 255, clean.shape)).astype(np.float32)
        start = time.process_time()
        first = prepare(noisy, task, data_range=1.0, device="cpu").result(keep_weights=True)
        middle = time.process_time()
        task = first.task if not weights else task
        warm = first
        if weights:
            job = prepare(noisy, continued(task), data_range=1.0, device="cpu")
            warm = job.result(weights=weights, keep_weights=True)
        end = time.process_time()
        weights = warm.weights
        row = {
            "afresh_psnr": psnr(first.image, clean, 1.0),
            "warm_psnr": psnr(warm.image, clean, 1.0),
            "afresh_seconds": middle - start,
            "warm_seconds": end - middle if t else middle - start,
        }
        rows.append(row)
        print(f"{t:5}", *(f"{value:9.2f}" for value in row.values()), flush=True)
    mean = {key: float(np.mean([row[key] for row in rows[1:]])) for key in rows[0]}
    faster = mean["afresh_seconds"] / mean["warm_seconds"]
    gain = mean["warm_psnr"] - mean["afresh_psnr"]
    print(f"from the second frame on: {faster:.1f} times less CPU time, {gain:+.2f} dB")
    if given.output is not None:
        given.output.write_text(
            json.dumps({"frames": rows, "faster": faster, "gain": gain}, indent=2)
        )


if __name__ == "__main__":
    main()
