"""Studies: several pictures with names, each of which takes a fit of its own.

A restoration makes one image. A study makes one for each of its parts (an architecture, a prior, a
layer of a classifier), to be looked at together. This module carries studies out; what they are
about is said where their parts are made.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from napari_dip.study_results import Array, Picture, StudyResult, StudyUpdate

if TYPE_CHECKING:
    from collections.abc import Generator

ShouldStop: TypeAlias = Callable[[], bool]
"""Asked before each iteration; true ends the work with what there is. It may block: a pause."""


@dataclass(frozen=True)
class Moment:
    """Where one part of a study is.

    Attributes
    ----------
    iteration
        Done, counted as `Part.iterations` is.
    image
        Its picture now, a copy of its own, in the user's axes and values.
    loss
        None where nothing is fitted.
    scores
        What else is known of the picture, by name, such as its PSNR.
    """

    iteration: int
    image: Array = field(repr=False)
    loss: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One picture to be made.

    Attributes
    ----------
    name
        The picture's; no two of a study are the same.
    iterations
        Its budget; 1 for what is computed at once.
    run
        Makes it, yielding moments.
    start
        Of these iterations, those that an earlier part has done, whose fit goes on.
    """

    name: str
    iterations: int
    run: Callable[[ShouldStop], Iterator[Moment]] = field(repr=False)
    start: int = 0


@dataclass(frozen=True)
class StudyJob:
    """A checked study that has not begun.

    Attributes
    ----------
    study, axis, settings
        As in `StudyResult`.
    parts
        What is made.
    together
        Advance all parts by turns instead of one after another, so that they can be watched side
        by side; all of their networks are held in memory then.
    """

    study: str
    axis: str
    parts: tuple[Part, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    together: bool = False

    def run(self, should_stop: ShouldStop = lambda: False) -> Iterator[StudyUpdate]:
        """Make the pictures, yielding updates; the last one carries the result."""
        start = time.perf_counter()
        budgets = {part.name: part.iterations for part in self.parts}
        before = sum(part.start for part in self.parts)
        pictures: dict[str, Picture] = {}
        reason = "budget"

        def update() -> StudyUpdate:
            begun = [part for part in self.parts if part.name in pictures]
            done = sum(pictures[part.name].iterations - part.start for part in begun)
            seconds = time.perf_counter() - start
            shown = tuple(pictures[part.name] for part in begun)
            return StudyUpdate(done, sum(budgets.values()) - before, seconds, shown)

        with ExitStack() as open_parts:
            waiting = deque(
                (part.name, open_parts.enter_context(closing(_generator(part, should_stop))))
                for part in self.parts
            )
            while waiting:
                # The first picture is always made: there is nothing to keep before it.
                if pictures and should_stop():
                    reason = "cancelled"
                    break
                name, moments = waiting.popleft()
                began = time.perf_counter()
                moment = next(moments, None)
                if moment is None:
                    if name in pictures:
                        budgets[name] = pictures[name].iterations
                    continue
                picture = pictures.get(name) or Picture(name, moment.image)
                pictures[name] = picture.advanced(moment, time.perf_counter() - began)
                (waiting.append if self.together else waiting.appendleft)((name, moments))
                yield update()
        last = update()
        result = StudyResult(
            self.study,
            self.axis,
            last.pictures,
            self.settings,
            reason,
            last.iteration,
            last.seconds,
        )
        yield replace(last, result=result)


def _generator(part: Part, should_stop: ShouldStop) -> Generator[Moment]:
    return cast("Generator[Moment]", part.run(should_stop))


def at_once(
    name: str, make: Callable[[], Array], score: Callable[[Array], Mapping[str, float]]
) -> Part:
    """A part that takes no fit.

    Parameters
    ----------
    name
        The picture's.
    make
        Computes it.
    score
        What is known of it.
    """

    def run(should_stop: ShouldStop) -> Iterator[Moment]:
        image = make()
        yield Moment(1, image, None, score(image))

    return Part(name, 1, run)
