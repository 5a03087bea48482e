"""`napari-dip`: the commands together, with `demo`, `info` and `gui`.

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
from napari_dip.cli.batch import batch
from napari_dip.cli.classifiers import COMMANDS as CLASSIFIER_COMMANDS
from napari_dip.cli.options import DEVICE, FILE, INTERRUPTED, SEED, Command
from napari_dip.cli.tasks import COMMANDS as TASK_COMMANDS
from napari_dip.errors import UserError
from napari_dip.tasks.registry import TASKS

if TYPE_CHECKING:
    from napari_dip.samples.demo import Demo


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
        from napari_dip.cli.lab import COMMANDS

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


for _command in (*TASK_COMMANDS, *CLASSIFIER_COMMANDS, batch):
    main.add_command(_command)


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
    from napari_dip.cli.info import facts

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
