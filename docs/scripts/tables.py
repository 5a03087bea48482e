"""Print the comparison tables of the documentation from the benchmarks' results, in Markdown.

    python docs/scripts/tables.py compare-fmd-cpu.json compare-kodak-25-cpu.json

Nothing is measured here: the JSON files of `benchmarks/compare.py` in `benchmarks/results` are.
The best PSNR of each row is bold; CPU seconds are in brackets.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"

OURS = ("instant", "fast", "best", "paper")
TITLES = {"bm3d": "BM3D", "gat_bm3d": "GAT + BM3D", "nlm": "non-local means", "bm4d": "BM4D"}


def table(rows: list[dict[str, Any]]) -> str:
    """A table of images and methods, with the means below."""
    names = list(dict.fromkeys(name for row in rows for name in row["results"]))
    heads = ["image", "given", *(TITLES.get(n, f"`{n}`" if n in OURS else n) for n in names)]
    lines = [heads, ["---"] * len(heads)]
    for row in rows:
        results = row["results"]
        best = max(entry["psnr"] for entry in results.values())
        cells = [row["picture"], f"{row['given']:.2f}" if "given" in row else ""]
        for entry in (results.get(name) for name in names):
            psnr = "" if entry is None else f"{entry['psnr']:.2f}"
            mark = "**" if entry is not None and entry["psnr"] == best else ""
            seconds = "" if entry is None else f" ({entry['seconds']:.0f})"
            cells.append(f"{mark}{psnr}{mark}{seconds}")
        lines.append(cells)
    means = [
        fmean(row["results"][name]["psnr"] for row in rows if name in row["results"])
        for name in names
    ]
    lines.append(["mean", "", *(f"{mean:.2f}" for mean in means)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print a table for each file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="+", help="a file's name in benchmarks/results")
    for name in parser.parse_args().file:
        print(f"{name}\n\n{table(json.loads((RESULTS / name).read_text())['rows'])}\n")


if __name__ == "__main__":
    main()
