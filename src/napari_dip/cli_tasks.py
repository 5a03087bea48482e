"""A command for each task, made from the task's settings."""

from __future__ import annotations

import inspect
from functools import partial
from pathlib import Path
from typing import Any

import click

from napari_dip.cli_large import is_large, large_options, restore_in_blocks
from napari_dip.command_options import (
    DEVICE,
    FILE,
    INTERRUPTED,
    SEED,
    SIDES,
    Command,
    chosen,
    file_option,
    flag,
    settings_options,
)
from napari_dip.tasks import TASKS
from napari_dip.tasks.base import Task


def _task_command(task: type[Task]) -> Command:
    """The command that runs a task on a file; its options are the task's settings."""
    summary, _, rest = (inspect.getdoc(task) or "").replace("`", "").partition("\n")
    return Command(
        task.name,
        params=[*_files(task), *settings_options(task), *_surroundings(task)],
        callback=partial(_restore, task),
        help=summary + rest,
        short_help=summary,
    )


def _files(task: type[Task]) -> list[click.Parameter]:
    """What goes in and out."""
    params: list[click.Parameter] = [
        click.Argument(["image"], metavar="IN", type=FILE),
        file_option(
            "-o", "--output", metavar="OUT", required=True, help="Result: .tif, .png, .jpg, .zarr."
        ),
        *(file_option(f"--{s}", required=s in task.needs, help=SIDES[s]) for s in task.accepts),
    ]
    if "mask" in task.accepts:
        params.append(flag("--mask-keeps", "The mask is zero where pixels are missing instead."))
    if task.parts:
        parts = " and ".join(task.parts)
        params.append(flag("--parts", f"Write the {parts} images too, as TIFF beside OUT."))
    return [
        *params,
        file_option("--reference", help="The true image, if it is known, for PSNR and SSIM."),
        file_option(
            "--report", help="Write the settings and the course of the fit there, as JSON."
        ),
        flag("--force", "Replace files that exist."),
    ]


def _surroundings(task: type[Task]) -> list[click.Parameter]:
    """How to read IN, and where to compute."""
    axes = click.Option(
        ["--axes"],
        metavar="LETTERS",
        help="What the axes of IN are if its file doesn't tell right: one letter each of Z, Y, X, "
        "C (channels) and S (samples of a colour), such as CYX.",
    )
    data_range = click.Option(
        ["--data-range"],
        type=float,
        metavar="X",
        help="From black to white, for PSNR and sigma; the dtype's range if not given.",
    )
    return [axes, data_range, SEED, DEVICE, *large_options()]


def _restore(task: type[Task], **given: Any) -> None:
    from napari_dip.file_restoration import restore_file
    from napari_dip.terminal import summary

    output: Path = given["output"]
    if is_large(output, given):
        restore_in_blocks(task.from_dict(chosen(task, given)), given)
        return
    result = restore_file(
        given["image"],
        output,
        task.from_dict(chosen(task, given)),
        sides={side: given[side] for side in task.accepts if given[side] is not None},
        mask_keeps=given.get("mask_keeps", False),
        parts=given.get("parts", False),
        overwrite=given["force"],
        **{n: given[n] for n in ("reference", "report", "axes", "data_range", "seed", "device")},
    )
    click.echo(f"{output}: {summary(result)}")
    if result.stop_reason == "cancelled":
        click.echo(f"napari-dip: interrupted; {output} is how far it had come", err=True)
        click.get_current_context().exit(INTERRUPTED)


COMMANDS = [_task_command(task) for task in TASKS.values()]
