"""Registries: what can be extended from outside, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from napari_dip.errors import UserError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Named things of one kind: the package's own, and those of other packages.

    Another package adds to it with an entry point of the registry's group, such as
    `napari_dip.tasks`, whose value is what would be given to `register`; a script calls `register`.

    Parameters
    ----------
    kind
        What the entries are, in one word: "task". It begins error messages.
    name_of
        Gives an entry's name.
    check
        Raises a `UserError` that says what an entry lacks.
    builtin
        The package's own entries; or, if importing them takes long, their names and where they are
        ("module:attribute"), for the registry to import them when they are asked for.
    group
        The group of entry points; `napari_dip.KINDs` if not given.

    Examples
    --------
    >>> numbers = Registry("number", str, lambda number: None, (1, 2))
    >>> numbers.register(3)
    3
    >>> list(numbers)
    ['1', '2', '3']
    >>> numbers["3"], numbers.get("4")
    (3, None)
    """

    def __init__(
        self,
        kind: str,
        name_of: Callable[[T], str],
        check: Callable[[T], object],
        builtin: tuple[T, ...] | Mapping[str, str],
        *,
        group: str | None = None,
    ) -> None:
        self.kind, self.group = kind, group or f"napari_dip.{kind}s"
        self._name_of, self._check = name_of, check
        self._own: dict[str, T | EntryPoint]
        if isinstance(builtin, Mapping):
            self._own = {n: EntryPoint(n, where, self.group) for n, where in builtin.items()}
        else:
            self._own = {name_of(entry): entry for entry in builtin}

    def register(self, entry: T) -> T:
        """Add an entry; as a decorator, it gives the entry back.

        Raises
        ------
        UserError
            When the entry lacks something, or its name is taken by another one.
        """
        return self._add(self._entries, entry)

    def unregister(self, name: str) -> None:
        """Take an entry away that was registered."""
        del self._entries[name]

    @cached_property
    def _entries(self) -> dict[str, T | EntryPoint]:
        """The package's own and those of entry points, which are looked for at the first use."""
        entries = dict(self._own)
        for point in entry_points(group=self.group):
            self._add(entries, point.load())
        return entries

    def _add(self, entries: dict[str, T | EntryPoint], entry: T) -> T:
        self._check(entry)
        name = self._name_of(entry)
        if entries.get(name, entry) is not entry:
            raise UserError(f"{self.kind}: the name {name!r} is taken; choose another")
        entries[name] = entry
        return entry

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise _Missing(f"{self.kind}: expected one of {', '.join(self._entries)}, got {name!r}")
        entry = self._entries[name]
        if isinstance(entry, EntryPoint):
            entry = self._entries[name] = entry.load()
        return entry

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def has_docstring(cls: type) -> bool:
    """Whether a class has a docstring of its own, and not the signature that `dataclass` writes."""
    text = vars(cls).get("__doc__") or ""
    return bool(text) and not text.startswith(f"{cls.__name__}(")


class _Missing(UserError, KeyError):
    """No such entry; also a KeyError, which `get` and `in` rely on."""

    __str__ = Exception.__str__  # KeyError's own would add quotes
