"""What commands are made of: options derived from settings, exit codes, errors in typed words."""

from __future__ import annotations

import inspect
import re
from dataclasses import Field, fields
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_dip.data.axes import axes_from_text
from napari_dip.errors import UserError
from napari_dip.tasks.base import INPUT_HELP
from napari_dip.tasks.settings import SettingKind, Settings, kinds

if TYPE_CHECKING:
    from napari_dip.tiling.plan import TilingOptions


class ExitCode(IntEnum):
    """The exit codes of all commands, beside 0."""

    SOME_FAILED = 1
    BAD_ARGUMENT = 2
    INTERRUPTED = 130
    """The code that shells report for a program that Ctrl-C ended."""


def interrupted(what: str) -> ExitCode:
    """Say that Ctrl-C ended a command, and what is left of its work."""
    click.echo(f"napari-dip: interrupted; {what}", err=True)
    return ExitCode.INTERRUPTED


FORMER_OPTIONS = {"--each": "--loop-axes", "--block": "--tile"}
"""Options of earlier versions, which still work and are in no help text, and today's names."""

_FORMER_TYPED = "napari_dip.former_names"
"""Key in a context's `meta`: the former names of options and settings that were typed, by today's
names."""


class Command(click.Command):
    """A command whose errors name what was typed: `--sigma` for the setting `sigma`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {name for param in self.params for name in param.opts}
        typed: dict[str, str] = ctx.meta.setdefault(_FORMER_TYPED, {})
        for position, arg in enumerate(args):
            if arg == "--":
                break
            former, equals, value = arg.partition("=")
            name = FORMER_OPTIONS.get(former)
            if name in known:
                args[position] = f"{name}{equals}{value}"
                typed[str(name)] = former
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if not typed:
                raise
            raise click.UsageError(_with_former_names(error.format_message(), ctx), ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            name, colon, rest = str(error).partition(": ")
            message = self._as_typed(name, ctx) + colon + rest
            raise UserError(_with_former_names(message, ctx)) from error

    def _as_typed(self, name: str, ctx: click.Context) -> str:
        typed = [pair.partition("=")[0] for pair in ctx.params.get("set", ())]
        if name in typed or ctx.meta[_FORMER_TYPED].get(name) in typed:
            return f"--set {name}"
        for param in self.params:
            if param.name == name:
                is_argument = isinstance(param, click.Argument)
                return param.human_readable_name if is_argument else param.opts[-1]
        return name


def _with_former_names(message: str, ctx: click.Context) -> str:
    for name, former in ctx.meta.get(_FORMER_TYPED, {}).items():
        message = re.sub(rf"(?<![\w-]){name}(?![\w-])", former, message)
    return message


def help_texts(settings: type[Settings]) -> dict[str, Any]:
    """The help of a command from the docstring of its settings, without the examples."""
    text = (inspect.getdoc(settings) or "").replace("`", "").partition("\n\nExamples\n")[0]
    summary, _, rest = text.partition("\n")
    return {"help": summary + rest, "short_help": summary}


def file_option(*names: str, metavar: str = "FILE", **about: Any) -> click.Option:
    """An option that takes a path."""
    return click.Option(names, metavar=metavar, type=click.Path(path_type=Path), **about)


def flag(name: str, about: str) -> click.Option:
    """An option without a value."""
    return click.Option([name], is_flag=True, help=about)


FILE = click.Path(path_type=Path)

IMAGE = click.Argument(["image"], metavar="IN", type=FILE)

FORCE = flag("--force", "Replace files that exist.")

MASK_KEEPS = flag("--mask-keeps", "The mask marks the known pixels instead of the missing ones.")

SERIES = click.Option(
    ["--series"],
    type=click.IntRange(min=1),
    metavar="N",
    help="Which image of a file with several, from 1 on; the first if not given.",
)

STRICT = flag("--strict", "Refuse files of which something would be left out, changed or assumed.")

REFERENCE = file_option("--reference", help="The true image, if it is known, for PSNR and SSIM.")

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


def axes_option(what: str, letters: str) -> click.Option:
    """The option for the axes of files."""
    text = f"Axes of {what}, if the metadata is missing or wrong: {letters}."
    return click.Option(["--axes"], metavar="LETTERS", help=text)


def settings_options(settings: type[Settings]) -> list[click.Parameter]:
    """An option for each everyday setting, and --set for all settings."""
    types = kinds(settings)
    everyday = [f for f in fields(settings) if not f.metadata["advanced"]]
    advanced = ", ".join(f.name for f in fields(settings) if f.metadata["advanced"])
    return [
        *(_setting_option(f, types[f.name]) for f in everyday),
        set_option(f"Any setting, also: {advanced}. Can be repeated."),
    ]


def set_option(about: str) -> click.Option:
    """The option that takes any setting."""
    return click.Option(["--set"], metavar="KEY=VALUE", multiple=True, help=about)


def _setting_option(field: Field[Any], kind: SettingKind) -> click.Option:
    name = field.name.replace("_", "-")
    default: Any = field.default
    about: dict[str, Any] = {
        "help": f"{field.metadata['help']}.",
        "default": ",".join(map(str, default)) if isinstance(default, tuple) else default,
        "show_default": field.default is not None,
    }
    if kind.scalar is bool:
        return click.Option([f"--{name}/--no-{name}"], **about)
    metavar = "|".join(kind.choices) or {int: "N", float: "X"}.get(kind.scalar, "TEXT")
    return click.Option([f"--{name}"], type=str, metavar=metavar, **about)


def typed_settings(settings: type[Settings], given: dict[str, Any]) -> dict[str, Any]:
    """The settings that were typed, by name."""
    values = {
        name: value if isinstance(value, bool) else settings.parse(name, value)
        for name in (f.name for f in fields(settings))
        if (value := given.get(name)) is not None
    }
    for pair in given["set"]:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UserError(f"set: {pair!r} is not KEY=VALUE, such as filters=32,32,32")
        values[name] = settings.parse(name, text)
        if name in settings.FORMER_NAMES:
            typed = click.get_current_context().meta[_FORMER_TYPED]
            typed[settings.FORMER_NAMES[name]] = name
    return values


def input_paths(given: dict[str, Any]) -> dict[str, Any]:
    """Mask, guide and PSF as they were typed, as keywords of `InputFiles` or `restore_many`."""
    paths = {name: given.get(name) for name in INPUT_HELP}
    return paths | {"mask_keeps": given.get("mask_keeps", False)}


def tiling_options(prefix: str = "") -> list[click.Parameter]:
    """The options that divide an image into frames, slices and tiles."""
    return [
        click.Option(
            ["--loop-axes"],
            metavar="LETTERS",
            help=f"{prefix}Axes whose frames, slices or channels are fitted one by one, such as T "
            "or TZ; T if not given, 'none' to fit all frames together in 3-D.",
        ),
        click.Option(
            ["--tile"],
            type=int,
            metavar="N",
            help=f"{prefix}Side of a tile along y and x in pixels; 1024, or 256 in 3-D.",
        ),
        click.Option(
            ["--overlap"],
            type=int,
            metavar="N",
            help=f"{prefix}Pixels that neighbouring tiles share; an eighth of a tile.",
        ),
        click.Option(
            ["--warm/--cold"],
            default=True,
            show_default=True,
            help=f"{prefix}Start each frame from the weights of the one before, or afresh.",
        ),
    ]


def typed_tiling(given: dict[str, Any]) -> TilingOptions:
    """The tiling that was typed."""
    from napari_dip.tiling.plan import TilingOptions

    return TilingOptions(
        loop_axes=axes_from_text(given["loop_axes"]),
        tile=given["tile"],
        overlap=given["overlap"],
        warm_start=given["warm"],
    )
