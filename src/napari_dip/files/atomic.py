"""Where files go: refused early if they can't, and never left half written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_dip.errors import UserError

TEMPORARY = ".napari-dip-"
"""What the names of files begin with that are being written."""


class FileError(UserError):
    """A file that can't be read or written; the message names it and the remedy."""


def make_folder(folder: Path) -> None:
    """Make a folder for results.

    Raises
    ------
    FileError
        When it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"output: {folder} can't be made ({error.strerror})") from error


def check_destination(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse a place where no file can be written, or where there is one already.

    Raises
    ------
    FileError
        When `path` exists (unless `overwrite`), is a folder, or its folder is missing or
        read-only.
    """
    path = Path(path)
    folder = path.resolve().parent
    if path.is_dir():
        raise FileError(f"{path}: is a folder; name a file in it")
    if not folder.is_dir():
        raise FileError(f"{path}: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK):
        raise FileError(f"{path}: the folder {folder} is read-only; choose another")
    if path.exists() and not overwrite:
        raise FileError(
            f"{path}: exists already; choose another name, or replace it with --force "
            "(overwrite=True in Python)"
        )


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Name a temporary file to write to, which takes the place of `path` if all goes well.

    Raises
    ------
    FileError
        When writing failed; `path` is then as it was.
    """
    target = Path(path).resolve()  # through a link, not in its place
    temporary = target.with_name(f"{TEMPORARY}{secrets.token_hex(6)}{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    # Encoders meet what they can't hold with errors of every kind.
    except Exception as error:
        raise FileError(f"{path}: can't be written ({reason(error)})") from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed had begun to write in a folder and its folders."""
    for path in folder.rglob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)


def reason(error: Exception) -> str:
    """Say in one line what went wrong, without the path that an OSError repeats."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__
