"""`UserError`: an error that the user can correct."""

from __future__ import annotations


class UserError(ValueError):
    """An argument, setting or file that can't be used.

    The message is one line: it names the argument as the user typed it, and says what is wrong and
    what to do instead. Command line and docks show it as it is, without a traceback.

    Examples
    --------
    >>> from napari_dip import Denoise, UserError
    >>> try:
    ...     Denoise(iterations=0)
    ... except UserError as error:
    ...     print(error)
    iterations: 0 is below its least value of 1
    """
