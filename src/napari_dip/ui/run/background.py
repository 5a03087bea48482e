"""Short questions, answered beside the window's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar

from napari_dip.errors import UserError

Question = TypeVar("Question")


Answer = TypeVar("Answer")


ReadRequest: TypeAlias = Callable[[], Callable[[], Any]]
"""What is read beside the window's thread; it returns what is then to be done on that thread."""


class Background(Generic[Question, Answer]):
    """Answers questions on a thread, one at a time and only the newest.

    Parameters
    ----------
    answer
        What is done on the thread. A UserError's message becomes the answer.
    """

    def __init__(self, answer: Callable[[Question], Answer]) -> None:
        self._work_out = answer
        self._lock = threading.Lock()
        self._question: Question | None = None
        self._answer: Answer | str | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an answer is still to come, or to be taken."""
        with self._lock:
            return self._thread is not None or self._answer is not None

    def ask(self, question: Question) -> None:
        """Ask; what was asked before is forgotten."""
        with self._lock:
            self._question, self._answer = question, None
            if self._thread is None:
                # No daemon: an interpreter that exits under a thread that imports torch crashes.
                self._thread = threading.Thread(target=self._work)
                self._thread.start()

    def take(self) -> Answer | str | None:
        """The newest answer, once; text is why there is none."""
        with self._lock:
            answer, self._answer = self._answer, None
            return answer

    def _work(self) -> None:
        while True:
            with self._lock:
                question, self._question = self._question, None
                if question is None:
                    self._thread = None
                    return
            answer: Answer | str
            try:
                answer = self._work_out(question)
            except UserError as error:
                answer = str(error)
            except Exception as error:  # an answer is a courtesy, never a reason to fail
                answer = f"not known ({type(error).__name__})"
            with self._lock:
                if self._question is None:
                    self._answer = answer
