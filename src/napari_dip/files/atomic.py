"""Safe writing: a bad destination is refused early, and no file is left half written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_dip.errors import UserError

TEMPORARY_PREFIX = ".napari-dip-"
"""How the name of a file begins while it is being written."""


class FileError(UserError):
    """A file that can't be read or written; the message names it and the remedy."""


def make_folder(folder: Path) -> None:
    """Make a folder for results, and the folders above it.

    Raises
    ------
    FileError
        When it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"output: {folder} can't be made ({reason(error)}); name another folder"
        ) from error


def check_destination(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse a path at which no file can be written, or at which there is one already.

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
def reading(path: Path, remedy: str = "check that it is complete") -> Iterator[None]:
    """Turn errors of every kind, which decoders raise for damaged files, into a FileError."""
    try:
        yield
    except FileError:
        raise
    except MemoryError as error:
        raise FileError(
            f"{path}: can't be read (it is larger than the memory); give a result that ends in "
            ".ome.zarr, which is made tile by tile"
        ) from error
    except Exception as error:
        raise FileError(f"{path}: can't be read ({reason(error)}); {remedy}") from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn errors of the disk into a FileError."""
    try:
        yield
    except OSError as error:
        raise FileError(f"{path}: can't be written ({reason(error)})") from error


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; the file replaces `path` if all goes well.

    Raises
    ------
    FileError
        When writing failed; `path` is then as it was.
    """
    target = Path(path).resolve()  # the file behind a link, not the link itself
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(6)}{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    # Encoders raise errors of every kind for what they can't hold.
    except Exception as error:
        raise FileError(f"{path}: can't be written ({reason(error)})") from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove, in a folder and below it, the unfinished files of a process that was killed."""
    for path in folder.rglob(f"{TEMPORARY_PREFIX}*"):
        path.unlink(missing_ok=True)


def reason(error: Exception) -> str:
    """Describe an error in one line, without the path that an OSError repeats."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__
