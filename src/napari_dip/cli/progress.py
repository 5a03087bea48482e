"""What runs, watched from a terminal: a progress bar on stderr, and Ctrl-C to end it early."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from napari_dip.restoration.job import Job
    from napari_dip.restoration.result import Restoration
    from napari_dip.studies.study import StudyJob, StudyResult


SECONDS_BETWEEN_LINES = 10
"""Where stderr is a file, each refresh of the bar is a line more."""


ENDS = {
    "budget": "all of its budget",
    "rule": "ended by its stopping rule",
    "cancelled": "interrupted",
    "diverged": "ended because the loss was not finite any more",
}


def run_job(job: Job) -> Restoration:
    """Run a job to its end, or until Ctrl-C: then its stop reason is "cancelled".

    A second Ctrl-C interrupts at once, with nothing to return.
    """
    result = None
    with interruptible() as interrupted, _bar(job.task.name) as bar:
        for update in job.run(interrupted):
            bar.total = update.iterations
            values = {"loss": f"{update.loss:.2e}"}
            if update.psnr is not None:
                values["psnr"] = f"{update.psnr:.2f} dB"
            bar.set_postfix(values, refresh=False)
            bar.update(update.iteration - bar.n)
            result = update.result
        bar.refresh()
    assert result is not None  # a job's last update has its result
    return result


def run_study_job(job: StudyJob) -> StudyResult:
    """Run a study to its end, or until Ctrl-C, as `run_job` runs a restoration."""
    result = None
    with interruptible() as interrupted, _bar(job.study) as bar:
        for update in job.run(interrupted):
            bar.total = update.iterations
            if update.pictures:
                bar.set_postfix_str(update.pictures[-1].name, refresh=False)
            bar.update(update.iteration - bar.n)
            result = update.result
        bar.refresh()
    assert result is not None  # a study's last update has its result
    return result


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C was pressed meanwhile."""
    pressed = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        # Not what was there before: a job in the background starts with Ctrl-C ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _bar(name: str) -> tqdm[None]:
    patience = 0.1 if sys.stderr.isatty() else SECONDS_BETWEEN_LINES
    return tqdm(desc=name, unit="it", mininterval=patience, maxinterval=patience, file=sys.stderr)


def summary(result: Restoration) -> str:
    """How a restoration went, in a line."""
    text = f"{result.iterations} iterations in {result.seconds:.1f} s, {ENDS[result.stop_reason]}"
    if result.psnr is None:
        return text
    before = "" if result.input_psnr is None else f"{result.input_psnr:.2f} -> "
    return f"{text}, PSNR {before}{result.psnr:.2f} dB"
