"""Progress in a terminal: a bar on stderr, a line for each item, and Ctrl-C to end early."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

if TYPE_CHECKING:
    from napari_dip.restoration.job import Job
    from napari_dip.restoration.result import Restoration, Update
    from napari_dip.scheduling.item import Outcome
    from napari_dip.studies.study import StudyJob, StudyResult, StudyUpdate

SECONDS_BETWEEN_LINES = 10
"""Time between two refreshes of a bar in a file, where each refresh is another line."""

_SECONDS_BETWEEN_REFRESHES = 0.1
"""Time between two refreshes of a bar in a terminal."""

_ENDINGS = {
    "budget": "all of its budget",
    "rule": "ended by its stopping rule",
    "cancelled": "interrupted",
    "diverged": "ended because the loss was not finite any more",
}
"""The ending of a restoration's summary by its stop reason."""


def run_job(job: Job) -> Restoration:
    """Run a job to its end, or until Ctrl-C: then its stop reason is "cancelled".

    A second Ctrl-C interrupts at once, and there is no result. Notes about what was
    read come first.
    """
    show_notes(map(str, job.notes))

    def describe(update: Update) -> str:
        loss = [] if update.loss is None else [f"loss={update.loss:.2e}"]
        psnr = [] if update.psnr is None else [f"psnr={update.psnr:.2f} dB"]
        return ", ".join(loss + psnr)

    with _progress(job.task.name, describe) as (interrupted, show):
        return job.result(interrupted, show)


def run_study_job(job: StudyJob) -> StudyResult:
    """Run a study to its end, or until Ctrl-C, like `run_job`."""

    def describe(update: StudyUpdate) -> str:
        return update.pictures[-1].name if update.pictures else ""

    with _progress(job.study, describe) as (interrupted, show):
        return job.result(interrupted, show)


@contextmanager
def _progress(
    name: str, describe: Callable[[Any], str]
) -> Iterator[tuple[Callable[[], bool], Callable[[Any], None]]]:
    """A bar: whether Ctrl-C was pressed, and a function that shows an update."""
    seconds = _SECONDS_BETWEEN_REFRESHES if sys.stderr.isatty() else SECONDS_BETWEEN_LINES
    with (
        interruptible() as interrupted,
        tqdm(
            desc=name, unit="it", mininterval=seconds, maxinterval=seconds, file=sys.stderr
        ) as bar,
    ):

        def show(update: Any) -> None:
            bar.total = update.iterations
            bar.set_postfix_str(describe(update), refresh=False)
            bar.update(update.iteration - bar.n)

        yield interrupted, show
        bar.refresh()


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C was pressed meanwhile."""
    pressed = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        # Not the handler from before: a job in the background starts with Ctrl-C ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


def show_notes(notes: Iterable[str]) -> None:
    """Write what was left out, changed or assumed, a line each, to stderr."""
    for note in notes:
        click.echo(f"napari-dip: {note}", err=True)


def show_outcome(outcome: Outcome, number: int, count: int) -> None:
    """Write a line for one of many items when it ends: on stderr if it failed."""
    from napari_dip.data.reading import Note
    from napari_dip.restoration.result import filled_words
    from napari_dip.scheduling.item import Status

    if outcome.status is Status.DONE and outcome.report:
        show_notes(str(Note.from_dict(note)) for note in outcome.report.get("notes", ()))
    line, report = f"[{number}/{count}] {outcome.name}: {outcome.status}", outcome.report
    if outcome.status is Status.FAILED:
        click.echo(f"{line}: {outcome.error}", err=True)
    elif outcome.status is Status.DONE and report and "iterations" in report:
        parts = [line, f"{report['iterations']} iterations in {report['seconds']:.1f} s"]
        click.echo(", ".join(filter(None, (*parts, filled_words(report.get("filled"))))))
    else:
        click.echo(line)


def summary(result: Restoration) -> str:
    """How a restoration went, in a line."""
    from napari_dip.restoration.result import estimate_words, filled_words

    ending = _ENDINGS[result.stop_reason]
    text = f"{result.iterations} iterations in {result.seconds:.1f} s, {ending}"
    if result.task.is_instant:
        text = f"instant estimate in {result.seconds:.1f} s"
    text = ", ".join(filter(None, (text, filled_words(result.filled))))
    if result.psnr is None:
        estimate = estimate_words(result.estimated_psnr, result.estimated_input_psnr)
        return ", ".join(filter(None, (text, estimate)))
    before = "" if result.input_psnr is None else f"{result.input_psnr:.2f} -> "
    return f"{text}, PSNR {before}{result.psnr:.2f} dB"


def study_summary(result: StudyResult) -> str:
    """How a study went: a line, and one for each picture with scores or a loss."""
    lines = [f"{len(result.pictures)} pictures in {result.seconds:.1f} s"]
    width = max(map(len, result.names))
    for picture in result.pictures:
        values = [
            f"{name.upper() if name in ('psnr', 'ssim') else name} {value:.4g}"
            for name, value in picture.scores.items()
        ]
        if picture.curve:
            loss = picture.curve[-1][1]
            values.append(f"loss {loss:.3g} after {picture.iterations} iterations")
        if values:
            lines.append(f"  {picture.name:<{width}}  {', '.join(values)}")
    return "\n".join(lines)
