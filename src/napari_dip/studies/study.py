"""A study: several named pictures, each of which takes a fit, and what comes of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from napari_dip._version import __version__

if TYPE_CHECKING:
    from collections.abc import Generator


Array = NDArray[Any]


@dataclass(frozen=True)
class StudyPicture:
    """A picture of a study, as far as it has come.

    Attributes
    ----------
    name
        Its part's.
    image
        In the user's axes and values.
    curve
        (iteration, loss) for each report; empty where nothing is fitted.
    scores
        As in `PartUpdate`.
    iterations, seconds
        Done, and their time.
    """

    name: str
    image: Array = field(repr=False)
    curve: tuple[tuple[int, float], ...] = field(default=(), repr=False)
    scores: Mapping[str, float] = field(default_factory=dict)
    iterations: int = 0
    seconds: float = 0.0

    def advanced(self, moment: PartUpdate, seconds: float) -> StudyPicture:
        """The same picture, some seconds later."""
        point = () if moment.loss is None else ((moment.iteration, moment.loss),)
        return replace(
            self,
            image=moment.image,
            curve=self.curve + point,
            scores=moment.scores,
            iterations=moment.iteration,
            seconds=self.seconds + seconds,
        )

    @property
    def caption(self) -> str:
        """Its name, and its PSNR or the activation that it reaches where that is known."""
        if "psnr" in self.scores:
            return f"{self.name}, {self.scores['psnr']:.2f} dB"
        if "activation" in self.scores:
            return f"{self.name}, activation {self.scores['activation']:.3g}"
        return self.name


@dataclass(frozen=True)
class StudyResult:
    """What came of a study.

    Attributes
    ----------
    study
        Its name.
    axis
        What its pictures differ in: "architecture", "prior", "iteration", ...
    pictures
        In the order of its parts; fewer where it was stopped early.
    settings
        What was asked for, as JSON values.
    stop_reason
        "budget", or "cancelled".
    iterations, seconds
        Over all parts.
    """

    study: str
    axis: str
    pictures: tuple[StudyPicture, ...]
    settings: Mapping[str, Any]
    stop_reason: str
    iterations: int
    seconds: float

    @property
    def names(self) -> tuple[str, ...]:
        """The pictures' names."""
        return tuple(picture.name for picture in self.pictures)

    def __getitem__(self, name: str) -> StudyPicture:
        """The picture of that name."""
        return next(picture for picture in self.pictures if picture.name == name)

    def stack(self) -> Array:
        """All pictures as one array, with an axis of pictures before the others."""
        return np.stack([picture.image for picture in self.pictures])

    def report(self) -> dict[str, Any]:
        """Everything but the pixels, as JSON values."""
        return {
            "study": self.study,
            "settings": dict(self.settings),
            "iterations": self.iterations,
            "seconds": self.seconds,
            "stop_reason": self.stop_reason,
            "axis": self.axis,
            "pictures": [
                {
                    "name": p.name,
                    "iterations": p.iterations,
                    "seconds": p.seconds,
                    **{k: v if np.isfinite(v) else None for k, v in p.scores.items()},
                    "curve": [list(point) for point in p.curve],
                }
                for p in self.pictures
            ],
            "version": __version__,
        }


@dataclass(frozen=True)
class StudyUpdate:
    """Where a study is.

    Attributes
    ----------
    iteration, iterations
        Done over all parts, and their budget.
    seconds
        Since it began.
    pictures
        Those that there are by now, in the order of their parts.
    result
        On the last update, and only there.
    """

    iteration: int
    iterations: int
    seconds: float
    pictures: tuple[StudyPicture, ...]
    result: StudyResult | None = None


ShouldStop: TypeAlias = Callable[[], bool]
"""Asked before each iteration; true ends the work with what there is. It may block: a pause."""


@dataclass(frozen=True)
class PartUpdate:
    """Where one part of a study is.

    Attributes
    ----------
    iteration
        Done, counted as `StudyPart.iterations` is.
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
class StudyPart:
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
    run: Callable[[ShouldStop], Iterator[PartUpdate]] = field(repr=False)
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
    parts: tuple[StudyPart, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    together: bool = False

    def run(self, should_stop: ShouldStop = lambda: False) -> Iterator[StudyUpdate]:
        """Make the pictures, yielding updates; the last one carries the result."""
        start = time.perf_counter()
        budgets = {part.name: part.iterations for part in self.parts}
        before = sum(part.start for part in self.parts)
        pictures: dict[str, StudyPicture] = {}
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
                picture = pictures.get(name) or StudyPicture(name, moment.image)
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


def _generator(part: StudyPart, should_stop: ShouldStop) -> Generator[PartUpdate]:
    return cast("Generator[PartUpdate]", part.run(should_stop))


def at_once(
    name: str, make: Callable[[], Array], score: Callable[[Array], Mapping[str, float]]
) -> StudyPart:
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

    def run(should_stop: ShouldStop) -> Iterator[PartUpdate]:
        image = make()
        yield PartUpdate(1, image, None, score(image))

    return StudyPart(name, 1, run)
