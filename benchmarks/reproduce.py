"""Run a task's preset over clean pictures with the paper's degradation, and print the table.

    python benchmarks/reproduce.py denoise --preset paper --data FOLDER --image f16 --crop 256

Needs the engine's own dependencies only, so it also runs from a checkout without installing:
`PYTHONPATH=src python benchmarks/reproduce.py ...`. The results can be kept as JSON (`--save`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from cases import Case, make
from conventions import Array, load, machine, resize, save
from PIL import Image

from napari_dip import Restoration, restore
from napari_dip.engine.device import resolve_device
from napari_dip.tasks.base import Task

PAPER: dict[tuple[str, int], dict[str, float]] = {
    ("denoise", 25): {"mean": 31.00},
    ("upscale", 4): {
        "baby": 31.49,
        "bird": 31.80,
        "butterfly": 26.23,
        "head": 31.04,
        "woman": 28.93,
        "comic": 22.18,
        "monarch": 29.98,
        "zebra": 25.71,
    },
    ("upscale", 8): {
        "baby": 28.28,
        "bird": 27.09,
        "butterfly": 20.02,
        "head": 29.55,
        "woman": 24.50,
    },
    ("inpaint", 50): {
        "barbara": 32.22,
        "boat": 33.06,
        "house": 39.16,
        "lena": 36.16,
        "peppers": 33.05,
        "cameraman": 29.8,
        "couple": 32.52,
        "finger": 32.84,
        "hill": 32.77,
        "man": 32.20,
        "montage": 34.54,
    },
}
"""The paper's own figures (arXiv 1711.10925): its CBM3D mean; its tables of Set5, Set14 (in part)
and inpainting."""

LEVEL = {"denoise": 25, "upscale": 4, "inpaint": 50, "dejpeg": 10}
"""Sigma of 255, factor, per cent missing, JPEG quality."""


CASES = {"denoise": "gaussian", "dejpeg": "jpeg", "inpaint": "holes", "upscale": "upscale"}


def row(name: str, clean: Array, options: argparse.Namespace) -> dict[str, Any]:
    """Degrade, restore and score one picture."""
    settings = {"preset": options.preset, **options.settings}
    case = make(f"{CASES[options.task]}-{options.level}", name, clean, settings, options.seed)
    result: Restoration = restore(
        case.degraded,
        case.task,
        **case.inputs,
        reference=case.truth,
        device=options.device,
        seed=options.seed,
        on_progress=lambda update: print(
            f"\r{name}: {update.iteration}/{update.iterations}  {update.psnr:.2f} dB",
            end="",
            file=sys.stderr,
        ),
    )
    print(file=sys.stderr)
    return {
        "image": name,
        "shape": list(case.truth.shape),
        "before": case.score(_plain(case), case.truth),
        "psnr": case.score(result.image, case.truth),
        "best": max(entry["psnr"] for entry in result.history),
        "paper": PAPER.get((options.task, options.level), {}).get(name),
        "seconds": result.seconds,
        "iterations": result.iterations,
        "stop_reason": result.stop_reason,
        "peak_memory_mb": result.peak_memory_mb,
        "settings": result.task.to_dict(),
        "history": result.history,
    }


def _plain(case: Case) -> Array:
    """What is there without a restoration: the degraded picture, or its bicubic enlargement."""
    factor = case.truth.shape[0] // case.degraded.shape[0]
    return case.degraded if factor == 1 else resize(case.degraded, factor, Image.Resampling.BICUBIC)


def print_table(rows: list[dict[str, Any]], task: str, level: int) -> None:
    """Print a line for each picture, and their mean."""
    plain = "bicubic" if task == "upscale" else "degraded"
    print(f"{'image':16}{plain:>9}{'ours':>9}{'paper':>9}{'iterations':>12}{'seconds':>9}")
    for entry in rows:
        paper = "-" if entry["paper"] is None else f"{entry['paper']:.2f}"
        print(
            f"{entry['image']:16}{entry['before']:9.2f}{entry['psnr']:9.2f}{paper:>9}"
            f"{entry['iterations']:12d}{entry['seconds']:9.1f}"
        )
    mean = {k: float(np.mean([entry[k] for entry in rows])) for k in ("before", "psnr", "seconds")}
    paper_mean = PAPER.get((task, level), {}).get("mean")
    shown = "-" if paper_mean is None else f"{paper_mean:.2f}"
    blank = ""
    print(
        f"{'mean':16}{mean['before']:9.2f}{mean['psnr']:9.2f}{shown:>9}{blank:12}"
        f"{mean['seconds']:9.1f}"
    )


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=LEVEL)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--data", type=Path, help="folder of clean pictures (scikit-image's)")
    parser.add_argument("--image", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--crop", type=int, help="centre crop of this side")
    parser.add_argument("--level", type=int, help=f"how degraded: {LEVEL}")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="keep the results in this JSON file")
    options = parser.parse_args()
    options.level = options.level or LEVEL[options.task]
    pairs = (item.split("=", 1) for item in options.set)
    options.settings = {key: Task.parse(key, text) for key, text in pairs}
    return options


def main() -> None:
    """Restore all pictures, print the table, keep it if asked."""
    options = arguments()
    pictures = load(options.data, options.image, options.crop)
    rows = [row(name, clean, options) for name, clean in pictures.items()]
    device = str(resolve_device(options.device))
    print(
        f"{options.task} {options.level}, preset {options.preset}, seed {options.seed}; "
        f"{machine(device)}"
    )
    print_table(rows, options.task, options.level)
    if options.save:
        used = {**vars(options), "data": options.data and options.data.name, "save": None}
        save(options.save, {"options": used, "rows": rows}, device)


if __name__ == "__main__":
    main()
