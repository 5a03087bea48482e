"""Ends of error messages: similar names, and the reasons given by other libraries."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

_SUGGESTIONS = 4
"""Number of names that are suggested at most."""


def nearest(text: str, names: Sequence[str]) -> list[str]:
    """The names most similar to a text: those that contain it, then those spelt alike."""
    wanted = text.strip().lower()
    holding = sorted((n for n in names if wanted and wanted in n.lower()), key=len)
    spelt = {n.lower(): n for n in names}
    alike = [spelt[n] for n in difflib.get_close_matches(wanted, spelt, _SUGGESTIONS, 0.5)]
    return list(dict.fromkeys([*holding, *alike]))[:_SUGGESTIONS]


def suggestion(text: str, names: Sequence[str]) -> str:
    """The end of an error message: similar names, or the first names of all."""
    if found := nearest(text, names):
        return f"did you mean {' or '.join(found)}?"
    return (
        f"there are {', '.join(names[:_SUGGESTIONS])}{' ...' if len(names) > _SUGGESTIONS else ''}"
    )


def reason(error: Exception) -> str:
    """The first sentence of an error's message; torch's go on for paragraphs."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = lines[-1] if any("Traceback" in line for line in lines) else lines[0]  # TorchScript's
    return line.partition(". ")[0].rstrip(".: ")
