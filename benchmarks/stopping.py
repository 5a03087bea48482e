"""Does it stop at the right place? What is returned, against the best image of the same run.

    python benchmarks/stopping.py --data FOLDER --crop 128

Each degraded picture is restored twice with one seed, so with the same images along the way: once
with the default rule, and once to the end of the budget; where the rule is the budget, once. The
gap is the best PSNR that was ever on show in the second, less the PSNR that the first returned.
Nothing is told to the task: neither the noise level nor its kind.
"""

from __future__ import annotations

import argparse
import math
import statistics
from pathlib import Path
from typing import Any

from cases import Case, load_pairs, make, real
from conventions import load, machine, save
from speed import before, follow, note

from napari_dip.engine.device import resolve_device
from napari_dip.tasks.base import Task

CASES = (
    "gaussian-10",
    "gaussian-25",
    "gaussian-50",
    "gaussian-75",
    "poisson-30",
    "camera-30",
    "impulse-10",
    "correlated-25",
    "jpeg-10",
    "jpeg-30",
    "jpeg-50",
    "clean-0",
    "holes-50",
    "text-0",
    "hole-0",
    "upscale-4",
    "blur-2",
)


def cases(options: argparse.Namespace) -> list[Case]:
    """All the cases on all the pictures, without the noise level."""
    settings = options.settings
    if options.pairs:
        pairs = load_pairs(options.pairs, options.image, options.crop)
        return [real(name, *pair, settings) for name, pair in pairs.items()]
    made = [
        make(name, picture, clean, settings, options.seed)
        for name in options.case or CASES
        for picture, clean in load(options.data, options.image, options.crop).items()
    ]
    return [Case(**{**vars(case), "task": case.task.replace(sigma=None)}) for case in made]


def run(case: Case, options: argparse.Namespace, stop: str) -> dict[str, Any]:
    """One fit: the PSNR of what it showed and of what it returned."""
    case = Case(**{**vars(case), "task": case.task.replace(stop=stop)})
    trace = []
    for update, psnr in follow(case, options):
        if math.isfinite(psnr):  # the first of a clean picture can be the picture itself
            trace.append({"iteration": update.iteration, "psnr": round(psnr, 3)})
        note(f"{case.name} {case.picture} {stop}", update, psnr)
        result = update.result
    assert result is not None
    return {
        "psnr": trace[-1]["psnr"],
        "best": max(trace, key=lambda point: point["psnr"]),
        "iterations": result.iterations,
        "milliseconds": 1000 * result.seconds / result.iterations,
        "stop_reason": result.stop_reason,
        "settings": result.task.to_dict(),
        "trace": trace,
    }


def row(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """One line of the table."""
    ruled = run(case, options, "auto")
    is_ruled = ruled["settings"]["stop"] != "budget"
    whole = run(case, options, "budget") if is_ruled else ruled
    return {
        "case": case.name,
        "picture": case.picture,
        "before": before(case),
        "psnr": ruled["psnr"],
        "best": max(ruled["best"]["psnr"], whole["best"]["psnr"]),
        "best_iteration": whole["best"]["iteration"],
        "end": whole["psnr"],
        "iterations": ruled["iterations"],
        "stop_reason": ruled["stop_reason"],
        "rule": ruled["settings"]["stop"],
        "extra_time": ruled["milliseconds"] / whole["milliseconds"] - 1,
        "settings": ruled["settings"],
        "trace": whole["trace"],
    }


def print_table(rows: list[dict[str, Any]]) -> None:
    """A line for each run; the gaps' median and worst."""
    print(
        f"{'case':16}{'picture':20}{'given':>7}{'returned':>9}{'at':>6}{'best':>7}{'at':>6}"
        f"{'gap':>6}{'budget':>8}"
    )
    for entry in rows:
        given = "-" if entry["before"] is None else f"{entry['before']:.2f}"
        gap = entry["best"] - entry["psnr"]
        print(
            f"{entry['case']:16}{entry['picture']:20}{given:>7}{entry['psnr']:9.2f}"
            f"{entry['iterations']:6d}{entry['best']:7.2f}{entry['best_iteration']:6d}"
            f"{gap:6.2f}{entry['end']:8.2f}"
        )
    clean = [entry["psnr"] for entry in rows if entry["case"].startswith("clean")]
    if clean:  # what comes before the fit is the picture itself: there is no gap to speak of
        print(f"clean pictures: at least {min(clean):.1f} dB to what was given")
        rows = [entry for entry in rows if not entry["case"].startswith("clean")]
    for settled, what in ((False, "that can learn noise"), (True, "that settle")):
        chosen = [entry for entry in rows if (entry["rule"] in ("converged", "settled")) is settled]
        if not chosen:
            continue
        gaps = [entry["best"] - entry["psnr"] for entry in chosen]
        late = [entry["end"] - entry["psnr"] for entry in chosen]
        extra = statistics.median(entry["extra_time"] for entry in chosen)
        print(
            f"{len(chosen)} fits {what}: median gap {statistics.median(gaps):.2f} dB, worst "
            f"{max(gaps):.2f} dB; to the budget's end at most {max(late):.2f} dB; an iteration "
            f"takes {100 * extra:+.1f} % longer with the rule (median)"
        )


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", nargs="*", help=f"see cases.py; by default {', '.join(CASES)}")
    parser.add_argument("--data", type=Path, help="folder of clean pictures (scikit-image's)")
    parser.add_argument("--pairs", type=Path, help="folder of real noisy frames and averages")
    parser.add_argument("--image", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--crop", type=int, help="centre crop of this side")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="keep the results in this JSON file")
    options = parser.parse_args()
    pairs = (item.split("=", 1) for item in options.set)
    options.settings = {key: Task.parse(key, text) for key, text in pairs}
    options.device = str(resolve_device(options.device))
    return options


def main() -> None:
    """Restore all of them, print the table, keep it if asked."""
    options = arguments()
    rows = [row(case, options) for case in cases(options)]
    print(f"seed {options.seed}; {machine(options.device)}")
    print_table(rows)
    if options.save:
        save(options.save, {"seed": options.seed, "rows": rows}, options.device)


if __name__ == "__main__":
    main()
