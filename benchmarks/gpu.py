"""All that has to be measured on a GPU, in one command and about ten minutes.

    python benchmarks/gpu.py

It asks whether the results are those of the CPU, whether an iteration makes the CPU wait, how long
iterations and whole restorations take, whether a larger fit than fits is refused and the next one
runs, how much memory fits take beside their estimate, and how near the results are to the truth.
The most important questions come first; what the time does not reach is left out, and said. The
answers are kept in `benchmarks/results/gpu-NAME.json` after each question, NAME being the device's.
The exit code is 1 if an answer is not as it should be.

It needs torch, numpy, scikit-image (which brings SciPy, Pillow and tifffile) and PyWavelets, and
runs from a checkout without installing: `PYTHONPATH=src python benchmarks/gpu.py`. With `--tiny`
the same questions are asked of tiny pictures, which takes seconds on a CPU: a check of this file,
not a measurement.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cases import Case, make
from conventions import Array, centre, load, machine, psnr, save

from napari_dip import Denoise, EnhanceDetail, FlashNoFlash, Job, OutOfMemory, prepare
from napari_dip.engine.device import resolve_device
from napari_dip.engine.fit import FitState
from napari_dip.engine.memory import peak_memory

RESULTS = Path(__file__).parent / "results"

AGREES = 0.5
"""Most dB by which the PSNR of a restoration may differ from the CPU's. Sums in another order
change each fit a little, as another seed does."""

ALIKE = 60.0
"""Least PSNR in dB of an estimate without a fit against the CPU's."""

PRESETS = ("fast", "best", "paper")


