"""How many times faster `fast` is than `paper`: both timed in one run, on one picture.

    python benchmarks/pace.py denoise --data FOLDER --image f16 --crop 256

`fast` runs to its end, compilation included. `paper` runs for a few iterations, and its time is
what all of its iterations would take at that pace. Takes reproduce.py's options.
"""

from __future__ import annotations

import time
from typing import Any

from conventions import Array, load, machine
from reproduce import arguments, case

from napari_dip import prepare
from napari_dip.tasks import Task

FEW = 6
"""Iterations of `paper`; the first one, which sets things up, is not counted."""


def seconds(
    degraded: Array, task: Task, side: dict[str, Array], device: str, few: int | None
) -> tuple[float, int]:
    """The time of a fit, or of `few` of its iterations, and the iterations that it has in all."""
    job = prepare(degraded, task, **side, device=device)
    total = (job.task.iterations or 0) * (job.task.runs or 1)
    done = 0
    began = time.perf_counter()

    def should_stop() -> bool:
        nonlocal done, began
        done += 1
        if done == 1:
            began = time.perf_counter() if few else began
        return few is not None and done > few

    for _ in job.run(should_stop):
        pass
    return time.perf_counter() - began, total


def main() -> None:
    """Time both presets, print the ratio."""
    options = arguments()
    for name, clean in load(options.data, options.image, options.crop).items():
        timed: dict[str, Any] = {}
        for preset, few in (("fast", None), ("paper", FEW)):
            _, degraded, task, side, _ = case(
                options.task, options.level, clean, preset, {}, options.seed
            )
            spent, total = seconds(degraded, task, side, options.device, few)
            timed[preset] = spent if few is None else spent / few * total
        ratio = timed["paper"] / timed["fast"]
        print(
            f"{options.task} {name}: fast {timed['fast']:.1f} s, paper {timed['paper']:.0f} s, "
            f"{ratio:.0f} times; {machine('cpu' if options.device == 'auto' else options.device)}"
        )


if __name__ == "__main__":
    main()
