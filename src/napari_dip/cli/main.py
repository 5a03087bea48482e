"""`napari-dip`: all commands together; `demo` and `gui`.

Whatever is wrong with what was typed ends in one line on stderr and exit code 2, with nothing
written. Libraries that take long to import wait until a command needs them.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from napari_dip._version import __version__
from napari_dip.cli.batch import batch_command
from napari_dip.cli.info import show_info
from napari_dip.cli.options import DEVICE, FILE, SEED, Command, ExitCode, file_option, interrupted
from napari_dip.cli.studies import invert_command, layers_command, maximize_command, study_command
from napari_dip.cli.tasks import task_command
from napari_dip.errors import UserError
from napari_dip.tasks.registry import TASKS

if TYPE_CHECKING:
    from napari_dip.registry import Registry
    from napari_dip.samples.demo import Demo
    from napari_dip.studies.lab.base import Study


class Program(click.Group):
    """The commands, each of which is made when it is asked for.

    Tasks and studies that other packages register thus have their commands too.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*_COMMANDS, *TASKS, *_studies()})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in _COMMANDS:
            return _COMMANDS[name]()
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


def _demo_command() -> Command:
    return Command(
        "demo",
        params=[
            click.Option(
                ["--task"],
                metavar="|".join(TASKS),
                default="denoise",
                show_default=True,
                help="The task to show.",
            ),
            file_option(
                "-o",
                "--output",
                metavar="FOLDER",
                default="napari-dip-demo",
                show_default=True,
                help="Folder of the images; if it has files already, a new one beside it.",
            ),
            click.Option(
                ["--preset"], metavar="fast|best|paper", default="fast", show_default=True
            ),
            click.Option(
                ["--headless"], is_flag=True, help="Don't open napari, where it could be opened."
            ),
            SEED,
            DEVICE,
        ],
        callback=_run_demo,
        help="Degrade a bundled picture, restore it, and show both side by side.",
    )


def _run_demo(
    task: str, output: Path, preset: str, headless: bool, seed: int, device: str
) -> ExitCode | None:
    from napari_dip.cli.progress import run_job, summary
    from napari_dip.samples.demo import run_demo

    demo = run_demo(task, output, preset=preset, seed=seed, device=device, run=run_job)
    course = summary(demo.result)
    if demo.psnr is not None:
        before, after = demo.psnr
        course = f"PSNR {before:.2f} dB before, {after:.2f} dB after, {demo.result.seconds:.0f} s"
    click.echo(f"{demo.sample.title}: {course}")
    click.echo(f"Pictures in {demo.folder}: {', '.join(demo.files)}")
    if demo.result.stop_reason == "cancelled":
        return ExitCode.INTERRUPTED
    if not headless:
        _open_in_napari(demo)
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


def _info_command() -> Command:
    return Command("info", callback=show_info, help=show_info.__doc__)


def _gui_command() -> Command:
    return Command(
        "gui",
        params=[click.Argument(["files"], metavar="[FILES]...", type=FILE, nargs=-1)],
        callback=_open_viewer,
        help="Open napari with the dock, and a sample if no files are given.",
    )


def _open_viewer(files: tuple[Path, ...]) -> None:
    try:
        from napari_dip.ui.app import open_viewer
    except ImportError as error:
        raise UserError(
            f"gui: {error.name} is not installed; pip install 'napari-dip[all]'"
        ) from error
    open_viewer(files)


_COMMANDS: dict[str, Callable[[], click.Command]] = {
    "batch": batch_command,
    "demo": _demo_command,
    "gui": _gui_command,
    "info": _info_command,
    "invert": invert_command,
    "layers": layers_command,
    "maximize": maximize_command,
}
"""The commands beside those of tasks and studies, by name."""