@dataclass(frozen=True)
class Plan:
    """What is measured, and for how long.

    Attributes
    ----------
    device
        Where.
    ends
        When to stop, by `time.perf_counter`.
    sides, volumes
        Sides of the planes, and shapes of the volumes, whose speed and memory is measured.
    compared
        Side of the pictures on which results are compared with the CPU's.
    steps
        Iterations that are timed.
    changes
        Settings of all tasks; for tiny pictures, a tiny network.
    iterations
        Iterations of a fit that is compared with the CPU's.
    pictures, side
        Pictures of the tables, and the side to which they are cropped.
    data
        Folder of the pictures; scikit-image's if None.
    """

    device: torch.device
    ends: float
    sides: tuple[int, ...] = (256, 512, 1024, 2048)
    volumes: tuple[tuple[int, int, int], ...] = ((16, 128, 128), (32, 256, 256))
    compared: int = 128
    steps: int = 20
    iterations: int = 60
    changes: tuple[tuple[str, Any], ...] = ()
    pictures: tuple[str, ...] = ()
    side: int | None = 256
    data: Path | None = None

    @property
    def is_over(self) -> bool:
        return time.perf_counter() > self.ends

    def synchronize(self) -> None:
        """Wait until the device has done all that it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()


TINY: dict[str, Any] = {
    "sides": (32,),
    "volumes": ((3, 16, 16),),
    "compared": 64,
    "steps": 2,
    "iterations": 3,
    "changes": (("filters", (4, 4)),),
    "pictures": ("camera",),
    "side": 64,
}

Answer = dict[str, Any]
Question = Callable[[Plan], Answer]


@cache
def _clean(side: int) -> Array:
    """A colour picture, repeated until it is large enough."""
    import skimage.data

    picture = skimage.data.astronaut()
    times = -(-side // picture.shape[0])
    return centre(np.tile(picture, (times, times, 1)), side)


def _noisy(shape: tuple[int, ...], seed: int = 0) -> Array:
    """A noisy colour picture (y, x, 3), or a grey volume (z, y, x)."""
    clean = _clean(max(shape[-2:]))[: shape[-2], : shape[-1]]
    values = clean if len(shape) == 2 else np.broadcast_to(clean[..., 0], shape)
    noise = np.random.default_rng(seed).normal(0, 25, values.shape)
    return np.clip(np.rint(values + noise), 0, 255).astype(np.uint8)


def _job(plan: Plan, shape: tuple[int, ...], **settings: Any) -> Job:
    """A denoising that has not begun."""
    task = Denoise(sigma=25 / 255, **{**dict(plan.changes), **settings})
    axes = "ZYX" if len(shape) == 3 else "YXC"
    return prepare(_noisy(shape), task, axes=axes, device=str(plan.device))


def _state(job: Job) -> FitState:
    """The fit of a job, before its first iteration."""
    settings = job.task.fit_settings(job.measurement)
    return FitState(job.task.problem(job.measurement), settings, 0, job.device)


def _to_compare(plan: Plan, preset: str) -> Iterator[Case]:
    """A picture for each task."""
    names = ("gaussian-25", "camera-30", "jpeg-10", "blur-2", "holes-50", "hole-0", "upscale-4")
    settings = {"preset": preset}
    if preset != "instant":
        settings |= {**dict(plan.changes), "iterations": plan.iterations, "precision": "float32"}
    clean = _clean(plan.compared)
    for name in names:
        yield make(name, "astronaut", clean, settings)
    volume = np.broadcast_to(clean[..., 0], (plan.volumes[0][0], *clean.shape[:2]))
    noisy = _noisy(volume.shape)
    yield Case("volume", "astronaut", volume, noisy, Denoise(sigma=25 / 255, **settings))
    if preset == "instant":
        return
    noisy = make("gaussian-25", "astronaut", clean, {}).degraded
    yield Case("enhance", "astronaut", clean, clean, EnhanceDetail(**settings))
    yield Case("flash", "astronaut", clean, noisy, FlashNoFlash(**settings), {"guide": clean})


def agreement(plan: Plan) -> Answer:
    """Every task's result on the device beside the CPU's."""
    rows = []
    for preset in ("instant", "fast"):
        for case in _to_compare(plan, preset):
            here, there = (_restored(case, device) for device in ("cpu", str(plan.device)))
            scores = [case.score(image, case.truth) for image in (here, there)]
            alike = 99.0 if np.array_equal(here, there) else psnr(there, here)
            if preset == "instant":
                agrees = alike >= ALIKE or abs(scores[0] - scores[1]) < 0.02
            else:
                agrees = abs(scores[0] - scores[1]) <= AGREES
            rows.append(
                {
                    "case": case.name,
                    "preset": preset,
                    "cpu_psnr": scores[0],
                    "psnr": scores[1],
                    "psnr_against_cpu": alike,
                    "agrees": agrees,
                }
            )
    return {"rows": rows, "ok": all(row["agrees"] for row in rows)}


def _restored(case: Case, device: str) -> Array:
    axes = "ZYX" if case.name == "volume" else None
    job = prepare(case.degraded, case.task, axes=axes, device=device, **case.inputs)
    return job.result(estimate_error=False).image


def waits(plan: Plan) -> Answer:
    """Whether any iteration makes the CPU wait: torch raises an error where it does."""
    rows = []
    for preset in PRESETS:
        for shape in ((plan.sides[0],) * 2, plan.volumes[0]):
            state = _state(_job(plan, shape, preset=preset, runs=1))
            for iteration in range(3):  # kernels are loaded and chosen
                state.step(iteration)
            rows.append({"preset": preset, "shape": shape, "wait": _first_wait(plan, state)})
    return {
        "rows": rows,
        "is_checked": plan.device.type == "cuda",
        "ok": all(row["wait"] is None for row in rows),
    }


def _first_wait(plan: Plan, state: FitState) -> str | None:
    if plan.device.type != "cuda":
        return None
    torch.cuda.set_sync_debug_mode("error")
    try:
        for iteration in range(3, 3 + plan.steps):
            state.step(iteration)
    except RuntimeError:
        return traceback.format_exc(limit=-4)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return None


def iterations(plan: Plan) -> Answer:
    """Milliseconds of an iteration, peak of memory and estimate, by preset and size."""
    rows: list[Answer] = []
    shapes = [(side, side) for side in plan.sides]
    for shape in (*shapes, *plan.volumes):
        for preset in PRESETS:
            if plan.is_over:
                return {"rows": rows, "left_out": "from here on: no time"}
            row: Answer = {"shape": shape, "preset": preset}
            try:
                row |= _one_size(plan, shape, preset)
            except OutOfMemory as error:
                row["error"] = str(error)
            rows.append(row)
    return {"rows": rows}


def _one_size(plan: Plan, shape: tuple[int, ...], preset: str) -> Answer:
    job = _job(plan, shape, preset=preset)
    is_cuda = plan.device.type == "cuda"
    if is_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(plan.device)
    state = _state(job)
    for iteration in range(2):
        state.step(iteration)
    plan.synchronize()
    start = time.perf_counter()
    for done in range(1, plan.steps + 1):
        state.step(done)
        if done % 5 == 0:
            plan.synchronize()
            if time.perf_counter() - start > 5:
                break
    plan.synchronize()
    milliseconds = 1000 * (time.perf_counter() - start) / done
    budget = (job.task.iterations or 1) * (job.task.runs or 1)
    return {
        "milliseconds": milliseconds,
        "iterations": budget,
        "seconds_of_fit": milliseconds * budget / 1000,
        "peak_mb": peak_memory(plan.device) if is_cuda else None,
        "estimate_mb": job.memory_needed / 1e6,
        # The rest of the time, the GPU waits for the CPU to launch kernels: what a CUDA graph of
        # the iteration could save.
        "busy": _busy(plan, state) if is_cuda else None,
    }


def _busy(plan: Plan, state: FitState) -> float:
    """Share of the time in which the GPU computes."""
    from torch.profiler import ProfilerActivity, profile

    start = time.perf_counter()
    for iteration in range(5):
        state.step(iteration)
    plan.synchronize()
    wall = time.perf_counter() - start
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        for iteration in range(5):
            state.step(iteration)
        plan.synchronize()
    computed = sum(event.self_device_time_total for event in profiler.key_averages())
    return computed / 1e6 / wall


def restorations(plan: Plan) -> Answer:
    """Seconds of whole restorations: the estimate without a fit, and `fast`."""
    rows: list[Answer] = []
    shapes = [(side, side) for side in plan.sides]
    for shape in (*shapes, *plan.volumes):
        for preset in ("instant", "fast"):
            if plan.is_over:
                return {"rows": rows, "left_out": "from here on: no time"}
            job = _job(plan, shape, preset=preset, **({} if preset == "instant" else _few(plan)))
            start = time.perf_counter()
            row: Answer = {"shape": shape, "preset": preset}
            try:
                result = job.result(lambda: plan.is_over, estimate_error=False)
            except OutOfMemory as error:
                rows.append(row | {"error": str(error)})
                continue
            seconds = time.perf_counter() - start
            row |= {"seconds": seconds, "iterations": result.iterations}
            rows.append(row | {"stop_reason": result.stop_reason, "reports": len(result.history)})
    return {"rows": rows}


def _few(plan: Plan) -> dict[str, Any]:
    """A tiny budget, if the pictures are tiny."""
    return {"iterations": plan.iterations} if plan.changes else {}


def recovery(plan: Plan) -> Answer:
    """A fit without room is refused, frees its memory, and leaves the device to the next one."""
    shape = (plan.sides[0],) * 2
    small = {"preset": "fast", **_few(plan), **({} if plan.changes else {"iterations": 20})}
    first = _job(plan, shape, **small).result(estimate_error=False).image
    before = _allocated(plan)
    message = None
    with _no_room(plan):
        try:
            _job(plan, (plan.sides[-1],) * 2, preset="paper", **_few(plan)).result()
        except OutOfMemory as error:
            message = str(error)
    after = _allocated(plan)
    again = _job(plan, shape, **small).result(estimate_error=False).image
    left = None if before is None or after is None else after - before
    return {
        "message": message,
        "left_mb": left,
        "psnr_against_first": 99.0 if np.array_equal(first, again) else psnr(again, first),
        "is_real": plan.device.type == "cuda",
        "ok": message is not None and (left is None or left < 50),
    }


def _allocated(plan: Plan) -> float | None:
    if plan.device.type != "cuda":
        return None
    torch.cuda.empty_cache()
    return torch.cuda.memory_allocated(plan.device) / 1e6


@contextmanager
def _no_room(plan: Plan) -> Iterator[None]:
    """Leave half a gigabyte of the GPU; on other devices, let the first iteration say so."""
    if plan.device.type == "cuda":
        total = torch.cuda.get_device_properties(plan.device).total_memory
        reserved = torch.cuda.memory_reserved(plan.device)
        torch.cuda.set_per_process_memory_fraction((reserved + 5e8) / total, plan.device)
        try:
            yield
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, plan.device)
        return

    def step(state: FitState, iteration: int) -> None:
        raise torch.OutOfMemoryError("out of memory, as this benchmark pretends")

    real, FitState.step = FitState.step, step  # type: ignore[method-assign]
    try:
        yield
    finally:
        FitState.step = real  # type: ignore[method-assign]


def tables(plan: Plan) -> Answer:
    """PSNR of the paper's tasks, by preset, and the seconds of each restoration."""
    rows: list[Answer] = []
    pictures = load(plan.data, list(plan.pictures), plan.side)
    for preset in ("fast", "paper"):
        for name in ("gaussian-25", "upscale-4", "holes-50", "jpeg-10"):
            for picture, clean in pictures.items():
                if plan.is_over:
                    return {"rows": rows, "left_out": f"from {preset} {name} on: no time"}
                case = make(name, picture, clean, _settings(plan, preset))
                rows.append(_score(plan, case, preset))
                print(f"  {preset:6}{name:14}{picture:14}{rows[-1]['psnr']:7.2f} dB")
    return {"rows": rows}


