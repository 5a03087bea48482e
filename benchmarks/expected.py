"""Is the estimated PSNR right? What the report says without a reference, against the truth.

    python benchmarks/expected.py gaussian-10 gaussian-25 holes-50 --data FOLDER --crop 128
    python benchmarks/expected.py --pairs FOLDER --crop 128 --preset instant --save FILE.json

Nothing is told to the task but the mask. The estimate of a denoised image is that of the report;
the last lines say on how many images it is right to 0.3, 0.5, 1, 1.5 and 2 dB.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from cases import Case, chosen, fitted_psnr
from conventions import machine, save

from napari_dip import restore
from napari_dip.engine.device import resolve_device

TOLERANCES = (0.3, 0.5, 1.0, 1.5, 2.0)
"""Decibels between the estimate and the truth that are counted."""


def row(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """One image: true and estimated PSNR of the result and of what was given."""
    task = case.task.replace(preset=options.preset, sigma=None)
    result = restore(case.degraded, task, device=options.device, seed=options.seed, **case.inputs)
    found = {
        "case": case.name,
        "picture": case.picture,
        "psnr": case.score(result.image, case.truth),
        "estimated": result.estimated_psnr,
        "given": case.score(case.degraded, case.truth) if not case.inputs else None,
        "estimated_given": result.estimated_input_psnr,
    }
    print({k: round(v, 2) if isinstance(v, float) else v for k, v in found.items()}, flush=True)
    return found


def print_shares(rows: list[dict[str, Any]]) -> None:
    """On how many images the estimates are right."""
    for name, truth in (("estimated", "psnr"), ("estimated_given", "given")):
        errors = [r[name] - r[truth] for r in rows if r[name] is not None and r[truth] is not None]
        if errors:
            off = np.abs(errors)
            shares = ", ".join(f"{t}: {100 * np.mean(off <= t):.0f} %" for t in TOLERANCES)
            print(f"{name}: {len(errors)} images, median {np.median(errors):+.2f} dB, {shares}")


def main() -> None:
    """Restore each case, and compare the estimate with the truth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", nargs="*", help="such as gaussian-25; see cases.py")
    parser.add_argument("--data", type=Path, help="folder of clean pictures (scikit-image's)")
    parser.add_argument("--pairs", type=Path, help="folder of real noisy frames and averages")
    parser.add_argument("--image", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--crop", type=int, help="centre crop of this side")
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="keep the results in this JSON file")
    options = parser.parse_args()
    options.device = str(resolve_device(options.device))
    # Other averages have another scale than their frames, which the estimate can't know.
    rows = [row(case, options) for case in chosen(options) if case.score is not fitted_psnr]
    print(f"seed {options.seed}, {options.preset}; {machine(options.device)}")
    print_shares(rows)
    if options.save:
        record = {"seed": options.seed, "preset": options.preset, "rows": rows}
        save(options.save, record, options.device)


if __name__ == "__main__":
    main()
