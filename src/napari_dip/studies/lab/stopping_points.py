"""Detail enhancement stopped at several points of one fit.

Source: arXiv 1711.10925, section 3.5 and its figure of coarse and boosted pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_dip.restoration.job import Job
from napari_dip.studies.lab.base import NetworkPreset, Study, StudyInputs
from napari_dip.studies.study import Array, PartUpdate, ShouldStop, StudyPart
from napari_dip.tasks.enhance import EnhanceDetail
from napari_dip.tasks.settings import setting

if TYPE_CHECKING:
    from napari_dip.engine.fit import Progress


_MOST_BETWEEN, _LEAST_REPORTS = 50, 5
"""At most this many iterations between reports, and at least this many reports before a point."""


@dataclass(frozen=True, kw_only=True)
class StoppingPoints(Study):
    """Enhance detail at several stopping points of one fit.

    The earlier the point, the coarser the picture, and the larger the details that are boosted.

    Examples
    --------
    >>> StoppingPoints(stops=(250, 500), gain=2).stops
    (250, 500)
    """

    name = "enhance-stops"
    title = "Detail by stopping point"
    axis = "stopping point"

    stops: tuple[int, ...] = setting(
        (250, 500, 2500, 7000), "Iterations after which a picture is taken", least=1, most=10**6
    )
    gain: float = setting(
        1.0, "How much detail is added: 0 adds none, 1 as much as in the paper", least=0
    )
    preset: NetworkPreset = setting("fast", "fast: a narrow network; paper: the paper's network")

    def parts(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        stops = sorted(set(self.stops))
        task = EnhanceDetail(
            preset=self.preset,
            gain=self.gain,
            iterations=stops[-1],
            stop="budget",
            # The picture at a point must not depend on how far the fit goes on after it.
            schedule="constant",
            learning_rate=0.01,
            average=0.0,
        )
        shared_fit = SharedFit(study_inputs.job(task), math.gcd(*stops))
        parts = []
        for before, stop in zip((0, *stops), stops, strict=False):
            run = shared_fit.until(stop, is_first=not before)
            parts.append(StudyPart(f"coarse, {stop}", stop, run, start=before))
            parts.append(StudyPart(f"boosted, {stop}", 1, shared_fit.boosted))
        return tuple(parts)


class SharedFit:
    """One fit that several parts of a study continue, each from where the last one ended.

    Parameters
    ----------
    job
        The restoration to be fitted.
    step
        Iterations of which each stopping point is a multiple.
    """

    def __init__(self, job: Job, step: int) -> None:
        self._job = job
        # Reports come at multiples of a divisor of the step, so that no point is missed.
        most = max(1, min(_MOST_BETWEEN, step // _LEAST_REPORTS))
        self._every = max(n for n in range(1, most + 1) if step % n == 0)
        self._newest: Progress | None = None
        self._fit: Iterator[Progress] | None = None

    def until(self, stop: int, *, is_first: bool) -> Callable[[ShouldStop], Generator[PartUpdate]]:
        """The run of a part that continues the fit to a point and shows the coarse image."""

        def run(should_stop: ShouldStop) -> Generator[PartUpdate]:
            if is_first:
                self._fit = self._newest = None
            for progress in self._progress(should_stop):
                self._newest = progress
                yield PartUpdate(progress.iteration, self._image("coarse"), progress.loss)
                if progress.iteration >= stop:
                    return

        return run

    def boosted(self, should_stop: ShouldStop) -> Generator[PartUpdate]:
        """Show the given image with more detail: the run of a part after a coarse one."""
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
        assert self._newest is not None  # a coarse part always comes first
        images = self._job.task.postprocess(self._newest.image, self._job.measurement)
        return self._job.encoding.decode(images[name])