def _settings(plan: Plan, preset: str) -> dict[str, Any]:
    return {"preset": preset, **dict(plan.changes), **_few(plan)}


def _score(plan: Plan, case: Case, preset: str) -> Answer:
    start = time.perf_counter()
    job = prepare(case.degraded, case.task, **case.inputs, device=str(plan.device))
    result = job.result(lambda: plan.is_over, estimate_error=False)
    return {
        "case": case.name,
        "picture": case.picture,
        "preset": preset,
        "psnr": case.score(result.image, case.truth),
        "seconds": time.perf_counter() - start,
        "iterations": result.iterations,
        "is_whole": result.stop_reason in ("budget", "rule"),
    }


QUESTIONS: dict[str, Question] = {
    "agreement": agreement,
    "waits": waits,
    "iterations": iterations,
    "restorations": restorations,
    "recovery": recovery,
    "tables": tables,
}
"""What is measured, the most important first."""


def ask(name: str, plan: Plan) -> Answer:
    """One answer, and the seconds that it took; an error is an answer, too."""
    start = time.perf_counter()
    if plan.is_over:
        return {"left_out": "no time", "seconds": 0.0}
    try:
        answer = QUESTIONS[name](plan)
    except Exception:  # the other questions are asked all the same
        answer = {"error": traceback.format_exc(), "ok": False}
    return {"seconds": time.perf_counter() - start, **answer}


