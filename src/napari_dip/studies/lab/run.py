"""The prior lab: looking inside the deep image prior, beside restoring with it.

>>> from napari_dip.lab import Impedance, run_study
>>> result = run_study(Impedance(iterations=500), image)  # doctest: +SKIP
>>> result["white noise"].curve, result.stack()  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable

from napari_dip.errors import UserError
from napari_dip.studies.lab.base import Study, StudyInputs
from napari_dip.studies.lab.compare_architectures import CompareArchitectures
from napari_dip.studies.lab.compare_priors import ComparePriors
from napari_dip.studies.lab.impedance import Impedance
from napari_dip.studies.lab.prior_samples import Samples
from napari_dip.studies.lab.stopping_points import StoppingPoints
from napari_dip.studies.study import Array, ShouldStop, StudyJob, StudyResult, StudyUpdate

STUDIES: dict[str, type[Study]] = {
    study.name: study
    for study in (Samples, Impedance, ComparePriors, CompareArchitectures, StoppingPoints)
}
"""All studies by their name on the command line."""


def prepare_study(
    study: Study,
    image: Array | None = None,
    *,
    axes: str | None = None,
    mask: Array | None = None,
    reference: Array | None = None,
    data_range: float | None = None,
    device: str = "auto",
    seed: int = 0,
) -> StudyJob:
    """Check a study's arguments and settings, without starting it.

    Its parameters, and what it raises, are those of `run_study`.
    """
    given = {"image": image, "mask": mask, "reference": reference}
    for name, value in given.items():
        if value is not None and name not in study.accepts:
            raise UserError(f"{name}: {study.name} takes none; leave it out")
    if image is None and "image" in study.accepts:
        raise UserError(f"image: {study.name} needs one")
    study_inputs = StudyInputs(image, axes, mask, reference, data_range, device, seed)
    settings = {**study.to_dict(), "seed": seed, "device": device}
    parts = study.parts(study_inputs)
    return StudyJob(study.name, study.axis, parts, settings, interleaved=study.interleaved)


def run_study(
    study: Study,
    image: Array | None = None,
    *,
    axes: str | None = None,
    mask: Array | None = None,
    reference: Array | None = None,
    data_range: float | None = None,
    device: str = "auto",
    seed: int = 0,
    on_progress: Callable[[StudyUpdate], object] | None = None,
    should_stop: ShouldStop = lambda: False,
) -> StudyResult:
    """Make all pictures of a study.

    Parameters
    ----------
    study
        What is compared, with its settings: `Samples()`, `Impedance()`, `ComparePriors()`, ...
    image, axes, mask, reference, data_range, device, seed
        As in `restore`. Samples of the prior take no image; only what is restored takes a mask
        and a reference.
    on_progress
        Called with a `StudyUpdate` now and then, and at the end.
    should_stop
        Asked before each iteration; true ends the study with what there is.

    Returns
    -------
    StudyResult
        The pictures by name, their curves and scores.

    Raises
    ------
    UserError
        When something that was given can't be used; the message says what to do instead.
    OutOfMemory
        When a fit does not fit.
    """
    job = prepare_study(
        study,
        image,
        axes=axes,
        mask=mask,
        reference=reference,
        data_range=data_range,
        device=device,
        seed=seed,
    )
    result = None
    for update in job.run(should_stop):
        if on_progress is not None:
            on_progress(update)
        result = update.result
    assert result is not None  # a study's last update has its result
    return result
