"""How well the window reacts while it restores, and what a fit loses by being watched.

    xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/gui.py --sizes 256 512

Denoises scikit-image's camera with the default settings in a real napari window. Every part runs
in a process of its own; short fits with the dock and headless ones take turns in one process, so
that both meet the same load. Prints a table; `--save` keeps it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from conventions import Array, centre, gaussian_noise, machine

SIGMA = 25
WARM_RUNS = 3
SHORT = 150
"""Iterations of the fits that take turns."""
TICK_MS = 10
PATIENCE_S = 1800
BEFORE, FITTING, AFTER = "before the first preview", "fitting", "after the end"


def picture(size: int) -> Array:
    """The camera man with noise, of size x size pixels."""
    import skimage.data

    return gaussian_noise(centre(skimage.data.camera(), size), SIGMA, seed=0)


def pace(history: list[dict[str, float]]) -> dict[str, float]:
    """Iterations a second: of the whole fit, and of its median stretch between two reports."""
    stretches = [
        (b["seconds"] - a["seconds"]) / (b["iteration"] - a["iteration"])
        for a, b in pairwise(history)
        if b["iteration"] > a["iteration"]
    ]
    last = history[-1]
    return {
        "seconds": last["seconds"],
        "iterations_per_s": last["iteration"] / last["seconds"],
        "median_iterations_per_s": 1 / statistics.median(stretches),
    }


class Window:
    """A viewer with the picture and the dock, and the times at which its event loop came round."""

    def __init__(self, size: int, options: argparse.Namespace) -> None:
        import napari
        from qtpy.QtCore import QEventLoop, Qt, QTimer
        from qtpy.QtWidgets import QPushButton

        self.viewer = napari.Viewer(show=True)
        self.viewer.window._qt_window.resize(1500, 950)
        self.viewer.add_image(picture(size), name="camera")
        _, self.dock = self.viewer.window.add_plugin_dock_widget(
            "napari-dip", "Deep Image Prior: Restore"
        )
        self.buttons = {b.text(): b for b in self.dock.findChildren(QPushButton)}
        self.model = self.dock.controller.model
        self.model.task = self.model.task.replace(**options.settings)
        self.model.device = options.device
        self.events: list[float] = []
        self.ended = 0.0
        self.model.events.phase.connect(self._note_end)  # after the view, which sets the buttons
        self._loop, self._done = QEventLoop(), bool
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK_MS)

    def until(self, done: Callable[[], bool]) -> float:
        """Let the window live until something is so; the time at which it was."""
        self._done = done
        limit = threading.Timer(PATIENCE_S, os._exit, (1,))
        limit.start()
        self._loop.exec()
        limit.cancel()
        return time.perf_counter()

    def live(self, seconds: float) -> None:
        """Let the window live for a while."""
        end = time.perf_counter() + seconds
        self.until(lambda: time.perf_counter() >= end)

    def click(self, action: str) -> float:
        """Press a button of the dock; when."""
        assert self.buttons[action].isEnabled(), (
            f"{action}: {self.model.phase} {self.model.message}"
        )
        clicked = time.perf_counter()
        self.buttons[action].click()
        return clicked

    def is_enabled(self, action: str) -> bool:
        """Whether a button of the dock can be pressed."""
        return bool(self.buttons[action].isEnabled())

    def is_idle(self) -> bool:
        """Whether the fit's thread has ended and Run can be pressed again."""
        names = {thread.name for thread in threading.enumerate()}
        return "napari-dip" not in names and self.is_enabled("Run")

    def run(self) -> tuple[float, float]:
        """Press Run; when, and when there was a preview."""
        del self.viewer.layers[1:]  # earlier results
        count = len(self.viewer.layers)
        clicked = self.click("Run")
        previewed = self.until(lambda: len(self.viewer.layers) > count or self.is_idle())
        assert len(self.viewer.layers) > count, self.model.message
        return clicked, previewed

    def stop(self) -> tuple[float, float]:
        """Press Stop; seconds until all has stopped, and until the window has drawn the result."""
        clicked = self.click("Stop and keep")
        drawn = self.until(self.is_idle)
        return self.ended - clicked, drawn - clicked

    @property
    def history(self) -> list[dict[str, float]]:
        """The last fit's."""
        result = self.dock.controller._session.run.result
        return list(result.history)

    def gaps(self, start: float, end: float) -> dict[str, float]:
        """The longest gap, and the 99th percentile, between events that begin in a time span."""
        lengths = sorted(b - a for a, b in pairwise(self.events) if start <= a < end)
        if not lengths:  # one gap from before the start to after the end
            return {"longest_s": end - start, "percentile_99_s": end - start}
        return {"longest_s": lengths[-1], "percentile_99_s": lengths[int(0.99 * len(lengths))]}

    def _note_end(self) -> None:
        if not self.model.phase.is_active:
            self.ended = time.perf_counter()

    def _tick(self) -> None:
        self.events.append(time.perf_counter())
        if self._loop.isRunning() and self._done():
            self._loop.quit()


