"""What a warm start brings: frames, each fitted afresh and from the last one's weights.

    python benchmarks/series.py [--frames 8] [--side 128] [--sigma 25]
    python benchmarks/series.py --stack slices.tif [--first 8] [--sigma 0]

The movie is a crop that moves over a picture of scikit-image's, a few pixels from frame to frame,
under fresh noise. With `--stack` frames are the centre of a TIFF's slices, which stand for the
truth, with noise on top; with `--sigma 0` their own noise is all there is, and no PSNR. `apart` is
how far the two ways' images are apart, as a fraction of what was taken off as noise. Both ways are
timed by turns, so that what else the machine does weighs on both.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from skimage.data import camera

from napari_dip import Denoise, prepare
from napari_dip.data.encoding import measure_intensity_range
from napari_dip.data.metrics import psnr
from napari_dip.restoration.series import is_cut, warm_settings

Array = NDArray[Any]


def movie(frames: int, side: int) -> Array:
    """A scene that moves by 2 and 3 pixels from frame to frame."""
    picture = camera() / 255
    starts = [(100 + 2 * t, 180 + 3 * t) for t in range(frames)]
    return np.stack([picture[y : y + side, x : x + side] for y, x in starts])


def stack(path: Path, first: int, frames: int, side: int) -> Array:
    """The centre of a stack's slices, in units of the range that they use."""
    slices = tifffile.imread(path)[first : first + frames].astype(float)
    top, left = ((n - side) // 2 for n in slices.shape[1:])
    crop = slices[:, top : top + side, left : left + side]
    black = crop.min()
    return (crop - black) / (crop.max() - black)


def rms(difference: Array) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(difference.astype(float) ** 2)))


def main() -> None:
    """Print a table, and what it comes to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--sigma", type=float, default=25, help="of the noise, of 255")
    parser.add_argument("--stack", type=Path, default=None)
    parser.add_argument("--first", type=int, default=0, help="of the stack's slices")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=None, help="JSON, added to")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rng = np.random.default_rng(0)
    if given.stack is None:
        name, clean = "movie", movie(given.frames, given.side)
    else:
        name = given.stack.stem
        clean = stack(given.stack, given.first, given.frames, given.side)
    noisy = (clean + rng.normal(0, given.sigma / 255, clean.shape)).astype(np.float32)
    intensity_range = reduce(
        or_, filter(None, (measure_intensity_range(frame, "YX") for frame in noisy))
    )
    options: dict[str, Any] = {
        "data_range": 1.0,
        "device": "cpu",
        "intensity_range": intensity_range,
    }
    task, weights, rows = Denoise(), (), []
    print("frame   afresh dB  warm dB   afresh s  warm s   apart")
    for t, frame in enumerate(noisy):
        start = time.process_time()
        afresh = prepare(frame, task, **options).result(keep_weights=True)
        middle = time.process_time()
        task = afresh.task  # what was left open is decided on the first frame, for both ways
        warm, seconds = afresh, middle - start
        if t and not is_cut(noisy[t - 1], frame):
            job = prepare(frame, warm_settings(task), **options)
            warm = job.result(weights=weights, keep_weights=True)
            seconds = time.process_time() - middle
        weights = warm.weights
        row = {"afresh_seconds": middle - start, "warm_seconds": seconds}
        row["apart"] = rms(warm.image - afresh.image) / rms(frame - afresh.image)
        if given.sigma:
            for way, result in (("afresh", afresh), ("warm", warm)):
                row[f"{way}_psnr"] = psnr(result.image, clean[t], 1.0)
        rows.append(row)
        shown = ("afresh_psnr", "warm_psnr", "afresh_seconds", "warm_seconds", "apart")
        print(f"{t:5}", *(f"{row.get(key, np.nan):9.2f}" for key in shown), flush=True)
    mean = {key: float(np.mean([row[key] for row in rows[1:]])) for key in rows[0]}
    faster = mean["afresh_seconds"] / mean["warm_seconds"]
    print(f"from the second frame on: {faster:.1f} times less CPU time", end="")
    gain = mean["warm_psnr"] - mean["afresh_psnr"] if given.sigma else None
    print("" if gain is None else f", {gain:+.2f} dB")
    if given.output is not None:
        told = json.loads(given.output.read_text()) if given.output.exists() else {}
        told[f"{name}-{given.sigma:g}"] = {"frames": rows, "faster": faster, "gain": gain}
        given.output.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
