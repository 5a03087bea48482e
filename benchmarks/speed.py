"""Time to quality: how long `paper` takes to come near its best, and how long `fast` takes.

    python benchmarks/speed.py gaussian-25 jpeg-10 --data FOLDER --image f16 --crop 256

The reference is `paper`'s curve of PSNR by iteration, which is made once for each picture (hours on
a CPU) and kept in `benchmarks/results/curves`, with its settings; the seconds of one of its
iterations are measured anew in each run, right before the other preset is timed, so that the ratio
is one machine's. The goal is 0.2 dB below the best that `paper` ever reaches. Timed is all of
`restore`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from cases import Case, load_pairs, make, real
from conventions import load, machine, save

from napari_dip import prepare
from napari_dip.restoration.result import Update
from napari_dip.tasks.base import Task

CURVES = Path(__file__).parent / "results" / "curves"
NEAR = 0.2
"""dB below the reference's best at which an image counts as as good."""
TIMED = 6
"""Iterations of `paper` that are timed, after one that is not."""


def cases(options: argparse.Namespace, preset: str) -> Iterator[Case]:
    """All the cases on all the pictures, for one preset."""
    for name in options.case:
        settings = {"preset": preset, **(options.settings if preset != "paper" else {})}
        if name == "real-0":
            for picture, (noisy, truth) in load_pairs(
                options.data, options.image, options.crop
            ).items():
                yield real(picture, noisy, truth, settings)
        else:
            for picture, clean in load(options.data, options.image, options.crop).items():
                yield make(name, picture, clean, settings, options.seed)


def follow(case: Case, options: argparse.Namespace) -> Iterator[tuple[Update, float]]:
    """Restore, yielding each update and its PSNR by the case's own score."""
    job = prepare(case.degraded, case.task, **case.inputs, device=options.device, seed=options.seed)
    for update in job.run():
        yield update, case.score(update.image, case.truth)


def curve_of(case: Case, options: argparse.Namespace) -> list[dict[str, float]]:
    """The reference's PSNR by iteration: kept from an earlier time, or made now."""
    content = hashlib.sha256(case.degraded.tobytes() + case.truth.tobytes()).hexdigest()[:12]
    file = CURVES / f"{case.name}-{case.picture}-{content}.json"
    if file.exists():
        return json.loads(file.read_text())["curve"]
    task = case.task.replace(runs=1, iterations=options.reference_iterations)
    if options.reference_bfloat16:
        task = task.replace(precision="bfloat16", layout="channels-last")
    case = Case(**{**vars(case), "task": task})
    curve = []
    for update, psnr in follow(case, options):
        curve.append({"iteration": update.iteration, "psnr": round(psnr, 3)})
        note(f"{case.name} {case.picture} paper", update, psnr)
    CURVES.mkdir(parents=True, exist_ok=True)
    save(file, {"shape": case.truth.shape, "task": task.to_dict(), "curve": curve}, options.device)
    return curve


def note(what: str, update: Update, psnr: float) -> None:
    """One line that is written over: how far it is."""
    end = "\n" if update.result else ""
    text = f"\r{what}: {update.iteration}/{update.iterations}  {psnr:.2f} dB "
    print(text, end=end, file=sys.stderr, flush=True)


def seconds_per_iteration(case: Case, options: argparse.Namespace) -> float:
    """What one of the reference's iterations takes here and now."""
    job = prepare(case.degraded, case.task, **case.inputs, device=options.device, seed=options.seed)
    times: list[float] = []

    def enough() -> bool:
        if options.device.startswith("cuda"):
            torch.cuda.synchronize()
        times.append(time.perf_counter())
        return len(times) > TIMED

    for _ in job.run(enough):
        pass
    return (times[-1] - times[0]) / (len(times) - 1)


