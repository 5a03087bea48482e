"""Memory and time against a picture's size: flat and linear, once there are blocks.

    python benchmarks/large.py [--sides 512,1024,2048,4096] [--block 1024] [--iterations 2]

Each size runs in a process of its own, whose peak of memory is reported beside its CPU time; the
uint16 picture is written to a Zarr before, chunk by chunk. The last columns are of the seams: the
mean absolute jump across blocks' borders, as a multiple of that elsewhere.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import zarr

OVERLAP = 1 / 8


def make(path: Path, side: int) -> None:
    """A picture of spots under noise, of any size."""
    array = zarr.create_array(path, shape=(side, side), chunks=(512, 512), dtype="uint16")
    for top in range(0, side, 512):
        for left in range(0, side, 512):
            rng = np.random.default_rng([top, left])
            y, x = np.mgrid[top : top + 512, left : left + 512]
            spots = 800 * np.maximum(0, np.sin(y / 23) * np.sin(x / 31)) ** 3
            image = 400 + 0.02 * x + spots + rng.normal(0, 40, y.shape)
            array[top : top + 512, left : left + 512] = image[: side - top, : side - left]


def run(path: Path, block: int, iterations: int) -> None:
    """Restore one picture, and print what it took."""
    from napari_dip import Denoise, restore_large

    start, cpu = time.perf_counter(), time.process_time()
    out = path.with_name("out.ome.zarr")
    blocks: dict[int, int] = {}

    def count(outcome: object, mosaic: object) -> None:
        blocks[0] = blocks.get(0, 0) + 1

    task = Denoise(iterations=iterations)
    restore_large(path, out, task, block=block, device="cpu", on_outcome=count, overwrite=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    told = {"blocks": blocks[0], "seconds": time.perf_counter() - start, "peak_gb": peak}
    print(json.dumps({**told, "cpu_seconds": time.process_time() - cpu}))


def seam(path: Path, block: int) -> float | None:
    """The jump across the borders of blocks, in units of that elsewhere."""
    from napari_dip.blocks.cutting import cut

    array = zarr.open_group(path.with_name("out.ome.zarr"), mode="r")["0"]
    side = array.shape[0]
    spans = cut((side,), (block,), (int(block * OVERLAP),)).spans[0]
    borders = sorted({n for span in spans for n in span if 0 < n < side})
    if not borders:
        return None
    rows = array[:, : min(side, 2048)].astype(float)
    jumps = np.abs(np.diff(rows, axis=0)).mean(axis=1)
    at = np.array(borders) - 1
    return float(jumps[at].mean() / np.delete(jumps, at).mean())


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", default="512,1024,2048,4096")
    parser.add_argument("--block", type=int, default=1024)
    parser.add_argument("--iterations", type=int, default=2)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=Path, default=None)
    given = parser.parse_args()
    if given.one is not None:
        run(given.one, given.block, given.iterations)
        return
    rows = []
    print("  side blocks  peak GB   CPU s  us/pixel  seam")
    for side in map(int, given.sides.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "in.zarr"
            make(path, side)
            settings = ["--block", str(given.block), "--iterations", str(given.iterations)]
            command = [sys.executable, __file__, "--one", str(path), *settings]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            row = {"side": side, **json.loads(done.stdout), "seam": seam(path, given.block)}
        rows.append(row)
        per_pixel = row["cpu_seconds"] / side**2 * 1e6
        shown = "" if row["seam"] is None else f"{row['seam']:6.2f}"
        numbers = f"{row['peak_gb']:9.2f}{row['cpu_seconds']:8.0f}{per_pixel:10.2f}"
        print(f"{side:6}{row['blocks']:7}{numbers}{shown}", flush=True)
    if given.output is not None:
        given.output.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
