"""The figure of docs/large.md, from what benchmarks/series.py has written.

python benchmarks/series.py -o series.json && python docs/scripts/series.py series.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

IMAGES = Path(__file__).parents[1] / "images"


def main(path: str) -> None:
    """Draw PSNR and time of each frame, both ways."""
    mpl.use("Agg")
    rows = json.loads(Path(path).read_text())["frames"]
    figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
    parts = (("psnr", "PSNR (dB)"), ("seconds", "CPU time (s)"))
    for ax, (key, label) in zip(axes, parts, strict=True):
        for way, name in (("afresh", "afresh"), ("warm", "from the last frame's weights")):
            ax.plot([row[f"{way}_{key}"] for row in rows], "o-", label=name)
        ax.set(xlabel="frame", ylabel=label)
    axes[1].set_ylim(bottom=0)
    axes[0].margins(y=0.3)
    axes[1].legend(frameon=False)
    figure.savefig(IMAGES / "series.png", dpi=110)


if __name__ == "__main__":
    main(sys.argv[1])
