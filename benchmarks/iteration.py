"""Where an iteration's time goes, and what layout, number format and compilation change.

    python benchmarks/iteration.py --side 256 --threads 1 --compile

Takes the network, input and settings that `fast` chooses for denoising a noisy colour picture.
Variants take turns, and each one's fastest iteration counts, so that other work on the machine
matters little.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from conventions import machine, save
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from napari_dip import Denoise, prepare
from napari_dip.engine.fit import FitState

ROUNDS = 5


def run_of(side: int, device: str, **changes: Any) -> FitState:
    """A fit that is ready for its first iteration."""
    noisy = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    job = prepare(noisy, Denoise(sigma=25 / 255, **changes), device=device)
    settings = job.task.fit_settings(job.measurement)
    return FitState(job.task.problem(job.measurement), settings, 0, job.device)


def compiled(run: FitState) -> tuple[FitState, float]:
    """The same with torch.compile, and the seconds that building took."""
    start = time.perf_counter()
    run.network = torch.compile(run.network, dynamic=False)
    run.step(0)
    run.step(1)
    return run, time.perf_counter() - start


def milliseconds(step: Callable[[int], None], device: str) -> float:
    """One iteration, waiting for the device."""
    start = time.perf_counter()
    step(1)
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - start)


def limits(device: str) -> dict[str, float]:
    """The machine's own: GFLOP/s of a matrix product, by format, and GB/s of a copy."""

    def best(act: Callable[[], object]) -> float:
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            act()
            if device.startswith("cuda"):
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        return min(times)

    n = 2048
    found = {}
    for dtype in (torch.float32, torch.bfloat16):
        a = torch.ones(n, n, device=device, dtype=dtype)
        found[f"gflops_{str(dtype).removeprefix('torch.')}"] = 2e-9 * n**3 / best(lambda a=a: a @ a)
    source = torch.ones(64 * 2**20, device=device)
    target = torch.empty_like(source)
    found["copy_gb_per_s"] = 2e-9 * 4 * source.numel() / best(lambda: target.copy_(source))
    return found


def main() -> None:
    """Time the variants, profile the fastest way, and count its arithmetic."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile as well")
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    runs: dict[str, FitState] = {}
    for layout, precision in product(("contiguous", "channels-last"), ("float32", "bfloat16")):
        run = run_of(options.side, options.device, layout=layout, precision=precision)
        run.step(0)
        runs[f"{layout}, {precision}"] = run
    if options.compile:
        run = run_of(options.side, options.device)
        runs["as chosen, compiled"], seconds = compiled(run)
        print(f"building took {seconds:.0f} s")
    times = {name: float("inf") for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            times[name] = min(times[name], milliseconds(run.step, options.device))
    print(f"{options.side} x {options.side}; {machine(options.device)}")
    for name, taken in times.items():
        print(f"{name:28}{taken:8.1f} ms")
    chosen = run_of(options.side, options.device)
    chosen.step(0)
    with FlopCounterMode(display=False) as counter:
        chosen.step(1)
    fastest = min(times.values())
    rate = counter.get_total_flops() / fastest / 1e6
    print(f"{counter.get_total_flops() / 1e9:.1f} GFLOP an iteration, {rate:.0f} GFLOP/s")
    machines = limits(options.device)
    print("; ".join(f"{name} {value:.0f}" for name, value in machines.items()))
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for i in range(3):
            chosen.step(i)
    print(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=12))
    if options.save:
        found = {"milliseconds": times, "gflop": counter.get_total_flops() / 1e9, **machines}
        save(options.save, {"options": {**vars(options), "save": None}, **found}, options.device)


if __name__ == "__main__":
    main()