def first(size: int, options: argparse.Namespace) -> dict[str, Any]:
    """Press Run as soon as the dock is there: nothing is imported yet."""
    window = Window(size, options)
    window.until(lambda: True)
    clicked, previewed = window.run()
    window.stop()
    return {"preview_s": previewed - clicked, "gaps": {BEFORE: window.gaps(clicked, previewed)}}


def watched(size: int, options: argparse.Namespace) -> dict[str, Any]:
    """A whole fit with the dock; then fits that are paused and stopped."""
    window = Window(size, options)
    window.live(5)  # as a person who looks at the form
    clicked, previewed = window.run()
    ended = window.until(window.is_idle)
    window.live(1)
    spans = {
        BEFORE: (clicked, previewed),
        FITTING: (previewed, ended),
        AFTER: (ended, time.perf_counter()),
    }
    outcome: dict[str, Any] = {
        "preview_s": previewed - clicked,
        "gaps": {name: window.gaps(*span) for name, span in spans.items()},
        "pace": pace(window.history),
    }
    # Those that are stopped anyway have the preset's iterations, so that they last.
    window.model.task = window.model.task.replace(iterations=None)
    return outcome | {"warm": [steered(window, 0.5 + 2 * i) for i in range(WARM_RUNS)]}


def steered(window: Window, delay: float) -> dict[str, float]:
    """Run, pause and resume, and stop after a while."""
    clicked, previewed = window.run()
    window.live(delay)
    pausing = window.click("Pause")
    paused = window.until(lambda: window.is_enabled("Resume"))
    window.click("Resume")
    window.live(delay)
    stopped, drawn = window.stop()
    return {
        "preview_s": previewed - clicked,
        "pause_s": paused - pausing,
        "stop_s": stopped,
        "drawn_s": drawn,
        "iteration_s": 1 / pace(window.history)["median_iterations_per_s"],
    }


def paced(size: int, options: argparse.Namespace) -> dict[str, Any]:
    """Short fits with the dock and without it, which take turns."""
    from napari_dip import prepare

    iterations = min(options.iterations or SHORT, SHORT)
    window = Window(size, options)
    window.model.task = task = window.model.task.replace(iterations=iterations)
    window.live(5)
    job = prepare(picture(size), task, device=options.device)

    def headless() -> dict[str, float]:
        histories: list[list[dict[str, float]]] = []
        thread = threading.Thread(
            target=lambda: histories.extend(u.result.history for u in job.run() if u.result)
        )
        thread.start()
        window.until(lambda: not thread.is_alive())
        return pace(histories[0])

    def watched() -> dict[str, float]:
        window.run()
        window.until(window.is_idle)
        return pace(window.history)

    headless()  # nothing is the first of its kind from here on
    turns = [(watched(), headless()) for _ in range(2 * options.rounds)]
    return {name: [turn[i] for turn in turns] for i, name in enumerate(("watched", "headless"))}


