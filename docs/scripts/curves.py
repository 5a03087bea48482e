"""Draw the curves of the documentation from the benchmarks' results; nothing is measured here.

    python docs/scripts/curves.py

Makes `docs/images/speed.png` (time against PSNR), `docs/images/peers.png` (the same for presets and
other methods) and `docs/images/stopping.png` (where a fit stops) from the JSON files in
`benchmarks/results`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
IMAGES = ROOT / "docs" / "images"

SPEED = (("gaussian-25", "f16"), ("real-0", "fmd_confocal_fish3"))
STOPPING = ("gaussian-50", "camera-30", "impulse-10", "correlated-25", "jpeg-10", "clean-0")
COLOURS = {
    "paper": "0.4",
    "instant": "tab:orange",
    "fast": "tab:blue",
    "best": "tab:green",
}
PEERS = {
    "FMD, three frames, 128 x 128": ("compare-fmd-best-128-cpu.json",),
    "Kodak, three images, sigma 25, 128 x 128": ("compare-kodak-25-best-128-cpu.json",),
}
"""Results of `compare.py` by the title of their diagram."""


def rows(name: str) -> list[dict[str, Any]]:
    """A result file's rows."""
    found: list[dict[str, Any]] = json.loads((RESULTS / name).read_text())["rows"]
    return found


def reference(case: str, picture: str) -> list[dict[str, float]]:
    """The paper's curve of a picture."""
    (file,) = (RESULTS / "curves").glob(f"{case}-{picture}-*.json")
    curve: list[dict[str, float]] = json.loads(file.read_text())["curve"]
    return curve


def speed(axes: Axes, case: str, picture: str) -> None:
    """PSNR over seconds: the paper's and ours."""

    def mine(row: dict[str, Any]) -> bool:
        return (row["case"], row["picture"]) == (case, picture)

    for file in sorted(RESULTS.glob("speed-*-cpu.json"), reverse=True):  # fast, then best
        preset = file.stem.split("-")[1]
        for row in filter(mine, rows(file.name)):
            points = [(p["seconds"], p["psnr"]) for p in row["trace"]]
            axes.plot(*zip(*points, strict=True), color=COLOURS[preset], label=preset)
            if preset == "fast":
                pace = row["paper_seconds_per_iteration"]
                curve = [(p["iteration"] * pace, p["psnr"]) for p in reference(case, picture)]
                axes.plot(*zip(*curve, strict=True), color=COLOURS["paper"], label="paper")
                axes.axhline(row["paper_best"] - 0.2, color="0.8", zorder=0)
    axes.set(xscale="log", xlabel="seconds", ylabel="PSNR (dB)", title=f"{picture}, {case}")
    axes.set_ylim(bottom=10)
    axes.legend()


def peers(axes: Axes, title: str, names: Sequence[str]) -> None:
    """Mean PSNR over mean CPU seconds of presets and other methods, on the images of some files."""
    found = [row["results"] for name in names for row in rows(name)]
    for method in sorted(set.intersection(*(set(results) for results in found))):
        seconds, psnr = (
            fmean(results[method][key] for results in found) for key in ("seconds", "psnr")
        )
        is_ours = method in COLOURS
        colour = COLOURS[method] if is_ours else "tab:red"
        axes.plot(seconds, psnr, "o" if is_ours else "s", color=colour)
        axes.annotate(method, (seconds, psnr), xytext=(6, 4), textcoords="offset points")
    axes.set(xscale="log", xlabel="CPU seconds", ylabel="PSNR (dB)", title=title)
    axes.margins(0.25)


def stopping(axes: Axes, case: str) -> None:
    """PSNR over iterations to the budget's end, and where and with what the default stopped."""
    for i, row in enumerate(r for r in rows("stopping-cpu.json") if r["case"] == case):
        points = [(p["iteration"], p["psnr"]) for p in row["trace"]]
        axes.plot(*zip(*points, strict=True), color=f"C{i}", label=row["picture"])
        axes.plot(row["iterations"], row["psnr"], "o", color=f"C{i}")
    axes.set(xlabel="iteration", title=case)
    axes.set_ylim(bottom=10)


def main() -> None:
    """Draw all."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, (case, picture) in zip(figure.subplots(1, len(SPEED)), SPEED, strict=True):
        speed(axes, case, picture)
    figure.savefig(IMAGES / "speed.png", dpi=110)
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, (title, names) in zip(figure.subplots(1, len(PEERS)), PEERS.items(), strict=True):
        peers(axes, title, names)
    figure.savefig(IMAGES / "peers.png", dpi=110)
    figure = Figure(figsize=(10, 6), layout="constrained")
    grid = figure.subplots(2, 3)
    for axes, case in zip(grid.flat, STOPPING, strict=True):
        stopping(axes, case)
    for axes in grid[:, 0]:
        axes.set_ylabel("PSNR (dB)")
    grid[0, 0].legend(fontsize=8)
    figure.savefig(IMAGES / "stopping.png", dpi=110)


if __name__ == "__main__":
    main()
