"""The commands of the tasks: `napari-dip denoise IN -o OUT` and so on.

OUT decides how: a folder that ends in .zarr is restored in tiles and frame by frame, everything
else as a whole.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_dip.cli.options import (
    DEVICE,
    FORCE,
    IMAGE,
    MASK_KEEPS,
    REFERENCE,
    SEED,
    SERIES,
    STRICT,
    Command,
    ExitCode,
    axes_option,
    file_option,
    flag,
    help_texts,
    input_paths,
    interrupted,
    settings_options,
    tiling_options,
    typed_settings,
    typed_tiling,
)
from napari_dip.errors import UserError
from napari_dip.tasks.base import INPUT_HELP, Task

if TYPE_CHECKING:
    from napari_dip.scheduling.item import Outcome, Status
    from napari_dip.tiling.mosaic import Mosaic

_ONLY_WHOLE = ("parts", "reference", "report")
"""Options that only a result without tiles can have."""

_ONLY_TILED = ("loop_axes", "tile", "overlap", "resume")
"""Options that only a result in tiles can have."""


def task_command(task: type[Task]) -> Command:
    """The command that runs a task on a file; its options are the task's settings."""
    params = [*_file_options(task), *settings_options(task), *_run_options()]
    return Command(task.name, params=params, callback=partial(_restore, task), **help_texts(task))


def _file_options(task: type[Task]) -> list[click.Parameter]:
    about = "Result: .tif, .png, .jpg, .zarr."
    params: list[click.Parameter] = [
        IMAGE,
        file_option("-o", "--output", metavar="OUT", required=True, help=about),
    ]
    for name in task.accepts:
        params.append(file_option(f"--{name}", required=name in task.needs, help=INPUT_HELP[name]))
    if "mask" in task.accepts:
        params.append(MASK_KEEPS)
    if task.parts:
        parts = " and ".join(task.parts)
        params.append(flag("--parts", f"Write the {parts} images too, as TIFF beside OUT."))
    report = file_option("--report", help="Write settings, scores and the loss curve as JSON.")
    return [*params, REFERENCE, report, FORCE]


def _run_options() -> list[click.Parameter]:
    return [
        axes_option(
            "IN",
            "one letter each of Z, Y, X, C (channels) and S (samples of a colour), as in CYX; "
            "others, such as T or R, are gone through one by one",
        ),
        click.Option(
            ["--data-range"],
            type=float,
            metavar="X",
            help="Range from black to white, for PSNR and sigma; the dtype's if not given.",
        ),
        SERIES,
        STRICT,
        SEED,
        DEVICE,
        *tiling_options("OUT.zarr: "),
        flag("--resume", "OUT.zarr: go on with a run that was ended."),
    ]


def _restore(task: type[Task], **given: Any) -> ExitCode | None:
    from napari_dip.cli.progress import run_job, summary
    from napari_dip.files.inputs import InputFiles
    from napari_dip.restoration.files import restore_file

    output: Path = given["output"]
    if _is_tiled(output, given):
        return _restore_tiled(task.from_dict(typed_settings(task, given)), given)
    result = restore_file(
        given["image"],
        output,
        task.from_dict(typed_settings(task, given)),
        inputs=InputFiles(**input_paths(given)),
        parts=given.get("parts", False),
        overwrite=given["force"],
        run=run_job,
        on_start=lambda words: click.echo(f"{given['image']}: {words}"),
        **{n: given[n] for n in ("reference", "report", "axes", "data_range", "seed", "device")},
        **{name: given[name] for name in ("series", "strict")},
    )
    click.echo(f"{output}: {summary(result)}")
    for warning in result.warnings:
        click.echo(f"napari-dip: {warning}", err=True)
    if result.stop_reason == "cancelled":
        return interrupted(f"{output} is how far it had come")
    return None


def _is_tiled(output: Path, given: dict[str, Any]) -> bool:
    """Whether the result is a Zarr, in tiles.

    Raises
    ------
    UserError
        When an option does not go with such a result, or only with such a one.
    """
    if output.suffix.lower() == ".zarr":
        for name in _ONLY_WHOLE:
            if given.get(name):
                raise UserError(f"{name}: a result in tiles has none; leave it out")
        return True
    for name in _ONLY_TILED:
        if given[name]:
            raise UserError(f"{name}: it needs a result in tiles; name it {output.stem}.ome.zarr")
    return False


def _restore_tiled(task: Task, given: dict[str, Any]) -> ExitCode | None:
    from napari_dip.cli.progress import interruptible, show_notes, show_outcome
    from napari_dip.restoration.result import filled_words
    from napari_dip.scheduling.item import Status
    from napari_dip.tiling.restore import restore_large

    output: Path = given["output"]
    counts: Counter[Status] = Counter()

    def show(outcome: Outcome, mosaic: Mosaic) -> None:
        counts[outcome.status] += 1
        if outcome.status is not Status.UNFINISHED:
            show_outcome(outcome, counts.total(), len(mosaic.items))

    with interruptible() as is_interrupted:
        result = restore_large(
            given["image"],
            output,
            task,
            **input_paths(given),
            tiling=typed_tiling(given),
            overwrite=given["force"],
            on_start=lambda words: click.echo(f"{given['image']}: {words}"),
            on_notes=lambda notes: show_notes(map(str, notes)),
            on_outcome=show,
            should_stop=is_interrupted,
            **{name: given[name] for name in ("axes", "data_range", "seed", "device", "resume")},
            **{name: given[name] for name in ("series", "strict")},
        )
    if result.is_complete:
        click.echo(f"{output}: {', '.join(filter(None, ('done', filled_words(result.filled))))}")
        return None
    if counts[Status.FAILED]:
        click.echo("napari-dip: some tiles failed; try them again with --resume", err=True)
        return ExitCode.SOME_FAILED
    return interrupted("go on with --resume")
