"""What comes of a study: its pictures, each with a name, as they are fitted and at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_dip import __version__

if TYPE_CHECKING:
    from napari_dip.studies import Moment

Array = NDArray[Any]


@dataclass(frozen=True)
class Picture:
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
        As in `Moment`.
    iterations, seconds
        Done, and their time.
    """

    name: str
    image: Array = field(repr=False)
    curve: tuple[tuple[int, float], ...] = field(default=(), repr=False)
    scores: Mapping[str, float] = field(default_factory=dict)
    iterations: int = 0
    seconds: float = 0.0

    def advanced(self, moment: Moment, seconds: float) -> Picture:
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
    pictures: tuple[Picture, ...]
    settings: Mapping[str, Any]
    stop_reason: str
    iterations: int
    seconds: float

    @property
    def names(self) -> tuple[str, ...]:
        """The pictures' names."""
        return tuple(picture.name for picture in self.pictures)

    def __getitem__(self, name: str) -> Picture:
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
    pictures: tuple[Picture, ...]
    result: StudyResult | None = None
