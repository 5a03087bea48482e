"""What commands are made of: options derived from settings, and errors in the user's words."""

from __future__ import annotations

from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click

from napari_dip.errors import UserError
from napari_dip.tasks.settings import SettingKind, Settings, kinds

SOME_FAILED = 1


INTERRUPTED = 130
"""What shells report for a program that Ctrl-C ended."""


FILE = click.Path(path_type=Path)


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


def settings_options(task: type[Settings]) -> list[click.Parameter]:
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


def _setting(field: Field[Any], kind: SettingKind) -> click.Option:
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


def file_option(*names: str, metavar: str = "FILE", **about: Any) -> click.Option:
    """An option that takes a path."""
    return click.Option(names, metavar=metavar, type=click.Path(path_type=Path), **about)


def flag(name: str, about: str) -> click.Option:
    """An option without a value."""
    return click.Option([name], is_flag=True, help=about)


def chosen(task: type[Settings], given: dict[str, Any]) -> dict[str, Any]:
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
