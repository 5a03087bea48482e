"""Short questions that are answered on a thread of their own while the window goes on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from napari_dip.errors import UserError

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Background(Generic[Question, Answer]):
    """Answers questions on a thread, one at a time, and only the newest one.

    Questions are asked and answers are taken on one thread, the window's.

    Parameters
    ----------
    answer
        Works out the answer to a question; called on the other thread. If it raises a UserError,
        the error's message becomes the answer.
    """

    def __init__(self, answer: Callable[[Question], Answer]) -> None:
        self._work_out = answer
        # Python waits for a pool's threads when it exits. It has to: an interpreter that exits
        # under a thread that imports torch crashes.
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._newest: Future[Answer] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an answer is yet to come or to be taken."""
        return self._newest is not None

    def ask(self, question: Question) -> None:
        """Ask a question; the one before is forgotten."""
        self.forget()
        self._newest = self._pool.submit(self._work_out, question)

    def forget(self) -> None:
        """Drop the question that was asked; its answer is never given."""
        if self._newest is not None:
            self._newest.cancel()
            self._newest = None

    def take(self) -> Answer | str | None:
        """Return the newest answer once, or a text that says why there is none."""
        newest = self._newest
        if newest is None or not newest.done():
            return None
        self._newest = None
        try:
            return newest.result()
        except UserError as error:
            return str(error)
        except Exception as error:  # an answer is a courtesy, never a reason to fail
            return f"not known ({type(error).__name__})"