PARTS: dict[str, Callable[[int, argparse.Namespace], dict[str, Any]]] = {
    "first": first,
    "watched": watched,
    "paced": paced,
}


REPEATED = ("first", "watched")


def apart(part: str, size: int, options: argparse.Namespace) -> dict[str, Any]:
    """A part, measured in a process of its own: no settings remembered, nothing imported."""
    print(f"{part} {size} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home = {"XDG_CONFIG_HOME": folder}
        command = [sys.executable, __file__, "--part", part, "--sizes", str(size)]
        command += ["--device", options.device]
        if options.iterations:
            command += ["--iterations", str(options.iterations)]
        done = subprocess.run(
            command, env={**os.environ, **home}, stdout=subprocess.PIPE, text=True, check=True
        )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def row(size: int, options: argparse.Namespace) -> dict[str, Any]:
    """All of one size."""
    parts = {part: [apart(part, size, options) for _ in range(options.rounds)] for part in REPEATED}
    return {"size": size, **parts, "paced": apart("paced", size, options)}


def summary(entry: dict[str, Any]) -> dict[str, Any]:
    """The figures that count: the longest waits and gaps, the medians of the rest."""
    fits = entry["watched"]
    warm = [fit for one in fits for fit in one["warm"]]

    def ratio(key: str) -> float:
        pairs = zip(entry["paced"]["watched"], entry["paced"]["headless"], strict=True)
        return statistics.median(a[key] / b[key] for a, b in pairs)

    return {
        "first preview, clicked at once / s": max(one["preview_s"] for one in entry["first"]),
        "first preview, after 5 s / s": max(one["preview_s"] for one in fits),
        "first preview, later runs / s": max(fit["preview_s"] for fit in warm),
        **{
            f"longest gap {name} / s": max(one["gaps"][name]["longest_s"] for one in fits)
            for name in (BEFORE, FITTING, AFTER)
        },
        "99th percentile of gaps fitting / s": max(
            one["gaps"][FITTING]["percentile_99_s"] for one in fits
        ),
        "pace with the dock / headless, whole fit": ratio("iterations_per_s"),
        "pace with the dock / headless, median stretch": ratio("median_iterations_per_s"),
        "Pause, median / s": statistics.median(fit["pause_s"] for fit in warm),
        "Stop, median / s": statistics.median(fit["stop_s"] for fit in warm),
        "one iteration, median / s": statistics.median(fit["iteration_s"] for fit in warm),
        "Pause less one iteration, longest / s": max(f["pause_s"] - f["iteration_s"] for f in warm),
        "Stop less one iteration, longest / s": max(f["stop_s"] - f["iteration_s"] for f in warm),
        "the same, until the result is drawn / s": max(
            f["drawn_s"] - f["iteration_s"] for f in warm
        ),
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--iterations", type=int, help="fewer than the preset's, for a quick look")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--save", type=Path, help="keep the results in this JSON file")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.settings = {"iterations": options.iterations} if options.iterations else {}
    return options


def main() -> None:
    """Measure all sizes, print the table, keep it if asked."""
    options = arguments()
    if options.part:
        print(json.dumps(PARTS[options.part](options.sizes[0], options)), flush=True)
        # The viewer's own teardown is not what is measured.
        os._exit(0)
    rows = [row(size, options) for size in options.sizes]
    table = {entry["size"]: summary(entry) for entry in rows}
    kind = machine(options.device)
    print(f"{kind}; load {os.getloadavg()[0]:.1f} at the end")
    for name in next(iter(table.values())):
        print(f"{name:46}", *(f"{table[size][name]:8.3f}" for size in table))
    if options.save:
        import napari
        import torch

        from napari_dip import __version__

        document = {
            "options": {**vars(options), "save": None},
            "machine": kind,
            "torch": torch.__version__,
            "napari": napari.__version__,
            "napari_dip": __version__,
            "table": table,
            "rows": rows,
        }
        options.save.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
