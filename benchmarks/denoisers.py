"""Denoisers side by side: ours, with and without a camera's noise model, BM3D and non-local means.

    python benchmarks/denoisers.py --pairs FOLDER --crop 256
    python benchmarks/denoisers.py gaussian-25 camera-30 --data FOLDER --crop 256

`even` is `fast` told one noise level for all pixels, as estimated: a plain squared error. Nothing
else is told to any of them. Pairs are scored after the gain and offset that fit best, since
averages are often stretched.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from cases import Case, load_pairs, make, real
from conventions import Array, load, machine, save

from napari_dip import Denoise, prepare, restore
from napari_dip.engine.device import resolve_device
from napari_dip.restoration.job import Job
from napari_dip.studies.lab.classical import bm3d_denoised, has_bm3d, nlm_denoised


def ours(case: Case, options: argparse.Namespace, **settings: Any) -> Array:
    """A restoration that is told nothing but these settings."""
    task = Denoise(**settings)
    return restore(case.degraded, task, device=options.device, seed=options.seed).image


def even(case: Case, options: argparse.Namespace) -> Array:
    """One noise level for all pixels."""
    job = prepare(case.degraded, Denoise(), device=options.device)
    sigma = job.measurement.estimated_sigma * job.measurement.data_range_per_unit
    return ours(case, options, sigma=sigma)


def classical(
    method: Callable[[Job], torch.Tensor], case: Case, options: argparse.Namespace
) -> Array:
    """A classical method on the measurement that we would fit, with its estimated noise."""
    job = prepare(case.degraded, Denoise(), device="cpu")
    job = replace(job, task=job.task.replace(sigma=None))
    return job.encoding.decode(method(job))


METHODS: dict[str, Callable[[Case, argparse.Namespace], Array]] = {
    "fast": ours,
    "best": lambda case, options: ours(case, options, preset="best"),
    "even": even,
    "bm3d": lambda case, options: classical(bm3d_denoised, case, options),
    "nlm": lambda case, options: classical(nlm_denoised, case, options),
}


def cases(options: argparse.Namespace) -> list[Case]:
    """The pairs, or the cases on the pictures."""
    if options.pairs:
        pairs = load_pairs(options.pairs, options.image, options.crop)
        return [real(name, *pair, {}) for name, pair in pairs.items()]
    return [
        make(name, picture, clean, {}, options.seed)
        for name in options.case or ("gaussian-25", "camera-30")
        for picture, clean in load(options.data, options.image, options.crop).items()
    ]


def row(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """One line of the table."""
    found: dict[str, Any] = {
        "case": case.name,
        "picture": case.picture,
        "shape": list(case.truth.shape),
        "before": case.score(case.degraded, case.truth),
    }
    for name in options.methods:
        start = time.perf_counter()
        image = METHODS[name](case, options)
        seconds = time.perf_counter() - start
        found[name] = {"psnr": case.score(image, case.truth), "seconds": seconds}
        print(f"{case.name} {case.picture} {name}: {found[name]['psnr']:.2f} dB", flush=True)
    return found


def print_table(rows: list[dict[str, Any]], methods: list[str]) -> None:
    """PSNR and, in brackets, seconds; the means of PSNR."""
    print(f"{'case':16}{'picture':22}{'given':>7}" + "".join(f"{m:>16}" for m in methods))
    for entry in rows:
        cells = (f"{entry[m]['psnr']:8.2f} ({entry[m]['seconds']:4.0f})" for m in methods)
        print(
            f"{entry['case']:16}{entry['picture']:22}{entry['before']:7.2f}"
            + "".join(f"{cell:>16}" for cell in cells)
        )
    means = (f"{statistics.fmean(entry[m]['psnr'] for entry in rows):8.2f}" for m in methods)
    print(f"{'mean':45}" + "".join(f"{mean:>16}" for mean in means))


def main() -> None:
    """Denoise with each method, print the table, keep it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", nargs="*", help="such as gaussian-25; see cases.py")
    parser.add_argument("--data", type=Path, help="folder of clean pictures (scikit-image's)")
    parser.add_argument("--pairs", type=Path, help="folder of real noisy frames and averages")
    parser.add_argument("--image", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--crop", type=int, help="centre crop of this side")
    parser.add_argument("--method", action="append", choices=METHODS, help="repeatable; all")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="keep the results in this JSON file")
    options = parser.parse_args()
    options.device = str(resolve_device(options.device))
    chosen = cases(options)
    is_there = has_bm3d(prepare(chosen[0].degraded, Denoise(), device="cpu"))
    options.methods = [m for m in options.method or METHODS if m != "bm3d" or is_there]
    rows = [row(case, options) for case in chosen]
    print(f"seed {options.seed}; {machine(options.device)}")
    print_table(rows, options.methods)
    if options.save:
        save(options.save, {"seed": options.seed, "rows": rows}, options.device)


if __name__ == "__main__":
    main()
