"""`napari-dip`: a command for each task, made from the task's settings; `demo` and `info` beside.

Whatever is wrong with what was typed ends in one line on stderr and exit code 2, with nothing
written. Libraries that take long to import wait until a command needs them.
"""

from __future__ import annotations

import inspect
import logging
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from napari_dip import __version__
from napari_dip.cli_batch import batch
from napari_dip.cli_classifiers import COMMANDS as CLASSIFIER_COMMANDS
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
from napari_dip.errors import UserError
from napari_dip.tasks import TASKS
from napari_dip.tasks.base import Task

if TYPE_CHECKING:
    from napari_dip.demo import Demo

BAD_ARGUMENT = 2


class Program(click.Group):
    """Commands that say in one line what is wrong."""

    command_class = Command

    def list_commands(self, context: click.Context) -> list[str]:
        self._add_lab()
        return super().list_commands(context)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.commands:
            self._add_lab()
        return super().get_command(context, name)

    def _add_lab(self) -> None:
        """The prior lab's commands bring NumPy, which no other command's help shall wait for."""
        from napari_dip.cli_lab import COMMANDS

        for command in COMMANDS:
            self.add_command(command)

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        try:
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.Abort:
            click.echo("napari-dip: interrupted; nothing was written", err=True)
            code = INTERRUPTED
        except click.ClickException as error:
            code = _complain(error.format_message())
        except UserError as error:
            code = _complain(str(error))
        sys.exit(code)


def _complain(message: str) -> int:
    # Where a chunk can't be read, Zarr leaves tasks behind that asyncio would complain of at exit.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore", RuntimeWarning)
    click.echo(f"napari-dip: {' '.join(message.split())}", err=True)
    return BAD_ARGUMENT


@click.group(cls=Program, invoke_without_command=True)
@click.version_option(__version__, prog_name="napari-dip")
@click.pass_context
def main(context: click.Context) -> None:
    """Restore one image with a Deep Image Prior: a network learns from that image alone."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def task_command(task: type[Task]) -> Command:
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


for _task in TASKS.values():
    main.add_command(task_command(_task))
for _command in CLASSIFIER_COMMANDS:
    main.add_command(_command)
main.add_command(batch)


@main.command()
@click.option(
    "--task",
    metavar="|".join(TASKS),
    default="denoise",
    show_default=True,
    help="What to show.",
)
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    default="napari-dip-demo",
    show_default=True,
    help="Where the pictures go; where it has files already, a new folder beside it.",
)
@click.option("--preset", metavar="fast|best|paper", default="fast", show_default=True)
@click.option("--headless", is_flag=True, help="Don't open napari, where it could be opened.")
@click.pass_context
def demo(
    context: click.Context,
    task: str,
    output: Path,
    preset: str,
    headless: bool,
    seed: int,
    device: str,
) -> None:
    """Degrade a bundled picture, restore it, and show both side by side."""
    from napari_dip.demo import run_demo
    from napari_dip.terminal import summary

    shown = run_demo(task, output, preset=preset, seed=seed, device=device)
    course = summary(shown.result)
    if shown.psnr is not None:
        before, after = shown.psnr
        course = f"PSNR {before:.2f} dB before, {after:.2f} dB after, {shown.result.seconds:.0f} s"
    click.echo(f"{shown.sample.title}: {course}")
    click.echo(f"Pictures in {shown.folder}: {', '.join(shown.files)}")
    if shown.result.stop_reason == "cancelled":
        context.exit(INTERRUPTED)
    if not headless:
        _open_in_napari(shown)


def _open_in_napari(shown: Demo) -> None:
    """Show a demo in napari, where napari and a display are there."""
    try:
        from napari_dip.ui.app import has_display, open_demo
    except ImportError:
        return
    if has_display():
        click.echo("Opening napari; --headless leaves it out.")
        open_demo(shown)


demo.params += [SEED, DEVICE]


@main.command()
def info() -> None:
    """Show versions, devices, and what they can do."""
    from napari_dip.info import facts

    rows = facts()
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")


@main.command()
@click.argument("files", metavar="[FILES]...", type=FILE, nargs=-1)
def gui(files: tuple[Path, ...]) -> None:
    """Open napari with the dock, and a sample if no files are given."""
    try:
        from napari_dip.ui.app import open_viewer
    except ImportError as error:
        raise UserError(
            f"gui: {error.name} is not installed; pip install 'napari-dip[all]'"
        ) from error
    open_viewer(files)
