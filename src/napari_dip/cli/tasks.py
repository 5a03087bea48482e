"""A task on a picture in blocks or frame by frame: what the commands do where OUT is a Zarr."""

from __future__ import annotations

import inspect
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_dip.cli.options import (
    DEVICE,
    FILE,
    INTERRUPTED,
    SEED,
    SOME_FAILED,
    Command,
    chosen,
    file_option,
    flag,
    settings_options,
)
from napari_dip.data.axes import axes_from_text
from napari_dip.errors import UserError
from napari_dip.tasks.base import INPUT_HELP, Task
from napari_dip.tasks.registry import TASKS

if TYPE_CHECKING:
    from napari_dip.scheduling.item import Outcome
    from napari_dip.tasks.base import Task
    from napari_dip.tiling.mosaic import Mosaic
    from napari_dip.tiling.plan import TilingOptions


CUTS = ("loop_axes", "tile", "overlap")


def cut_options() -> list[click.Parameter]:
    """How a picture is divided."""
    return [
        click.Option(
            ["--each", "loop_axes"],
            metavar="LETTERS",
            help="Axes whose entries are fitted one by one, such as T or TZ; T if not given, "
            "'none' for a fit of all frames in 3-D.",
        ),
        click.Option(
            ["--block", "tile"],
            type=int,
            metavar="N",
            help="Pixels along y and x that are fitted at once; 1024, or 256 in 3-D.",
        ),
        click.Option(
            ["--overlap"],
            type=int,
            metavar="N",
            help="Pixels that neighbouring tiles share; an eighth of a tile.",
        ),
        click.Option(
            ["--warm/--cold"],
            default=True,
            show_default=True,
            help="Start each frame from the last one's weights, or afresh.",
        ),
    ]


def large_options() -> list[click.Parameter]:
    """What a command of one picture has beside, for an OUT that is a Zarr."""
    resume = flag("--resume", "OUT.zarr: go on with a run that was ended.")
    options = cut_options()
    for option in options:
        if isinstance(option, click.Option):
            option.help = f"OUT.zarr: {option.help}"
    return [*options, resume]


def tiling_options(given: dict[str, Any]) -> TilingOptions:
    """The division that was asked for."""
    from napari_dip.tiling.plan import TilingOptions

    return TilingOptions(
        loop_axes=axes_from_text(given["loop_axes"]),
        tile=given["tile"],
        overlap=given["overlap"],
        warm_start=given["warm"],
    )


def input_paths(given: dict[str, Any]) -> dict[str, Any]:
    """Mask, guide and PSF as they were given, as keywords."""
    paths = {name: given.get(name) for name in INPUT_HELP}
    return paths | {"mask_keeps": given.get("mask_keeps", False)}


def is_large(output: Path, given: dict[str, Any]) -> bool:
    """Whether a result goes to a Zarr.

    Raises
    ------
    UserError
        When it does not, yet something was asked for that only a Zarr can have.
    """
    if output.suffix.lower() == ".zarr":
        for name in ("parts", "reference", "report"):
            if given.get(name):
                raise UserError(f"{name}: a result in tiles has none; leave it out")
        return True
    for name in (*CUTS, "resume"):
        if given[name]:
            raise UserError(f"{name}: it needs a result in tiles; name it {output.stem}.ome.zarr")
    return False


def restore_tiled(task: Task, given: dict[str, Any]) -> None:
    """Carry out a command whose OUT is a Zarr."""
    from napari_dip.cli.progress import interruptible
    from napari_dip.scheduling.item import Status
    from napari_dip.tiling.restore import restore_large

    counts: dict[Status, int] = {}

    def tell(outcome: Outcome, mosaic: Mosaic) -> None:
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
        place = f"[{sum(counts.values())}/{len(mosaic.items)}] {outcome.name}: "
        if outcome.status is Status.FAILED:
            click.echo(f"{place}failed: {outcome.error}", err=True)
        elif outcome.status is not Status.UNFINISHED:
            click.echo(f"{place}{outcome.status}")

    output: Path = given["output"]
    with interruptible() as interrupted:
        result = restore_large(
            given["image"],
            output,
            task,
            **input_paths(given),
            tiling=tiling_options(given),
            overwrite=given["force"],
            on_start=lambda words: click.echo(f"{given['image']}: {words}"),
            on_outcome=tell,
            should_stop=interrupted,
            **{name: given[name] for name in ("axes", "data_range", "seed", "device", "resume")},
        )
    context = click.get_current_context()
    if result.is_complete:
        click.echo(f"{output}: done")
    elif counts.get(Status.FAILED):
        click.echo("napari-dip: some tiles failed; try them again with --resume", err=True)
        context.exit(SOME_FAILED)
    else:
        click.echo("napari-dip: interrupted; go on with --resume", err=True)
        context.exit(INTERRUPTED)


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
        *(
            file_option(f"--{s}", required=s in task.needs, help=INPUT_HELP[s])
            for s in task.accepts
        ),
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
    from napari_dip.cli.progress import run_job, summary
    from napari_dip.files.inputs import InputFiles
    from napari_dip.restoration.files import restore_file

    output: Path = given["output"]
    if is_large(output, given):
        restore_tiled(task.from_dict(chosen(task, given)), given)
        return
    result = restore_file(
        given["image"],
        output,
        task.from_dict(chosen(task, given)),
        inputs=InputFiles(**input_paths(given)),
        parts=given.get("parts", False),
        overwrite=given["force"],
        run=run_job,
        **{n: given[n] for n in ("reference", "report", "axes", "data_range", "seed", "device")},
    )
    click.echo(f"{output}: {summary(result)}")
    if result.stop_reason == "cancelled":
        click.echo(f"napari-dip: interrupted; {output} is how far it had come", err=True)
        click.get_current_context().exit(INTERRUPTED)


COMMANDS = [_task_command(task) for task in TASKS.values()]
