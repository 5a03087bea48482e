"""Memory, disk and time against a picture's size: flat, flat and linear, once there are tiles.

    python benchmarks/large.py [--sides 512,1024,2048,4096,8192] [--tile 1024] [--iterations 2]
    python benchmarks/large.py --sides 20000 --iterations 1 --kill

Each size runs in a process of its own, whose peak of memory and CPU time are the kernel's count;
the uint16 picture is written to a Zarr before, chunk by chunk. `parts` is the most that unfinished
work took on disk. With `--kill` each run is killed (SIGKILL) when half of its tiles are done, and
resumed: `kept` tiles are not done again, and `digest` is that of a run that was left alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import zarr


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


def run(path: Path, tile: int, iterations: int) -> None:
    """Restore one picture, or go on with it; print how many tiles there are, and what became."""
    from napari_dip import Denoise, TilingOptions, restore_large

    restore_large(
        path,
        path.with_name("out.ome.zarr"),
        Denoise(iterations=iterations),
        tiling=TilingOptions(tile=tile),
        device="cpu",
        on_start=lambda words: print(words.rpartition(", ")[2].split()[0], flush=True),
        on_outcome=lambda outcome, mosaic: print(outcome.status, flush=True),
        resume=True,
    )


def follow(command: list[str], parts: Path, *, kill: bool) -> dict[str, float]:
    """Run a process, until half of its tiles are done if it is to be killed."""
    most, ended = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(1):
            most = max(most, size(parts))

    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    watcher = threading.Thread(target=watch)
    watcher.start()
    tiles, counts = int(process.stdout.readline()), {"done": 0, "kept": 0}
    for line in process.stdout:
        counts[line.strip()] += 1
        if kill and counts["done"] == tiles // 2:
            process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    ended.set()
    watcher.join()
    if status and not kill:
        raise SystemExit(f"the run ended with {status}")
    return {
        "tiles": tiles,
        **counts,
        "seconds": time.perf_counter() - start,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_gb": usage.ru_maxrss * 1024 / 1e9,
        "parts_gb": most / 1e9,
    }


def size(folder: Path) -> int:
    """Bytes of all files in a folder, in which some come and go."""
    total = 0
    for entry in folder.glob("*"):
        try:
            total += entry.stat().st_size
        except FileNotFoundError:
            continue
    return total


def digest(path: Path) -> str:
    """What tells two results apart: a hash of all pixels."""
    array = zarr.open_group(path, mode="r")["0"]
    told = hashlib.sha256()
    for top in range(0, array.shape[0], 512):
        told.update(array[top : top + 512].tobytes())
    return told.hexdigest()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sides", default="512,1024,2048,4096,8192")
    parser.add_argument("--tile", type=int, default=1024)
    parser.add_argument("--iterations", type=int, default=2)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=Path, default=None)
    parser.add_argument("--add", action="store_true", help="to the rows in OUTPUT")
    given = parser.parse_args()
    if given.one is not None:
        run(given.one, given.tile, given.iterations)
        return
    rows = json.loads(given.output.read_text())["rows"] if given.add else []
    print("  side iterations tiles  kept  peak GB parts GB   CPU s  us/pixel  digest")
    for side in map(int, given.sides.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "in.zarr"
            make(path, side)
            settings = ["--tile", str(given.tile), "--iterations", str(given.iterations)]
            command = [sys.executable, __file__, "--one", str(path), *settings]
            parts = path.with_name("out.ome.zarr.parts")
            lives = [follow(command, parts, kill=kill) for kill in [True, False][not given.kill :]]
            last = lives[-1]
            row = {
                "side": side,
                "iterations": given.iterations,
                "tile": given.tile,
                "killed": given.kill,
                **{key: last[key] for key in ("tiles", "kept")},
                **{key: max(life[key] for life in lives) for key in ("peak_gb", "parts_gb")},
                **{key: sum(life[key] for life in lives) for key in ("seconds", "cpu_seconds")},
                "digest": digest(path.with_name("out.ome.zarr")),
            }
        rows.append(row)
        counts = f"{side:6}{given.iterations:11}{row['tiles']:7}{row['kept']:6}"
        sizes = f"{row['peak_gb']:9.2f}{row['parts_gb']:9.3f}"
        times = f"{row['cpu_seconds']:8.0f}{row['cpu_seconds'] / side**2 * 1e6:10.2f}"
        print(f"{counts}{sizes}{times}  {row['digest'][:12]}", flush=True)
        if given.output is not None:
            given.output.write_text(json.dumps({"rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
