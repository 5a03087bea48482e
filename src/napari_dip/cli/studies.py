"""The commands of studies: those of the prior lab, `invert` and `maximize`; and `layers`.

A study writes several pictures: a stack or a figure, by the suffix of OUT.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

from napari_dip.cli.options import (
    DEVICE,
    FORCE,
    IMAGE,
    MASK_KEEPS,
    REFERENCE,
    SEED,
    Command,
    ExitCode,
    axes_option,
    file_option,
    help_texts,
    input_paths,
    interrupted,
    settings_options,
    typed_settings,
)
from napari_dip.errors import UserError
from napari_dip.studies.classifiers.settings import Invert, Maximize
from napari_dip.tasks.base import INPUT_HELP
from napari_dip.tasks.settings import Settings

if TYPE_CHECKING:
    from napari_dip.files.image_file import ImageFile
    from napari_dip.studies.classifiers.classifier import Classifier
    from napari_dip.studies.lab.base import Study
    from napari_dip.studies.study import StudyJob, StudyResult

S = TypeVar("S", bound=Settings)

Given: TypeAlias = dict[str, Any]
"""What was typed, by the names of the options."""

_OUTPUT = file_option(
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    help="A .tif gets a stack with a name for each slice, a .png one figure.",
)

_REPORT = file_option("--report", help="Write settings, scores and loss curves as JSON.")


def study_command(study: type[Study]) -> Command:
    """The command of one of the lab's studies; its options are the study's settings."""
    inputs: list[click.Parameter] = []
    if "mask" in study.accepts:
        inputs += [file_option("--mask", help=f"For inpainting. {INPUT_HELP['mask']}"), MASK_KEEPS]
    if "reference" in study.accepts:
        inputs.append(REFERENCE)
    return Command(
        study.name,
        params=_params(study, inputs, takes_image="image" in study.accepts),
        callback=partial(_run_study, study),
        **help_texts(study),
    )


def _params(
    settings: type[Settings], inputs: list[click.Parameter], *, takes_image: bool
) -> list[click.Parameter]:
    image: list[click.Parameter] = [IMAGE] if takes_image else []
    own = settings_options(settings)
    return [*image, _OUTPUT, *inputs, *own, _REPORT, FORCE, SEED, DEVICE]


def _classifier_options() -> list[click.Parameter]:
    """The options for the classifier and its preprocessing."""
    return [
        click.Option(
            ["--model"],
            metavar="NAME|FILE|MODULE:FUNCTION",
            required=True,
            help="One of torchvision's classifiers (alexnet, vgg16, vgg19, resnet50, ...), a "
            "torch.export or TorchScript file, or a Python function that returns a module, or a "
            "module and its preprocessing. TorchScript and Python are code: load what you trust.",
        ),
        file_option(
            "--weights",
            help="State dict for a torchvision classifier; its pretrained weights are downloaded "
            "on first use if none is given.",
        ),
        click.Option(
            ["--size"],
            type=int,
            metavar="N",
            help="Sides of the classifier's input in pixels, if --model doesn't tell.",
        ),
        click.Option(
            ["--mean"], metavar="X,...", help="Mean of each channel, for images in [0, 1]."
        ),
        click.Option(["--std"], metavar="X,...", help="Standard deviation of each channel."),
    ]


def _run_study(study: type[Study], **given: Any) -> ExitCode | None:
    from napari_dip.cli.progress import show_notes
    from napari_dip.files.inputs import InputFiles
    from napari_dip.studies.lab.run import prepare_study

    def prepare(settings: Study, image: ImageFile | None) -> StudyJob:
        reference = given.get("reference")
        inputs = InputFiles(**input_paths(given)).read_all()
        arrays: dict[str, Any] = {name: read.values for name, read in inputs.items()}
        show_notes(str(note) for read in inputs.values() for note in read.record.notes)
        return prepare_study(
            settings,
            None if image is None else image.data,
            axes=None if image is None else image.axes,
            reference=None if reference is None else _read(reference).data,
            device=given["device"],
            seed=given["seed"],
            **arrays,
        )

    return _run(study, given, prepare, curves=study.interleaved)


def _invert(**given: Any) -> ExitCode | None:
    from napari_dip.studies.classifiers.visualize import prepare_inversion

    def prepare(settings: Invert, image: ImageFile | None) -> StudyJob:
        assert image is not None  # an argument of the command
        return prepare_inversion(
            image.data,
            _classifier(given),
            settings,
            axes=given["axes"] or image.axes,
            device=given["device"],
            seed=given["seed"],
        )

    return _run(Invert, given, prepare, as_bytes=True)


def _maximize(**given: Any) -> ExitCode | None:
    from napari_dip.studies.classifiers.visualize import prepare_maximization

    def prepare(settings: Maximize, image: ImageFile | None) -> StudyJob:
        classifier, device, seed = _classifier(given), given["device"], given["seed"]
        return prepare_maximization(classifier, settings, device=device, seed=seed)

    return _run(Maximize, given, prepare, as_bytes=True)


def _run(
    kind: type[S],
    given: Given,
    prepare: Callable[[S, ImageFile | None], StudyJob],
    *,
    as_bytes: bool = False,
    curves: bool = False,
) -> ExitCode | None:
    """Run a study and write its pictures.

    Parameters
    ----------
    kind
        The class of the settings.
    given
        What was typed.
    prepare
        Makes the job of the settings and the image.
    as_bytes
        The pictures are floats from 0 to 1, of another size than the image: write them with 8 bits.
    curves
        Write the loss curves too.
    """
    from napari_dip.cli.progress import run_study_job, study_summary
    from napari_dip.files.atomic import check_destination
    from napari_dip.files.targets import check_targets
    from napari_dip.studies.files import (
        check_study_destination,
        write_curves,
        write_report,
        write_study,
    )

    output, report, force = given["output"], given["report"], given["force"]
    settings = kind.from_dict(typed_settings(kind, given))
    image = _read(given["image"]) if given.get("image") else None
    like = None if as_bytes else image
    curve_files = _curve_files(output) if curves else ()
    targets = [("output", output), *(("output", path) for path in curve_files)]
    targets += [("report", report)] if report else []
    check_targets(targets, _read_from(given))
    check_study_destination(output, like=like, overwrite=force)
    for path in (*curve_files, *([report] if report else [])):
        check_destination(path, overwrite=force)
    result = run_study_job(prepare(settings, image))
    pictures = _as_bytes(result) if as_bytes else result
    write_study(output, pictures, like=like, overwrite=force)
    if curve_files:
        write_curves(*curve_files, result)
    if report:
        write_report(report, result)
    click.echo(f"{output}: {study_summary(result)}")
    if result.stop_reason == "cancelled":
        return interrupted(f"{output} is how far it had come")
    return None


def _read_from(given: Given) -> list[tuple[str, Path]]:
    """The files that a study reads, with what they are."""
    names = ("image", "mask", "reference", "weights")
    files = [(name, Path(given[name])) for name in names if given.get(name)]
    model = Path(given.get("model") or "")
    return [*files, ("model", model)] if model.is_file() else files


def _read(path: Path) -> ImageFile:
    from napari_dip.cli.progress import show_notes
    from napari_dip.files.image_file import read_image

    image = read_image(path)
    show_notes(map(str, image.record.notes))
    return image


def _curve_files(output: Path) -> tuple[Path, Path]:
    """The figure and the table of the loss curves, beside the pictures."""
    stem = output.name.partition(".")[0]
    return output.with_name(f"{stem}_curves.png"), output.with_name(f"{stem}_curves.csv")


def _as_bytes(result: StudyResult) -> StudyResult:
    import numpy as np

    pictures = (replace(p, image=np.rint(255 * p.image).astype(np.uint8)) for p in result.pictures)
    return replace(result, pictures=tuple(pictures))


def _classifier(given: Given) -> Classifier:
    from napari_dip.studies.classifiers.loading import load_classifier

    return load_classifier(
        given["model"],
        weights=given["weights"],
        size=given["size"],
        mean=_numbers("mean", given["mean"]),
        std=_numbers("std", given["std"]),
    )


def _numbers(name: str, text: str | None) -> tuple[float, ...] | None:
    try:
        return None if text is None else tuple(map(float, text.split(",")))
    except ValueError:
        raise UserError(f"{name}: {text!r} is not numbers, such as 0.485,0.456,0.406") from None


def _list_layers(**given: Any) -> None:
    classifier = _classifier(given)
    width = max(map(len, classifier.layers))
    for name, layer in classifier.layers.items():
        click.echo(f"{name:<{width}}  {' x '.join(map(str, layer.shape))}")


INVERT = Command(
    Invert.name,
    params=_params(
        Invert, [*_classifier_options(), axes_option("IN", "Y, X and C or S")], takes_image=True
    ),
    callback=_invert,
    **help_texts(Invert),
)

MAXIMIZE = Command(
    Maximize.name,
    params=_params(Maximize, _classifier_options(), takes_image=False),
    callback=_maximize,
    **help_texts(Maximize),
)

LAYERS = Command(
    "layers",
    params=_classifier_options(),
    callback=_list_layers,
    help="List the layers of a classifier.\n\nBeside each is the shape of its values.",
)
