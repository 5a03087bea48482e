"""`napari-dip`: all commands together; `demo`, `info` and `gui`.

Whatever is wrong with what was typed ends in one line on stderr and exit code 2, with nothing
written. Libraries that take long to import wait until a command needs them.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from napari_dip._version import __version__
from napari_dip.cli.batch import batch_command
from napari_dip.cli.options import DEVICE, FILE, SEED, Command, ExitCode, interrupted
from napari_dip.cli.studies import INVERT, LAYERS, MAXIMIZE, study_command
from napari_dip.cli.tasks import task_command
from napari_dip.errors import UserError
from napari_dip.tasks.registry import TASKS

if TYPE_CHECKING:
    from napari_dip.registry import Registry
    from napari_dip.samples.demo import Demo
    from napari_dip.studies.lab.base import Study


class Program(click.Group):
    """The commands. Those of tasks and studies are made when they are asked for.

    So tasks and studies that other packages register have their commands, too.
    """

    command_class = Command

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*self.commands, "batch", *TASKS, *_studies()})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in self.commands:
            return self.commands[name]
        if name == "batch":
            return batch_command()
        if name in TASKS:
            return task_command(TASKS[name])
        return study_command(_studies()[name]) if name in _studies() else None

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        try:
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.Abort:
            code = interrupted("nothing was written")
        except click.ClickException as error:
            code = _complain(error.format_message())
        except UserError as error:
            code = _complain(str(error))
        sys.exit(code)


def _studies() -> Registry[type[Study]]:
    """The lab's studies, which bring NumPy: a task's help shall not wait for it."""
    from napari_dip.studies.lab.registry import STUDIES

    return STUDIES


def _complain(message: str) -> ExitCode:
    # Zarr leaves tasks behind where a chunk can't be read, and asyncio complains of them at exit.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore", RuntimeWarning)
    click.echo(f"napari-dip: {' '.join(message.split())}", err=True)
    return ExitCode.BAD_ARGUMENT


@click.group(cls=Program, invoke_without_command=True)
@click.version_option(__version__, prog_name="napari-dip")
@click.pass_context
def main(context: click.Context) -> None:
    """Restore one image with a Deep Image Prior: a network learns from that image alone."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (INVERT, MAXIMIZE, LAYERS):
    main.add_command(_command)


@main.command()
@click.option("--task", metavar="TASK", default="denoise", show_default=True, help="A task's name.")
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=FILE,
    default="napari-dip-demo",
    show_default=True,
    help="Folder of the images; if it has files already, a new one beside it.",
)
@click.option("--preset", metavar="instant|fast|best|paper", default="fast", show_default=True)
@click.option("--headless", is_flag=True, help="Don't open napari, where it could be opened.")
def demo(
    task: str, output: Path, preset: str, headless: bool, seed: int, device: str
) -> ExitCode | None:
    """Degrade a bundled picture, restore it, and show both side by side."""
    from napari_dip.cli.progress import run_job, summary
    from napari_dip.samples.demo import run_demo

    shown = run_demo(task, output, preset=preset, seed=seed, device=device, run=run_job)
    course = summary(shown.result)
    if shown.psnr is not None:
        before, after = shown.psnr
        course = f"PSNR {before:.2f} dB before, {after:.2f} dB after, {shown.result.seconds:.0f} s"
    click.echo(f"{shown.sample.title}: {course}")
    click.echo(f"Pictures in {shown.folder}: {', '.join(shown.files)}")
    if shown.result.stop_reason == "cancelled":
        return ExitCode.INTERRUPTED
    if not headless:
        _open_in_napari(shown)
    return None


def _open_in_napari(demo: Demo) -> None:
    """Show a demo in napari, if napari is installed and there is a display."""
    try:
        from napari_dip.ui.app import has_display, open_demo
    except ImportError:
        return
    if has_display():
        click.echo("Opening napari; --headless leaves it out.")
        open_demo(demo)


demo.params += [SEED, DEVICE]


@main.command()
def info() -> None:
    """Show versions, devices, and what they can do."""
    from napari_dip.cli.info import info_rows

    rows = info_rows()
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
