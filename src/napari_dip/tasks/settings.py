"""Settings whose fields have a type, a range and a description, for every front end.

A settings class is a frozen dataclass whose fields are made by `setting`. Python keywords, the
command line's options and the dock's form are all derived from those fields. Settings hold scalars,
choices and short tuples only, so they go to JSON and back.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import numbers
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, Literal, Self, Union

from napari_dip.errors import UserError


def setting(
    default: Any,
    help: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: Callable[[], Iterable[str]] | None = None,
    advanced: bool = False,
    of_image: bool = False,
) -> Any:
    """A field of a settings class.

    Parameters
    ----------
    default
        Default value; None if the preset decides.
    help
        One sentence for tooltips and `--help`.
    least, most
        Range of a number (or of each number of a tuple).
    choices
        Returns the texts that can be chosen, if more may be registered; choices that stay the same
        are a `Literal` in the annotation.
    advanced
        Whether a form may hide the field at first.
    of_image
        Whether the value belongs to one image, and would harm another.
    """
    metadata = {
        "help": help,
        "least": least,
        "most": most,
        "choices": choices,
        "advanced": advanced,
        "of_image": of_image,
    }
    return dataclasses.field(default=default, metadata=metadata)


_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class SettingKind:
    """The values that a field accepts, read from its annotation.

    Attributes
    ----------
    scalar
        Type of the value, or of each value of a tuple.
    choices
        The texts that can be chosen; empty if it is no choice.
    many
        Whether the value is a tuple.
    optional
        Whether it may be None.
    """

    scalar: type
    choices: tuple[str, ...]
    many: bool
    optional: bool

    def __str__(self) -> str:
        if self.choices:
            one = "one of " + ", ".join(self.choices)
        else:
            one = {bool: "true or false", int: "a whole number", float: "a number"}.get(
                self.scalar, "text"
            )
        return f"{one}, or several with commas" if self.many else one


def kinds(cls: type[Settings]) -> dict[str, SettingKind]:
    """The kind of each field of a settings class, by name, with the choices that there are now."""
    known: dict[str, SettingKind] = dict(_annotated_kinds(cls))  # type: ignore[arg-type]
    for field in dataclasses.fields(cls):
        if choices := field.metadata["choices"]:
            known[field.name] = replace(known[field.name], choices=tuple(choices()))
    return known


@cache
def _annotated_kinds(cls: type[Settings]) -> dict[str, SettingKind]:
    hints = typing.get_type_hints(cls)
    return {f.name: _kind(hints[f.name]) for f in dataclasses.fields(cls)}


def _kind(hint: Any) -> SettingKind:
    members = typing.get_args(hint) if _is_union(hint) else (hint,)
    optional = type(None) in members
    many, choices, scalar = False, (), str
    for member in members:
        if typing.get_origin(member) is tuple:
            many = True
            member = typing.get_args(member)[0]
        if typing.get_origin(member) is Literal:
            choices = typing.get_args(member)
        elif member is not type(None):
            scalar = member
    return SettingKind(scalar, choices, many, optional)


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (Union, types.UnionType)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of all settings: checks, JSON, and values given as text."""

    FORMER_NAMES: ClassVar[Mapping[str, str]] = {}
    """Today's names of settings by those of earlier versions, which stored files may have."""
    FORMER_VALUES: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """For a setting, today's values by those of earlier versions."""

    def __post_init__(self) -> None:
        known = kinds(type(self))
        for field in dataclasses.fields(self):
            value = _checked(known[field.name], field, getattr(self, field.name))
            object.__setattr__(self, field.name, value)

    def replace(self, **changes: Any) -> Self:
        """A copy with some settings changed; a misspelt name is refused."""
        self._refuse_unknown(changes)
        return dataclasses.replace(self, **changes)

    def for_another_image(self) -> Self:
        """A copy without the values that belong to one image, such as its noise level."""
        own = [field for field in dataclasses.fields(self) if field.metadata.get("of_image")]
        return dataclasses.replace(self, **{field.name: field.default for field in own})

    def to_dict(self) -> dict[str, Any]:
        """All settings as JSON values."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    def to_json(self) -> str:
        """All settings as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Settings from `to_dict`'s values, or some of them, of this version or an earlier one.

        Raises
        ------
        UserError
            For a name that is no setting, or a value out of range.
        """
        named = {cls.FORMER_NAMES.get(name, name): value for name, value in values.items()}
        cls._refuse_unknown(named)
        return cls(**{name: cls._current(name, value) for name, value in named.items()})

    @classmethod
    def parse(cls, name: str, text: str) -> Any:
        """The value that a setting's text stands for, such as "64,64" for filters.

        Names and values of earlier versions are taken, too.

        Raises
        ------
        UserError
            For a name that is no setting, or text that is not of its kind.
        """
        current = cls.FORMER_NAMES.get(name, name)
        cls._refuse_unknown([current])
        kind = kinds(cls)[current]
        if kind.optional and text.lower() in ("none", "null", ""):
            return None
        parts = text.split(",") if kind.many else [text]
        try:
            values = [_parse_one(kind, part.strip()) for part in parts]
        except ValueError:
            raise UserError(f"{name}: {text!r} is not {kind}") from None
        return tuple(values) if kind.many else cls._current(current, values[0])

    @classmethod
    def _current(cls, name: str, value: Any) -> Any:
        """Today's value of a setting."""
        former = cls.FORMER_VALUES.get(name, {})
        return former.get(value, value) if isinstance(value, str) else value

    @classmethod
    def _refuse_unknown(cls, names: Iterable[str]) -> None:
        known = [f.name for f in dataclasses.fields(cls)]
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else "known are " + ", ".join(known)
                raise UserError(f"{name}: {cls.__name__} has no such setting; {hint}")


def _parse_one(kind: SettingKind, text: str) -> Any:
    if kind.choices:
        return text
    if kind.scalar is bool:
        if text.lower() not in _TRUTH:
            raise ValueError(text)
        return _TRUTH[text.lower()]
    if kind.scalar is float and "/" in text:  # 25/255, as noise levels are written
        above, below = text.split("/", 1)
        return float(above) / float(below) if float(below) else math.nan
    return kind.scalar(text)


def _checked(kind: SettingKind, field: dataclasses.Field[Any], value: Any) -> Any:
    """The value in its field's own type, or a UserError."""
    if value is None and kind.optional:
        return None
    if kind.many:
        value = value if isinstance(value, (list, tuple)) else (value,)
        if not value:
            raise UserError(f"{field.name}: it is empty; give one entry for each level")
        return tuple(_checked_one(kind, field, v) for v in value)
    return _checked_one(kind, field, value)


def _checked_one(kind: SettingKind, field: dataclasses.Field[Any], value: Any) -> Any:
    wrong = UserError(f"{field.name}: {value!r} is not {kind}")
    if kind.choices:
        if value not in kind.choices:
            raise wrong
        return value
    if kind.scalar in (int, float):
        # NumPy's numbers are as good as Python's, but only those go to JSON.
        numeric: Any = numbers.Integral if kind.scalar is int else numbers.Real
        if isinstance(value, bool) or not isinstance(value, numeric):
            raise wrong
        value = kind.scalar(value)
        least, most = field.metadata["least"], field.metadata["most"]
        if not math.isfinite(value):
            raise UserError(f"{field.name}: {value} is not a finite number")
        if least is not None and value < least:
            raise UserError(f"{field.name}: {value:g} is below its least value of {least:g}")
        if most is not None and value > most:
            raise UserError(f"{field.name}: {value:g} is above its greatest value of {most:g}")
    elif not isinstance(value, kind.scalar):
        raise wrong
    return value
