"""The one kind of error that is the user's to mend."""

from __future__ import annotations


class UserError(ValueError):
    """Something that was asked for or handed in can't be used.

    The message is one line: it names the argument as the user typed it, says what is wrong
    with it and what to do instead. Front ends show it as it is, without a traceback.
    """
