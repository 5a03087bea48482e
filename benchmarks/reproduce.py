"""Run a task's preset over clean pictures with the paper's degradation, and print the table.

    python benchmarks/reproduce.py denoise --preset paper --data FOLDER --image f16 --crop 256

Needs the engine's own dependencies only, so it also runs from a checkout without installing:
`PYTHONPATH=src python benchmarks/reproduce.py ...`. The results can be kept as JSON (`--save`).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from conventions import (
    Array,
    bernoulli_mask,
    divisible,
    gaussian_noise,
    jpeg,
    load,
    machine,
    psnr,
    resize,
    super_resolution_psnr,
)
from PIL import Image

from napari_dip import DeJPEG, Denoise, Inpaint, Restoration, SuperResolve, __version__, restore
from napari_dip.tasks import Task

PAPER: dict[tuple[str, int], dict[str, float]] = {
    ("denoise", 25): {"mean": 31.00},
    ("upscale", 4): {
        "baby": 31.49,
        "bird": 31.80,
        "butterfly": 26.23,
        "head": 31.04,
        "woman": 28.93,
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
"""The paper's own figures (arXiv 1711.10925): its CBM3D mean, tables of Set5 and of inpainting."""

LEVEL = {"denoise": 25, "upscale": 4, "inpaint": 50, "dejpeg": 10}
"""Sigma of 255, factor, per cent missing, JPEG quality."""


def case(
    task: str, level: int, clean: Array, preset: str, settings: dict[str, Any], seed: int
) -> tuple[Array, Array, Task, dict[str, Array], float]:
    """The truth, its degradation, the task, its side inputs, and a plain method's PSNR."""
    common = {"preset": preset, **settings}
    if task == "denoise":
        noisy = gaussian_noise(clean, level, seed)
        return clean, noisy, Denoise(sigma=level / 255, **common), {}, psnr(noisy, clean)
    if task == "dejpeg":
        broken = jpeg(clean, level)
        return clean, broken, DeJPEG(**common), {}, psnr(broken, clean)
    if task == "inpaint":
        mask = bernoulli_mask(clean, level / 100, seed)
        holes = np.where(mask if clean.ndim == 2 else mask[..., None], 0, clean)
        return clean, holes, Inpaint(**common), {"mask": mask}, psnr(holes, clean)
    truth = divisible(clean, level)
    low = resize(truth, 1 / level, Image.Resampling.LANCZOS)
    bicubic = resize(low, level, Image.Resampling.BICUBIC)
    baseline = super_resolution_psnr(bicubic, truth)
    return truth, low, SuperResolve(factor=level, **common), {}, baseline


def row(name: str, clean: Array, options: argparse.Namespace) -> dict[str, Any]:
    """Degrade, restore and score one picture."""
    truth, degraded, task, side, before = case(
        options.task, options.level, clean, options.preset, options.settings, options.seed
    )
    result: Restoration = restore(
        degraded,
        task,
        **side,
        reference=truth,
        device=options.device,
        seed=options.seed,
        on_progress=lambda update: print(
            f"\r{name}: {update.iteration}/{update.iterations}  {update.psnr:.2f} dB",
            end="",
            file=sys.stderr,
        ),
    )
    print(file=sys.stderr)
    score = super_resolution_psnr if options.task == "upscale" else psnr
    return {
        "image": name,
        "shape": list(truth.shape),
        "before": before,
        "psnr": score(result.image, truth),
        "best": max(entry["psnr"] for entry in result.history),
        "paper": PAPER.get((options.task, options.level), {}).get(name),
        "seconds": result.seconds,
        "iterations": result.iterations,
        "stop_reason": result.stop_reason,
        "peak_memory_mb": result.peak_memory_mb,
        "settings": result.task.to_dict(),
        "history": result.history,
    }


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
    from napari_dip.engine.devices import resolve_device

    kind = machine(str(resolve_device(options.device)))
    print(f"{options.task} {options.level}, preset {options.preset}, seed {options.seed}; {kind}")
    print_table(rows, options.task, options.level)
    if options.save:
        document = {
            "options": {**vars(options), "data": options.data and options.data.name, "save": None},
            "machine": kind,
            "torch": torch.__version__,
            "napari_dip": __version__,
            "rows": rows,
        }
        options.save.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
