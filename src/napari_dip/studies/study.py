"""A study: several named pictures, each of which takes a fit, and their results."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_dip._version import __version__
from napari_dip.restoration.job import run_to_end
from napari_dip.restoration.result import Result

Array = NDArray[Any]

ShouldStop: TypeAlias = Callable[[], bool]
"""Asked before each iteration; true ends the work with what there is. It may block: a pause."""


@dataclass(frozen=True)
class PartUpdate:
    """Progress of one part of a study.

    Attributes
    ----------
    iteration
        Iterations done, counted as in `StudyPart.iterations`.
    image
        The picture so far, a copy of its own, in the user's axes and values.
    loss
        The loss; None where nothing is fitted.
    scores
        Other values of the picture by name, such as its PSNR.
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
        The picture's name, unique within the study.
    iterations
        The iteration budget; 1 for a picture that takes no fit.
    run
        Makes the picture, yielding updates.
    start
        The iterations among these that an earlier part has done, whose fit this part goes on with.
    """

    name: str
    iterations: int
    run: Callable[[ShouldStop], Generator[PartUpdate]] = field(repr=False)
    start: int = 0


def computed_part(
    name: str,
    make: Callable[[], Array],
    score: Callable[[Array], Mapping[str, float]] = lambda image: {},
) -> StudyPart:
    """A part that takes no fit.

    Parameters
    ----------
    name
        The picture's name.
    make
        Computes the picture.
    score
        Computes the picture's scores.
    """

    def run(should_stop: ShouldStop) -> Generator[PartUpdate]:
        image = make()
        yield PartUpdate(1, image, None, score(image))

    return StudyPart(name, 1, run)


@dataclass(frozen=True)
class StudyPicture:
    """A picture of a study, complete or still being made.

    Attributes
    ----------
    name
        The name of its part.
    image
        The picture in the user's axes and values.
    curve
        (iteration, loss) for each report; empty where nothing is fitted.
    scores
        As in `PartUpdate`.
    iterations, seconds
        Iterations done, and the time that they took.
    """

    name: str
    image: Array = field(repr=False)
    curve: tuple[tuple[int, float], ...] = field(default=(), repr=False)
    scores: Mapping[str, float] = field(default_factory=dict)
    iterations: int = 0
    seconds: float = 0.0

    def advanced(self, update: PartUpdate, seconds: float) -> StudyPicture:
        """The same picture after an update that took some seconds."""
        point = () if update.loss is None else ((update.iteration, update.loss),)
        return replace(
            self,
            image=update.image,
            curve=self.curve + point,
            scores=update.scores,
            iterations=update.iteration,
            seconds=self.seconds + seconds,
        )

    @property
    def caption(self) -> str:
        """The name, with the PSNR or the activation where that is known."""
        if "psnr" in self.scores:
            return f"{self.name}, {self.scores['psnr']:.2f} dB"
        if "activation" in self.scores:
            return f"{self.name}, activation {self.scores['activation']:.3g}"
        return self.name

    def report(self) -> dict[str, Any]:
        """Everything but the pixels, as JSON values."""
        return {
            "name": self.name,
            "iterations": self.iterations,
            "seconds": self.seconds,
            **{k: v if np.isfinite(v) else None for k, v in self.scores.items()},
            "curve": [list(point) for point in self.curve],
        }


@dataclass(frozen=True)
class StudyResult(Result):
    """The pictures of a study, and how they were made.

    Attributes
    ----------
    study
        The study's name.
    axis
        What the pictures differ in: "architecture", "prior", "iteration", ...
    pictures
        In the order of the study's parts; fewer where it was stopped early.
    settings
        All settings, as JSON values.
    stop_reason
        "budget", or "cancelled".
    iterations, seconds
        Iterations and time of all parts together.

    Examples
    --------
    >>> from napari_dip import Samples, run_study
    >>> result = run_study(Samples(architectures=("unet-2",), count=1, size=16, width=4))
    >>> result.stop_reason, result.names, result.stack().shape
    ('budget', ('unet-2, weights 1',), (1, 16, 16, 3))
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
            "pictures": [picture.report() for picture in self.pictures],
            "version": __version__,
        }


@dataclass(frozen=True)
class StudyUpdate:
    """Progress of a study.

    Attributes
    ----------
    iteration, iterations
        Iterations done in all parts together, and their budget.
    seconds
        Time since the study began.
    pictures
        The pictures that have begun, in the order of their parts.
    result
        Only on the last update.
    """

    iteration: int
    iterations: int
    seconds: float
    pictures: tuple[StudyPicture, ...]
    result: StudyResult | None = None


@dataclass(frozen=True)
class StudyJob:
    """A checked study that has not begun.

    Attributes
    ----------
    study, axis, settings
        As in `StudyResult`.
    parts
        The pictures to be made.
    interleaved
        Whether the parts advance by turns instead of one after another, so that they can be
        watched side by side. The networks of all parts are then in memory together.
    """

    study: str
    axis: str
    parts: tuple[StudyPart, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    interleaved: bool = False

    def run(self, should_stop: ShouldStop = lambda: False) -> Iterator[StudyUpdate]:
        """Make the pictures, yielding updates; the last one carries the result."""
        start = time.perf_counter()
        budgets = {part.name: part.iterations for part in self.parts}
        before = sum(part.start for part in self.parts)
        pictures: dict[str, StudyPicture] = {}
        reason = "budget"

        def progress() -> StudyUpdate:
            begun = [part for part in self.parts if part.name in pictures]
            done = sum(pictures[part.name].iterations - part.start for part in begun)
            seconds = time.perf_counter() - start
            shown = tuple(pictures[part.name] for part in begun)
            return StudyUpdate(done, sum(budgets.values()) - before, seconds, shown)

        with ExitStack() as open_parts:
            waiting = deque(
                (part.name, open_parts.enter_context(closing(part.run(should_stop))))
                for part in self.parts
            )
            while waiting:
                # The first picture is always made: without it there would be nothing to keep.
                if pictures and should_stop():
                    reason = "cancelled"
                    break
                name, updates = waiting.popleft()
                began = time.perf_counter()
                update = next(updates, None)
                if update is None:
                    if name in pictures:
                        budgets[name] = pictures[name].iterations
                    continue
                picture = pictures.get(name) or StudyPicture(name, update.image)
                pictures[name] = picture.advanced(update, time.perf_counter() - began)
                (waiting.append if self.interleaved else waiting.appendleft)((name, updates))
                yield progress()
        last = progress()
        about = self.study, self.axis, last.pictures, self.settings
        result = StudyResult(*about, reason, last.iteration, last.seconds)
        yield replace(last, result=result)

    def result(
        self,
        should_stop: ShouldStop = lambda: False,
        on_progress: Callable[[StudyUpdate], object] | None = None,
    ) -> StudyResult:
        """Make all pictures; the parameters are those of `run_study`."""
        return run_to_end(self.run(should_stop), on_progress or (lambda update: None))
