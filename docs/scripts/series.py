"""The figure of docs/large.md, from what benchmarks/series.py has written; it measures nothing.

python docs/scripts/series.py [benchmarks/results/series-cpu.json]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "series-cpu.json"
IMAGES = ROOT / "docs" / "images"

SERIES = (("movie-25", "a movie"), ("celegans_em_8bit-25", "slices of C. elegans (EM)"))
PARTS = (("psnr", "PSNR (dB)"), ("seconds", "CPU time (s)"))
WAYS = (("afresh", "afresh"), ("warm", "from the last frame's weights"))


def main(path: Path) -> None:
    """Draw PSNR and time of each frame, both ways, a row for each series."""
    mpl.use("Agg")
    told = json.loads(path.read_text())
    figure, grid = plt.subplots(2, 2, figsize=(8, 4.4), layout="constrained", sharex=True)
    for row, (name, title) in zip(grid, SERIES, strict=True):
        frames = told[name]["frames"]
        for ax, (key, label) in zip(row, PARTS, strict=True):
            for way, words in WAYS:
                ax.plot([frame[f"{way}_{key}"] for frame in frames], "o-", label=words)
            ax.set(ylabel=label)
        row[0].set_title(title)
        row[0].margins(y=0.3)
        row[1].set_ylim(bottom=0)
    for ax in grid[-1]:
        ax.set(xlabel="frame")
    grid[0][1].legend(frameon=False, loc="center")
    figure.savefig(IMAGES / "series.png", dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS)
