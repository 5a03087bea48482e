"""`napari-dip batch`: many pictures, with any task, on this machine or a cluster."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from napari_dip.cli.options import (
    DEVICE,
    INTERRUPTED,
    SEED,
    SOME_FAILED,
    Command,
    chosen,
    file_option,
    flag,
    settings_options,
)
from napari_dip.cli.tasks import cut_options, input_paths, tiling_options
from napari_dip.tasks.base import INPUT_HELP
from napari_dip.tasks.registry import TASKS

if TYPE_CHECKING:
    from napari_dip.scheduling.item import Outcome
    from napari_dip.scheduling.summary import Summary


HELP = """Restore many pictures side by side: files, folders, patterns, frames, blocks.

Each result is written to OUTDIR as soon as it is there, with a report beside it; summary.csv and
summary.json tell of all. A picture that fails stops nothing. Ctrl-C ends the run, and --resume goes
on with it."""


def _everyday() -> list[click.Parameter]:
    """The everyday settings of all tasks; which of them a task has is checked when it is known."""
    options: dict[str, click.Parameter] = {}
    for task in TASKS.values():
        for option in settings_options(task):
            if isinstance(option, click.Option) and option.name not in ("set", *options):
                option.default, option.show_default = None, False
                options[option.name or ""] = option
    several = click.Option(
        ["--set"], metavar="KEY=VALUE", multiple=True, help="Any setting of the task, repeatable."
    )
    return [*options.values(), several]


def _tasks() -> click.Option:
    return click.Option(
        ["--task"],
        type=click.Choice(list(TASKS)),
        default="denoise",
        show_default=True,
        help="What to do with each.",
    )


def _sides() -> list[click.Parameter]:
    each = " One for all, or a folder with one of each picture's name."
    return [
        *(file_option(f"--{side}", help=about + each) for side, about in INPUT_HELP.items()),
        flag("--mask-keeps", "Masks are zero where pixels are missing instead."),
    ]


def _run_options() -> list[click.Parameter]:
    return [
        click.Option(["--axes"], metavar="LETTERS", help="What the axes of the files are."),
        click.Option(["--data-range"], type=float, metavar="X", help="From black to white."),
        SEED,
        DEVICE,
        *cut_options(),
        click.Option(
            ["--workers"],
            type=int,
            metavar="N",
            help="Processes on this machine; by default one for each GPU or each two cores.",
        ),
        click.Option(
            ["--scheduler"], metavar="ADDRESS", help="A running dask scheduler, host:port."
        ),
        flag("--resume", "Go on with a run that was ended; what it has finished is kept."),
        flag("--force", "Replace results that exist."),
    ]


def _run(**given: Any) -> None:
    from napari_dip.batch.restore import restore_many
    from napari_dip.cli.progress import interruptible
    from napari_dip.scheduling.item import Status

    task = TASKS[given["task"]]
    values = chosen(task, given)
    known = {field.name for field in fields(task)}
    for option in _everyday():
        name = option.name or ""
        if name != "set" and name not in known and given[name] is not None:
            values[name] = given[name]  # refused by the task, in its own words
    with interruptible() as interrupted:
        summary = restore_many(
            given["images"],
            given["output"],
            task.from_dict(values),
            **input_paths(given),
            tiling=tiling_options(given),
            overwrite=given["force"],
            on_start=lambda link: click.echo(f"Dashboard: {link}"),
            on_outcome=_tell,
            should_stop=interrupted,
            **{name: given[name] for name in ("axes", "data_range", "seed")},
            **{name: given[name] for name in ("device", "workers", "scheduler", "resume")},
        )
    click.echo(f"{given['output']}: {summary}; see summary.csv")
    context = click.get_current_context()
    if summary.count(Status.UNFINISHED):
        click.echo("napari-dip: interrupted; go on with --resume", err=True)
        context.exit(INTERRUPTED)
    if summary.count(Status.FAILED):
        context.exit(SOME_FAILED)


def _tell(outcome: Outcome, summary: Summary) -> None:
    """A line for each item as it ends."""
    from napari_dip.scheduling.item import Status

    place = f"[{len(summary.outcomes)}/{len(summary.names)}] {outcome.name}: "
    if outcome.status is Status.FAILED:
        click.echo(f"{place}failed: {outcome.error}", err=True)
    elif outcome.status is Status.DONE and outcome.report:
        told = outcome.report
        click.echo(f"{place}{told['iterations']} iterations in {told['seconds']:.1f} s")
    else:
        click.echo(place + outcome.status)


batch = Command(
    "batch",
    params=[
        click.Argument(["images"], metavar="IN...", nargs=-1, required=True),
        file_option("-o", "--output", metavar="OUTDIR", required=True, help="Folder of results."),
        _tasks(),
        *_sides(),
        *_everyday(),
        *_run_options(),
    ],
    callback=_run,
    help=HELP,
    short_help="Restore many pictures side by side.",
)