def compare(reference: Case, ours: Case, options: argparse.Namespace) -> dict[str, Any]:
    """One row of the table."""
    curve = curve_of(reference, options)
    best = max(point["psnr"] for point in curve)
    goal = best - NEAR
    arrived = next(point["iteration"] for point in curve if point["psnr"] >= goal)
    pace = seconds_per_iteration(reference, options)
    start = time.perf_counter()
    trace = []
    for update, psnr in follow(ours, options):
        trace.append({"iteration": update.iteration, "seconds": update.seconds, "psnr": psnr})
        note(f"{ours.name} {ours.picture} {options.preset}", update, psnr)
        result = update.result
    seconds = time.perf_counter() - start
    assert result is not None
    # What the reference takes to be as good as ours, where ours does not get as far as the goal.
    level = min(goal, trace[-1]["psnr"])
    equal = next(point["iteration"] for point in curve if point["psnr"] >= level)
    return {
        "case": ours.name,
        "picture": ours.picture,
        "shape": list(ours.truth.shape),
        "before": before(ours),
        "paper_best": best,
        "paper_iterations": arrived,
        "paper_seconds_per_iteration": pace,
        "paper_seconds": arrived * pace,
        "psnr": trace[-1]["psnr"],
        "seconds": seconds,
        "reached": trace[-1]["psnr"] >= goal,
        "ratio": equal * pace / seconds,
        "stop_reason": result.stop_reason,
        "peak_memory_mb": result.peak_memory_mb,
        "settings": result.task.to_dict(),
        "trace": trace,
    }


def before(case: Case) -> float | None:
    """The degraded picture's own PSNR, where it can be compared at all and is finite."""
    if case.degraded.shape != case.truth.shape or case.degraded.dtype != case.truth.dtype:
        return None
    psnr = case.score(case.degraded, case.truth)
    return psnr if math.isfinite(psnr) else None


def print_table(rows: list[dict[str, Any]], preset: str) -> None:
    """A line for each picture and a geometric mean for each case."""
    print(
        f"{'case':16}{'picture':22}{'given':>7}{'paper':>8}{'at':>7}{'s':>9}"
        f"{preset:>8}{'s':>9}{'ratio':>8}"
    )
    for row in rows:
        given = "-" if row["before"] is None else f"{row['before']:.2f}"
        short = "" if row["reached"] else f"  {row['paper_best'] - NEAR - row['psnr']:.2f} dB short"
        print(
            f"{row['case']:16}{row['picture']:22}{given:>7}{row['paper_best']:8.2f}"
            f"{row['paper_iterations']:7d}{row['paper_seconds']:9.1f}"
            f"{row['psnr']:8.2f}{row['seconds']:9.1f}{row['ratio']:8.1f}{short}"
        )
    for case in dict.fromkeys(row["case"] for row in rows):
        ratios = [row["ratio"] for row in rows if row["case"] == case]
        reached = sum(row["reached"] for row in rows if row["case"] == case)
        mean = math.exp(statistics.fmean(map(math.log, ratios)))
        print(f"{case}: {mean:.1f} times faster (geometric mean), {reached} of {len(ratios)} reach")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", nargs="+", help="such as gaussian-25; see cases.py")
    parser.add_argument("--data", type=Path, help="folder of clean pictures (scikit-image's)")
    parser.add_argument("--image", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--crop", type=int, help="centre crop of this side")
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--reference-iterations", type=int, help="end the reference's curve here")
    parser.add_argument(
        "--reference-bfloat16",
        action="store_true",
        help="make the curves in bfloat16, which takes half the time; the pace stays float32's",
    )
    parser.add_argument("--only-reference", action="store_true", help="make the curves alone")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="keep the results in this JSON file")
    options = parser.parse_args()
    pairs = (item.split("=", 1) for item in options.set)
    options.settings = {key: Task.parse(key, text) for key, text in pairs}
    return options


def main() -> None:
    """Compare on all cases and pictures, print the table, keep it if asked."""
    from napari_dip.engine.device import resolve_device

    options = arguments()
    options.device = str(resolve_device(options.device))
    if options.only_reference:
        for case in cases(options, "paper"):
            curve_of(case, options)
        return
    both = zip(cases(options, "paper"), cases(options, options.preset), strict=True)
    rows = [compare(reference, ours, options) for reference, ours in both]
    print(f"preset {options.preset}, seed {options.seed}; {machine(options.device)}")
    print_table(rows, options.preset)
    if options.save:
        save(options.save, {"preset": options.preset, "rows": rows}, options.device)


if __name__ == "__main__":
    main()
