"""Detail enhancement, stopped at several points of one fit.

Source: arXiv 1711.10925, section 3.5 and its figure of coarse and boosted pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_dip.restoration.job import Job
from napari_dip.studies.lab.base import Network, Study, StudyInputs
from napari_dip.studies.study import Array, PartUpdate, ShouldStop, StudyPart
from napari_dip.tasks.enhance import EnhanceDetail
from napari_dip.tasks.settings import setting

if TYPE_CHECKING:
    from napari_dip.engine.fit import Progress


SELDOM, OFTEN = 50, 5
"""At most this many iterations between reports, and at least this many reports to each point."""


@dataclass(frozen=True, kw_only=True)
class StoppingPoints(Study):
    """Enhance detail, with one fit that is looked at when it has come to each of the points.

    The earlier the point, the coarser the picture, and the larger the details that are boosted.
    """

    name = "enhance-stops"
    title = "Detail by stopping point"
    axis = "stopping point"

    stops: tuple[int, ...] = setting(
        (250, 500, 2500, 7000), "Iterations to look at", least=1, most=10**6
    )
    gain: float = setting(1.0, "How much detail is added: 0 none, 1 as in the paper", least=0)
    preset: Network = setting("fast", "The network: fast, or the paper's")

    def parts(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        stops = sorted(set(self.stops))
        task = EnhanceDetail(
            preset=self.preset,
            gain=self.gain,
            iterations=stops[-1],
            stop="budget",
            # What a point shows must not depend on how far the fit goes on after it.
            schedule="constant",
            learning_rate=0.01,
            average=0.0,
        )
        course = SharedFit(study_inputs.job(task), math.gcd(*stops))
        parts = []
        for before, stop in zip((0, *stops), stops, strict=False):
            run = course.until(stop, is_first=not before)
            parts.append(StudyPart(f"coarse, {stop}", stop, run, start=before))
            parts.append(StudyPart(f"boosted, {stop}", 1, course.boosted))
        return tuple(parts)


class SharedFit:
    """One fit that several parts of a study carry on, each from where the last one has come to.

    Parameters
    ----------
    job
        What is fitted.
    step
        Each point is a multiple of it.
    """

    def __init__(self, job: Job, step: int) -> None:
        self._job = job
        # The engine reports at multiples: of a divisor, so that each point is among them.
        most = max(1, min(SELDOM, step // OFTEN))
        self._every = max(n for n in range(1, most + 1) if step % n == 0)
        self._newest: Progress | None = None
        self._fit: Iterator[Progress] | None = None

    def until(self, stop: int, *, is_first: bool) -> Callable[[ShouldStop], Iterator[PartUpdate]]:
        """What goes on to a point, showing the coarse picture."""

        def run(should_stop: ShouldStop) -> Iterator[PartUpdate]:
            if is_first:
                self._fit = self._newest = None
            for progress in self._progress(should_stop):
                self._newest = progress
                yield PartUpdate(progress.iteration, self._image("coarse"), progress.loss)
                if progress.iteration >= stop:
                    return

        return run

    def boosted(self, should_stop: ShouldStop) -> Iterator[PartUpdate]:
        """What shows the given picture with more detail."""
        yield PartUpdate(1, self._image("image"))

    def _progress(self, should_stop: ShouldStop) -> Iterator[Progress]:
        from napari_dip.engine.fit import fit

        job = self._job
        if self._fit is None:
            self._fit = fit(
                job.task.problem(job.measurement),
                job.task.fit_settings(job.measurement),
                seed=job.seed,
                device=job.device,
                report_every=self._every,
                should_stop=should_stop,
            )
        return self._fit

    def _image(self, name: str) -> Array:
        assert self._newest is not None  # a coarse part has come first
        images = self._job.task.postprocess(self._newest.image, self._job.measurement)
        return self._job.encoding.decode(images[name])
