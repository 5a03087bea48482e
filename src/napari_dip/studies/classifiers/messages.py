"""The ends of error messages: names that may have been meant, and what other libraries say."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

MOST = 4
"""Names that are suggested."""


def nearest(text: str, names: Sequence[str]) -> list[str]:
    """The names that are most like a text: those that hold it, then those that are spelt alike."""
    wanted = text.strip().lower()
    holding = sorted((n for n in names if wanted and wanted in n.lower()), key=len)
    spelt = {n.lower(): n for n in names}
    alike = [spelt[n] for n in difflib.get_close_matches(wanted, spelt, MOST, 0.5)]
    return list(dict.fromkeys([*holding, *alike]))[:MOST]


def suggestion(text: str, names: Sequence[str]) -> str:
    """The end of an error message: what may have been meant, or some of what there is."""
    if found := nearest(text, names):
        return f"did you mean {' or '.join(found)}?"
    return f"there are {', '.join(names[:MOST])}{' ...' if len(names) > MOST else ''}"


def reason(error: Exception) -> str:
    """What an error says, in a sentence: torch's go on for paragraphs."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = lines[-1] if any("Traceback" in line for line in lines) else lines[0]  # TorchScript's
    return line.partition(". ")[0].rstrip(".: ")
