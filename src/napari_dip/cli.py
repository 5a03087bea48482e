"""`napari-dip`: a command for each task, made from the task's settings; `demo` and `info` beside.

Whatever is wrong with what was typed ends in one line on stderr and exit code 2, with nothing
written. Libraries that take long to import wait until a command needs them.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import Field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from napari_dip import __version__
from napari_dip.errors import UserError
from napari_dip.tasks import TASKS
from napari_dip.tasks.base import Side, Task
from napari_dip.tasks.settings import Kind, Settings, kinds

if TYPE_CHECKING:
    from napari_dip.demo import Demo

BAD_ARGUMENT = 2
INTERRUPTED = 130
"""What shells report for a program that Ctrl-C ended."""

FILE = click.Path(path_type=Path)

SIDES: dict[Side, str] = {
    "mask": "Picture of the image's size that is not zero where pixels are missing.",
    "guide": "The flash picture, of the image's size.",
    "psf": "Picture of the point spread function, in the image's pixels.",
}

SEED = click.Option(
    ["--seed"],
    type=int,
    metavar="N",
    default=0,
    show_default=True,
    help="The same seed on the same device gives the same result.",
)
DEVICE = click.Option(
    ["--device"],
    metavar="NAME",
    default="auto",
    show_default=True,
    help="auto, cpu, cuda (cuda:1, ...) or mps.",
)


class Command(click.Command):
    """A command whose errors name what was typed: `--sigma` for the setting `sigma`."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            name, colon, rest = str(error).partition(": ")
            raise UserError(self._as_typed(name, ctx) + colon + rest) from error

    def _as_typed(self, name: str, ctx: click.Context) -> str:
        if name in (pair.partition("=")[0] for pair in ctx.params.get("set", ())):
            return f"--set {name}"
        for param in self.params:
            if param.name == name:
                is_argument = isinstance(param, click.Argument)
                return param.human_readable_name if is_argument else param.opts[-1]
        return name


class Program(click.Group):
    """Commands that say in one line what is wrong."""

    command_class = Command

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
        params=[*_files(task), *_settings_options(task), *_surroundings(task)],
        callback=partial(_restore, task),
        help=summary + rest,
        short_help=summary,
    )


def _files(task: type[Task]) -> list[click.Parameter]:
    """What goes in and out."""
    params: list[click.Parameter] = [
        click.Argument(["image"], metavar="IN", type=FILE),
        _file("-o", "--output", metavar="OUT", required=True, help="Result: .tif, .png or .jpg."),
        *(_file(f"--{s}", required=s in task.needs, help=SIDES[s]) for s in task.accepts),
    ]
    if "mask" in task.accepts:
        params.append(_flag("--mask-keeps", "The mask is zero where pixels are missing instead."))
    if task.parts:
        parts = " and ".join(task.parts)
        params.append(_flag("--parts", f"Write the {parts} images too, as TIFF beside OUT."))
    return [
        *params,
        _file("--reference", help="The true image, if it is known, for PSNR and SSIM."),
        _file("--report", help="Write the settings and the course of the fit there, as JSON."),
        _flag("--force", "Replace files that exist."),
    ]


def _settings_options(task: type[Settings]) -> list[click.Parameter]:
    """The task's everyday settings, and --set for all of them."""
    types = kinds(task)
    everyday = [f for f in fields(task) if not f.metadata["advanced"]]
    advanced = ", ".join(f.name for f in fields(task) if f.metadata["advanced"])
    some = click.Option(
        ["--set"],
        metavar="KEY=VALUE",
        multiple=True,
        help=f"Any setting, also: {advanced}. Can be repeated.",
    )
    return [*(_setting(f, types[f.name]) for f in everyday), some]


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
    return [axes, data_range, SEED, DEVICE]


def _setting(field: Field[Any], kind: Kind) -> click.Option:
    name = field.name.replace("_", "-")
    about: dict[str, Any] = {
        "help": f"{field.metadata['help']}.",
        "default": field.default,
        "show_default": field.default is not None,
    }
    if kind.scalar is bool:
        return click.Option([f"--{name}/--no-{name}"], **about)
    metavar = "|".join(kind.choices) or {int: "N", float: "X"}.get(kind.scalar, "TEXT")
    return click.Option([f"--{name}"], type=str, metavar=metavar, **about)


def _file(*names: str, metavar: str = "FILE", **about: Any) -> click.Option:
    return click.Option(names, metavar=metavar, type=click.Path(path_type=Path), **about)


def _flag(name: str, about: str) -> click.Option:
    return click.Option([name], is_flag=True, help=about)


def _restore(task: type[Task], **given: Any) -> None:
    from napari_dip.file_restoration import restore_file
    from napari_dip.terminal import summary

    output: Path = given["output"]
    result = restore_file(
        given["image"],
        output,
        task.from_dict(_chosen(task, given)),
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


def _chosen(task: type[Settings], given: dict[str, Any]) -> dict[str, Any]:
    """The settings that were typed, by name."""
    values = {
        name: value if isinstance(value, bool) else task.parse(name, value)
        for name in (f.name for f in fields(task))
        if (value := given.get(name)) is not None
    }
    for pair in given["set"]:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UserError(f"set: {pair!r} is not KEY=VALUE, such as filters=32,32,32")
        values[name] = task.parse(name, text)
    return values


for _task in TASKS.values():
    main.add_command(task_command(_task))


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
@click.option("--preset", metavar="fast|paper", default="fast", show_default=True)
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
