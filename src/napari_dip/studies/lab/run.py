"""`run_study`: make the pictures of one of the lab's studies."""

from __future__ import annotations

from collections.abc import Callable

from napari_dip.errors import UserError
from napari_dip.studies.lab.base import Study, StudyInputs
from napari_dip.studies.study import Array, ShouldStop, StudyJob, StudyResult, StudyUpdate


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
    """Check the arguments and settings of a study without starting it.

    The parameters, and the errors, are those of `run_study`.

    Examples
    --------
    >>> from napari_dip import Samples
    >>> job = prepare_study(Samples(architectures=("unet-3",), count=2, size=32))
    >>> [part.name for part in job.parts]
    ['unet-3, weights 1', 'unet-3, weights 2']
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
        The study with its settings: `Samples()`, `Impedance()`, `ComparePriors()`, ...
    image, axes, mask, reference, data_range, device, seed
        As in `restore`. `Samples` takes no image; only studies of a restoration take a mask and a
        reference.
    on_progress
        Called with a `StudyUpdate` now and then, and at the end.
    should_stop
        Asked before each iteration; true ends the study with what there is.

    Returns
    -------
    StudyResult
        The pictures by name, with their curves and scores.

    Raises
    ------
    UserError
        When an argument can't be used; the message says what to do instead.
    OutOfMemory
        When a fit needs more memory than there is.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import ComparePriors
    >>> image = np.tile(np.linspace(0, 1, 32), (32, 1))
    >>> result = run_study(ComparePriors(factor=2, iterations=1), image, device="cpu")
    >>> result.names
    ('no prior', 'total variation', 'bicubic', 'deep prior')
    >>> result["bicubic"].image.shape
    (64, 64)
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
    return job.result(should_stop, on_progress)
