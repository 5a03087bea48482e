"""`Registry`: named classes of one kind, which other packages and scripts can extend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from napari_dip.errors import UserError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Named entries of one kind: the package's own, and those of other packages.

    A script adds an entry by `register`, another package by an entry point of the registry's group,
    such as `napari_dip.tasks`, that refers to the entry.

    Parameters
    ----------
    kind
        Kind of the entries in one word, such as "task"; error messages begin with it.
    name_of
        Returns an entry's name.
    check
        Raises a `UserError` that names what an entry lacks.
    builtin
        The package's own entries. If their import takes long, a mapping from their names to
        "module:attribute" instead; an entry is then imported when it is asked for.
    group
        Group of entry points; `napari_dip.KINDs` if not given.

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
        """Add an entry and return it, so that it can be a decorator.

        Raises
        ------
        UserError
            When the entry lacks something, or its name is taken by another one.
        """
        return self._add(self._entries, entry)

    def unregister(self, name: str) -> None:
        """Remove an entry that was registered."""
        del self._entries[name]

    @cached_property
    def _entries(self) -> dict[str, T | EntryPoint]:
        """All entries; those of entry points are searched for at the first use."""
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


def class_check(kind: str, base: type, *needed: str) -> Callable[[type], None]:
    """Make the `check` of a registry of classes.

    A class has to derive from `base`, to have the needed attributes and methods, and a docstring.
    """

    def check(entry: type) -> None:
        if not (isinstance(entry, type) and issubclass(entry, base)):
            raise UserError(f"{kind}: expected a subclass of {base.__name__}, got {entry!r}")
        found = {name: getattr(entry, name, None) for name in needed}
        missing = [
            name
            for name, value in found.items()
            if not value or getattr(value, "__isabstractmethod__", False)
        ]
        # A dataclass without a docstring has its signature as one.
        text = vars(entry).get("__doc__") or ""
        if not text or text.startswith(f"{entry.__name__}("):
            missing.append("docstring")
        if missing:
            raise UserError(f"{kind}: {entry.__name__} has no {' and no '.join(missing)}; add them")

    return check


class _Missing(UserError, KeyError):
    """There is no such entry. It is a KeyError, too, on which `Mapping.get` relies."""

    __str__ = Exception.__str__  # KeyError's own would add quotes
