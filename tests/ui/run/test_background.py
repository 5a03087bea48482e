import threading

from napari_dip.errors import UserError
from napari_dip.ui.run.background import Background

from ..fakes import until


def answer_of(background):
    answers = []
    until(lambda: answers.append(background.take()) or answers[-1] is not None)
    return answers[-1]


def test_an_answer_is_given_once():
    background = Background(lambda x: 2 * x)
    background.ask(3)
    assert answer_of(background) == 6
    until(lambda: not background.is_busy)
    assert background.take() is None


def test_only_the_newest_question_is_answered():
    asked, go = [], threading.Event()

    def answer(x):
        asked.append(x)
        go.wait(10)
        return x

    background = Background(answer)
    background.ask(1)
    until(lambda: asked)
    background.ask(2)
    background.ask(3)
    go.set()
    assert answer_of(background) == 3
    assert asked == [1, 3]


def test_errors_become_text():
    def refuse(x):
        raise UserError("device: no such device")

    def fail(x):
        raise RuntimeError("no memory")

    for answer, text in ((refuse, "device: no such device"), (fail, "not known (RuntimeError)")):
        background = Background(answer)
        background.ask(1)
        assert answer_of(background) == text