def show(name: str, answer: Answer) -> None:
    """Print an answer, a line for each row."""
    said = {k: v for k, v in answer.items() if k not in ("rows", "error")}
    print(f"{name}: " + ", ".join(f"{key} {_short(value)}" for key, value in said.items()))
    if "error" in answer:
        print(answer["error"], file=sys.stderr)
    for row in answer.get("rows", ()):
        print("  " + "  ".join(f"{key} {_short(value)}" for key, value in row.items()))
    sys.stdout.flush()


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--minutes", type=float, default=10.0, help="when to stop")
    parser.add_argument("--only", action="append", choices=QUESTIONS, help="this question only")
    parser.add_argument("--data", type=Path, help="pictures of the tables (scikit-image's)")
    parser.add_argument("--tiny", action="store_true", help="tiny pictures, to check this file")
    parser.add_argument("--save", type=Path, help="where to keep the answers (results/gpu-NAME)")
    return parser.parse_args()


def main() -> int:
    """Ask all questions, keep the answers, return the exit code."""
    options = arguments()
    device = resolve_device(options.device)
    plan = Plan(
        device,
        time.perf_counter() + 60 * options.minutes,
        data=options.data,
        **(TINY if options.tiny else {}),
    )
    name = machine(str(device))
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") if device.type != "cpu" else "cpu"
    file = options.save or RESULTS / f"gpu-{slug}{'-tiny' if options.tiny else ''}.json"
    print(f"{name}; {file}")
    answers: dict[str, Answer] = {}
    for question in options.only or QUESTIONS:
        answers[question] = ask(question, plan)
        show(question, answers[question])
        content = {"device": str(device), "tiny": options.tiny, **answers}
        save(file, content, str(device))
    wrong = [question for question, answer in answers.items() if not answer.get("ok", True)]
    if wrong:
        print(f"not as it should be: {', '.join(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
