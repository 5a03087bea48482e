"""A task's table: our presets beside what else a person would use, picture by picture.

    python benchmarks/compare.py gaussian-25 --data FOLDER --crop 256
    python benchmarks/compare.py real-0 --pairs FOLDER --crop 256
    python benchmarks/compare.py holes-50 --data FOLDER --method fast --method biharmonic

Peers are those of `peers.py`. Nothing is told to our presets but what the task needs (mask, PSF,
factor); with --told, the noise level is told to the peers that take one. CPU seconds are those of
this process, one thread if OMP_NUM_THREADS=1: compare them within one run only.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cases import Case, chosen
from conventions import Array, machine, save
from peers import deep_denoising_peers, peers_of

from napari_dip import prepare
from napari_dip.engine.device import resolve_device

OURS = ("instant", "fast", "best", "paper")


def ours(case: Case, preset: str, options: argparse.Namespace) -> Array:
    """What a preset makes of a case."""
    task = case.task.replace(preset=preset)
    if task.name == "denoise":
        task = task.replace(sigma=None)
    job = prepare(case.degraded, task, device=options.device, seed=options.seed, **case.inputs)
    return job.result(estimate_error=False).image


def methods_of(case: Case, options: argparse.Namespace) -> dict[str, Callable[[Case], Array]]:
    """The methods asked for, or all: ours first."""
    mine = {preset: lambda case, p=preset: ours(case, p, options) for preset in OURS}
    everything = {**mine, **peers_of(case, options.told)}
    names = options.method or [name for name in everything if name != "paper"]
    if case.task.name == "denoise" and (options.deep or options.method):
        deep = deep_denoising_peers()
        everything |= deep
        names = names if options.method else [*names, *deep]
    return {name: everything[name] for name in names if name in everything}


def row(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """One line of the table."""
    found: dict[str, Any] = {
        "case": case.name,
        "picture": case.picture,
        "shape": list(case.truth.shape),
        "results": {},
    }
    if case.degraded.shape == case.truth.shape:
        found["given"] = case.score(case.degraded, case.truth)
    for name, method in methods_of(case, options).items():
        start = time.process_time()
        psnr = case.score(method(case), case.truth)
        seconds = time.process_time() - start
        found["results"][name] = {"psnr": psnr, "seconds": seconds}
        print(f"{case.name} {case.picture} {name}: {psnr:.2f} dB, {seconds:.1f} s", flush=True)
    return found


def print_table(rows: list[dict[str, Any]]) -> None:
    """PSNR and, in brackets, CPU seconds; the means; our least lead over the best peer."""
    names = list(dict.fromkeys(name for entry in rows for name in entry["results"]))
    print(f"{'case':16}{'picture':24}{'given':>7}" + "".join(f"{name:>17}" for name in names))
    for entry in rows:
        given = entry.get("given", float("nan"))
        cells = (entry["results"].get(name) for name in names)
        texts = ("" if c is None else f"{c['psnr']:.2f} ({c['seconds']:.0f})" for c in cells)
        print(
            f"{entry['case']:16}{entry['picture']:24}{given:7.2f}"
            + "".join(f"{text:>17}" for text in texts)
        )
    print(f"{'mean':47}" + "".join(f"{_mean(rows, name):>17.2f}" for name in names))
    for name in (n for n in names if n in OURS):
        leads = [
            entry["results"][name]["psnr"]
            - max(c["psnr"] for n, c in entry["results"].items() if n not in OURS)
            for entry in rows
            if any(n not in OURS for n in entry["results"])
        ]
        if leads:
            mean, least = statistics.fmean(leads), min(leads)
            print(f"{name} over the best peer: {mean:+.2f} dB on the mean, {least:+.2f} at least")


def _mean(rows: list[dict[str, Any]], name: str) -> float:
    return statistics.fmean(e["results"][name]["psnr"] for e in rows if name in e["results"])


def main() -> None:
    """Restore each case with each method, print the table, keep it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", nargs="*", help="such as gaussian-25; see cases.py")
    parser.add_argument("--data", type=Path, help="folder of clean pictures (scikit-image's)")
    parser.add_argument("--pairs", type=Path, help="folder of real noisy frames and averages")
    parser.add_argument("--image", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--crop", type=int, help="centre crop of this side")
    parser.add_argument("--method", action="append", help="repeatable; all but paper")
    parser.add_argument(
        "--deep", action="store_true", help="also peers that fit a network: minutes"
    )
    parser.add_argument("--told", type=float, help="noise level of 255 that the peers are told")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="keep the results in this JSON file")
    options = parser.parse_args()
    options.device = str(resolve_device(options.device))
    rows = [row(case, options) for case in chosen(options)]
    print(f"seed {options.seed}; {machine(options.device)}")
    print_table(rows)
    if options.save:
        save(options.save, {"seed": options.seed, "rows": rows}, options.device)


if __name__ == "__main__":
    main()
