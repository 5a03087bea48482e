"""`napari-dip batch`: many images, with any task, on this machine or a cluster."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

from napari_dip.cli.options import (
    DEVICE,
    FORCE,
    SEED,
    STRICT,
    Command,
    ExitCode,
    axes_option,
    file_option,
    flag,
    input_paths,
    interrupted,
    set_option,
    settings_options,
    tiling_options,
    typed_settings,
    typed_tiling,
)
from napari_dip.tasks.base import INPUT_HELP
from napari_dip.tasks.registry import TASKS

_HELP = """Restore many images side by side: files, folders, patterns, frames, tiles.

Each result is written to OUTDIR as soon as it is finished, with a report beside it; summary.csv and
summary.json list all. An image that fails stops nothing. Ctrl-C ends the run, and --resume goes on
with it."""


def batch_command() -> Command:
    """The command, with the everyday settings of all tasks."""
    return Command(
        "batch",
        params=[
            click.Argument(["images"], metavar="IN...", nargs=-1, required=True),
            file_option(
                "-o", "--output", metavar="OUTDIR", required=True, help="Folder of the results."
            ),
            click.Option(
                ["--task"],
                type=click.Choice(list(TASKS)),
                default="denoise",
                show_default=True,
                help="The task that restores each image.",
            ),
            *_input_options(),
            *_everyday_settings(),
            *_run_options(),
        ],
        callback=_run,
        help=_HELP,
        short_help="Restore many images side by side.",
    )


def _input_options() -> list[click.Parameter]:
    several = "One for all images, or a folder with one of each image's name."
    return [
        *(
            file_option(f"--{name}", help=f"{about} {several}")
            for name, about in INPUT_HELP.items()
        ),
        flag("--mask-keeps", "Masks mark the known pixels instead of the missing ones."),
    ]


def _everyday_settings() -> list[click.Parameter]:
    """Options for the everyday settings of all tasks, without defaults, which differ."""
    options: dict[str, click.Parameter] = {}
    for task in TASKS.values():
        for option in settings_options(task):
            if isinstance(option, click.Option) and option.name not in ("set", *options):
                option.default, option.show_default = None, False
                options[option.name or ""] = option
    return [*options.values(), set_option("Any setting of the task. Can be repeated.")]


def _run_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--series"],
            metavar="N|all",
            help="Which image of files with several, from 1 on, or all; the first if not given.",
        ),
        axes_option("the files", "one letter for each axis, as in TCYX"),
        click.Option(["--data-range"], type=float, metavar="X", help="Range from black to white."),
        STRICT,
        SEED,
        DEVICE,
        *tiling_options(),
        click.Option(
            ["--workers"],
            type=int,
            metavar="N",
            help="Processes on this machine; by default one for each GPU or each two cores.",
        ),
        click.Option(
            ["--scheduler"], metavar="ADDRESS", help="A running dask scheduler, host:port."
        ),
        flag("--resume", "Go on with a run that was ended; finished results are kept."),
        FORCE,
    ]


def _run(**given: Any) -> ExitCode | None:
    from napari_dip.batch.restore import restore_many
    from napari_dip.cli.progress import interruptible, show_notes, show_outcome
    from napari_dip.scheduling.item import Status

    task = TASKS[given["task"]]
    values = typed_settings(task, given)
    known = {field.name for field in fields(task)}
    for option in _everyday_settings():
        name = option.name or ""
        if name != "set" and name not in known and given[name] is not None:
            values[name] = given[name]  # of another task; `from_dict` refuses it
    with interruptible() as is_interrupted:
        summary = restore_many(
            given["images"],
            given["output"],
            task.from_dict(values),
            **input_paths(given),
            tiling=typed_tiling(given),
            overwrite=given["force"],
            on_start=lambda link: click.echo(f"Dashboard: {link}") if link else None,
            on_notes=lambda notes: show_notes(map(str, notes)),
            on_outcome=lambda outcome, summary: show_outcome(
                outcome, len(summary.outcomes), len(summary.names)
            ),
            should_stop=is_interrupted,
            series=int(given["series"]) if (given["series"] or "").isdigit() else given["series"],
            **{name: given[name] for name in ("axes", "data_range", "seed")},
            **{
                name: given[name] for name in ("device", "strict", "workers", "scheduler", "resume")
            },
        )
    click.echo(f"{given['output']}: {summary}; see summary.csv")
    if summary.count(Status.UNFINISHED):
        return interrupted("go on with --resume")
    return ExitCode.SOME_FAILED if summary.count(Status.FAILED) else None
