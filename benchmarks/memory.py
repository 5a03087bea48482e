"""Memory of one fit by the size of its picture: estimated, and at its peak.

    python benchmarks/memory.py 512 1024 2048

Each size runs in a process of its own, for a few iterations of the default denoiser on a grey
picture: a peak is reached in the first one, and the process' own libraries count.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from conventions import machine, save

from napari_dip import Denoise, prepare
from napari_dip.engine.device import resolve_device


def measure(side: int, device: str, settings: dict[str, Any]) -> dict[str, float]:
    """One size; MB."""
    noisy = np.random.default_rng(0).normal(128, 25, (side, side)).clip(0, 255).astype(np.uint8)
    job = prepare(noisy, Denoise(sigma=25 / 255, iterations=3, **settings), device=device)
    *_, last = job.run()
    assert last.result is not None
    return {
        "side": side,
        "estimate_mb": job.memory_needed / 1e6,
        "peak_mb": last.result.peak_memory_mb or float("nan"),
        "seconds_per_iteration": last.seconds / last.iteration,
    }


def main() -> None:
    """Measure each size, print the table, keep it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("side", nargs="*", type=int, default=[512, 1024, 2048])
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    device = str(resolve_device(options.device))
    rows = []
    for side in options.side:
        # spawn: CUDA can't be used in a fork, and a fork would inherit the peak
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            row = process.submit(measure, side, device, {"preset": options.preset}).result()
        rows.append(row)
        print(f"{side}: {row['peak_mb']:.0f} MB", file=sys.stderr, flush=True)
    print(f"preset {options.preset}; {machine(device)}")
    print(f"{'side':>6}{'estimate':>10}{'peak':>8}  MB")
    for row in rows:
        print(f"{row['side']:6d}{row['estimate_mb']:10.0f}{row['peak_mb']:8.0f}")
    if options.save:
        save(options.save, {"preset": options.preset, "rows": rows}, device)


if __name__ == "__main__":
    main()
